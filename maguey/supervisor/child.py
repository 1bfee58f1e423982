"""One program: its process, its lines, and when to start it again."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

FIRST_DELAY = 1.0
LONGEST_DELAY = 30.0
SETTLED_SECONDS = 60.0  # one that ran this long is not failing at its start


@dataclass(frozen=True)
class Program:
    """Say what to run, under which name, and with which variables beside our own."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    pass_fds: tuple[int, ...] = ()


class Child:
    """A program that runs, or ran, or will run again."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.due_at: float | None = None
        self._delay = FIRST_DELAY
        self._started_at = 0.0
        self._unfinished = b""
        self._process = self._launch()

    @property
    def pid(self) -> int:
        """Return the process id, which is also its group's and its session's."""
        return self._process.pid

    def output(self) -> int:
        """Return the descriptor its lines come from."""
        assert self._process.stdout is not None  # noqa: S101 - it was made with a pipe
        return self._process.stdout.fileno()

    def exit_code(self) -> int | None:
        """Return how it ended, or None while it runs."""
        return self._process.poll()

    def read_lines(self) -> list[str]:
        """Return the whole lines it has said since the last call, without waiting for more."""
        try:
            heard = os.read(self.output(), 65536)
        except BlockingIOError:
            return []
        *lines, self._unfinished = (self._unfinished + heard).split(b"\n")
        if not heard and self._unfinished:
            lines, self._unfinished = [self._unfinished], b""
        return [line.decode(errors="replace").rstrip() for line in lines]

    def plan_restart(self) -> float:
        """Choose when to start it again, later after each failure, and return the delay."""
        if time.monotonic() - self._started_at > SETTLED_SECONDS:
            self._delay = FIRST_DELAY
        delay, self._delay = self._delay, min(self._delay * 2, LONGEST_DELAY)
        self.due_at = time.monotonic() + delay
        return delay

    def restart(self) -> None:
        """Start it again."""
        self.due_at = None
        self._unfinished = b""
        self._process = self._launch()

    def ask_to_leave(self) -> None:
        """Send SIGTERM to the program alone: it knows best how to stop what it started."""
        if self.exit_code() is None:
            self._process.terminate()

    def kill_group(self) -> None:
        """Kill whatever is left of the program and of what it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Collect a process that has ended and close its output."""
        self._process.wait()
        assert self._process.stdout is not None  # noqa: S101 - it was made with a pipe
        self._process.stdout.close()

    def _launch(self) -> subprocess.Popen[bytes]:
        self._started_at = time.monotonic()
        process = subprocess.Popen(
            self.program.command,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **self.program.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,
            pass_fds=self.program.pass_fds,
        )
        assert process.stdout is not None  # noqa: S101 - it was made with a pipe
        os.set_blocking(process.stdout.fileno(), False)
        return process
