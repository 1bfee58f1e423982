"""A whole club in processes of its own, from PostgreSQL to beat, each of which may be killed."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import redis
import urllib3

from maguey import embedded
from maguey.supervisor.child import Program
from maguey.supervisor.plan import PROJECT, Plan

LEASE_SECONDS = 10  # what a killed worker held comes back sooner than in life, so that the proof ends sooner
OF_OTHERS = ("DATABASE_URL", "DATABASE_URL_WORKER", "DATABASE_URL_MIGRATE", "REDIS_URL", "DATABASE_ROLE", "ERROR_LOG")
START_SECONDS = 90
NIGHT = """
import django; django.setup()
from tests.factories.tickets import EventFactory, TicketTypeFactory
TicketTypeFactory.create(event=EventFactory.create(slug="noche"), slug="general", capacity=100_000)
"""


class Member:
    """One program that is started again whenever it ends, as an orchestrator would, unless it is held down."""

    def __init__(self, program: Program, environment: dict[str, str], log: Path) -> None:
        self.program = program
        self.is_held_down = False
        self._environment = {**environment, **program.environment}
        self._log = log
        self._process = self._launch()

    def _launch(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                self.program.command,
                env=self._environment,
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=self.program.pass_fds,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Return its process id now."""
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the program and all it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def keep(self) -> None:
        """Start the program again if it has ended."""
        if self._process.poll() is not None and not self.is_held_down:
            self._process = self._launch()

    def end(self) -> None:
        """End the program for good."""
        self.is_held_down = True
        self.send(signal.SIGKILL)
        self._process.wait()


class Club:
    """The processes, their keeper, and every way to hurt them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.plan = Plan(
            web_port=self._listener.getsockname()[1], web_socket=self._listener.fileno(), sandbox_port=free_port()
        )
        kept = {name: value for name, value in os.environ.items() if name not in OF_OTHERS}
        self.environment = {
            **kept,
            "MAGUEY_DATA_DIR": str(directory / "data"),
            "LEASE_SECONDS": str(LEASE_SECONDS),
            "PYTHONUNBUFFERED": "1",
        }
        self.members: dict[str, Member] = {}
        self._is_over = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)

    def open(self, *, with_pages: bool = False) -> None:
        """Start everything, and wait until a guest can be served; pages need their static files gathered first."""
        with self.inside():
            embedded.ensure_running()
        if with_pages:
            self.environment["STATIC_ROOT"] = str(self.directory / "static")
            self.run(*self.plan.collectstatic().command[1:])
        with self.inside():
            programs = [self.plan.sandbox(), self.plan.web(), *self.plan.workers(), self.plan.watchman()]
            setup = self.plan.migrate()
        self.run(*setup.command[1:], role="migrate")
        self.run("-c", NIGHT, role="migrate")
        for program in programs:
            log = self.directory / f"{program.name}.log"
            self.members[program.name] = Member(program, self.environment, log)
        self._keeper.start()
        self.wait_until(self.is_open, seconds=START_SECONDS)

    def close(self) -> None:
        """End everything."""
        self._is_over.set()
        if self._keeper.is_alive():
            self._keeper.join()
        for member in self.members.values():
            member.end()
        self._listener.close()
        with self.inside():
            embedded.stop()

    def _keep(self) -> None:
        while not self._is_over.wait(0.2):
            for member in self.members.values():
                member.keep()

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Let this process see the club's servers instead of the tests' own."""
        before = dict(os.environ)
        os.environ.clear()
        os.environ.update(self.environment)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def run(self, *arguments: str, role: str = "worker", told: str = "") -> str:
        """Run one program to its end, having told it something, and return what it said."""
        environment = {**self.environment, **self.plan.migrate().environment, "DATABASE_ROLE": role}
        done = subprocess.run(
            [sys.executable, *arguments],
            env=environment,
            cwd=PROJECT,
            input=told,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def manage(self, *arguments: str) -> str:
        """Run one of the operators' commands."""
        return self.run("manage.py", *arguments)

    def is_open(self) -> bool:
        """Say whether web and sandbox answer."""
        try:
            ready = urllib3.request("GET", f"{self.plan.site_url}/health/ready/", timeout=2, retries=False)
            stripe = urllib3.request("GET", f"{self.plan.sandbox_url}/stripe.js", timeout=2, retries=False)
        except urllib3.exceptions.HTTPError:
            return False
        return (ready.status, stripe.status) == (200, 200)

    def wait_until(self, answer: Callable[[], bool], *, seconds: float) -> bool:
        """Wait for an answer to be yes, for so long at most, and return the last answer."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if answer():
                return True
            time.sleep(0.25)
        return answer()

    # --- faults ------------------------------------------------------------------------------------

    def kill(self, name: str) -> None:
        """Kill a program at whatever it is doing; the keeper starts it again."""
        self.members[name].send(signal.SIGKILL)

    def hold_down(self, name: str, seconds: float) -> None:
        """Kill a program and keep it down for a while."""
        member = self.members[name]
        member.is_held_down = True
        member.send(signal.SIGKILL)
        time.sleep(seconds)
        member.is_held_down = False

    def hang(self, name: str, seconds: float) -> None:
        """Let a program take connections and say nothing for a while."""
        self.members[name].send(signal.SIGSTOP)
        time.sleep(seconds)
        self.members[name].send(signal.SIGCONT)

    def redis(self) -> "redis.Redis[bytes]":
        """Return a client of the club's Redis."""
        with self.inside():
            return redis.Redis.from_url(embedded.redis_url())

    def flush_redis(self) -> None:
        """Lose every message."""
        with self.redis() as server:
            server.flushall()

    def pids(self) -> tuple[int, int]:
        """Return the process ids of PostgreSQL and Redis."""
        with self.inside():
            postgres, redis_ = embedded.status()
        assert postgres.pid
        assert redis_.pid
        return postgres.pid, redis_.pid

    def kill_redis(self, seconds: float) -> None:
        """Kill Redis, and start it again after a while with nothing in it."""
        os.kill(self.pids()[1], signal.SIGKILL)
        time.sleep(seconds)
        self.restart_servers()
        self.flush_redis()

    def hang_redis(self, seconds: float) -> None:
        """Let Redis take connections and say nothing for a while."""
        pid = self.pids()[1]
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)

    def crash_postgres(self) -> None:
        """Stop PostgreSQL as a power cut would (immediate), and start it again at once."""
        os.kill(self.pids()[0], signal.SIGQUIT)
        self.restart_servers()

    @contextmanager
    def hung_postgres(self) -> Iterator[None]:
        """Let PostgreSQL take connections and say nothing for a while."""
        pid = self.pids()[0]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def restart_servers(self) -> None:
        """Start whichever of PostgreSQL and Redis does not run."""
        with self.inside():
            embedded.ensure_running()

    def trouble_stripe(self, seconds: float, **fault: Any) -> None:  # Any: the sandbox's rule
        """Have the sandbox do something to every request for a while."""
        address = f"{self.plan.sandbox_url}/_sandbox/faults"
        urllib3.request("POST", address, json={"path": "/v1/*", "count": 0, **fault}, timeout=5)
        time.sleep(seconds)
        urllib3.request("DELETE", address, timeout=5)


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
