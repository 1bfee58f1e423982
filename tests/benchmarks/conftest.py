"""A club in processes of its own, the floor beside it, and the page on which all is written."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
import urllib3

from maguey import embedded
from maguey.supervisor.plan import PROJECT
from tests.benchmarks import floor
from tests.benchmarks.report import Report
from tests.proof.club import Club

START_SECONDS = 30


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest) -> Iterator[Report]:
    """Return where figures are told."""
    printer = request.config.get_terminal_writer()
    told = Report(say=lambda line: printer.line(f"\n{line}"))
    yield told
    printer.line(f"\nThe page is {told.write().relative_to(PROJECT)}")


@pytest.fixture(scope="module")
def club(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Club]:
    """Return a club that is open."""
    directory = tmp_path_factory.mktemp("club")
    directory.chmod(0o711)  # PostgreSQL may run as another account
    for parent in directory.parents:
        if parent.is_relative_to(tmp_path_factory.getbasetemp().parent):
            parent.chmod(parent.stat().st_mode | 0o011)
    opened = Club(directory)
    try:
        opened.open(with_pages=True)
        yield opened
    finally:
        opened.close()


@dataclass(frozen=True)
class Floor:
    """The floor's own server."""

    port: int


@pytest.fixture(scope="module")
def bare(club: Club) -> Iterator[Floor]:
    """Return the floor, behind the server that the club's pages are behind, in the same database."""
    with club.inside():
        address = embedded.database_url("migrate")
    directory, _, name = address.partition("@/")[2].rpartition("/")
    with psycopg.connect(host=directory, dbname=name, user="maguey_migrate", autocommit=True) as link:
        link.execute(floor.TABLES)
    database = {
        "ENGINE": "django.db.backends.postgresql", "HOST": directory, "NAME": name, "USER": "maguey_migrate",
        "CONN_MAX_AGE": 60,
    }  # fmt: skip
    with socket.create_server(("127.0.0.1", 0), backlog=200) as listener:
        port = listener.getsockname()[1]
        served = subprocess.Popen(
            [sys.executable, *server_of(club, "tests.benchmarks.floor", listener.fileno())],
            env={**os.environ, "FLOOR_DATABASE": json.dumps(database)},
            cwd=PROJECT,
            pass_fds=[listener.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/page/")
            yield Floor(port)
        finally:
            os.killpg(served.pid, signal.SIGKILL)
            served.wait()


def server_of(club: Club, application: str, descriptor: int) -> list[str]:
    """Return the arguments by which the club's own server serves another application."""
    arguments = list(club.plan.web().command[1:])
    arguments[arguments.index("maguey.wsgi")] = application
    arguments[arguments.index(f"fd://{club.plan.web_socket}")] = f"fd://{descriptor}"
    return arguments


def wait_for(address: str) -> None:
    """Wait until something answers at an address."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            urllib3.request("GET", address, timeout=2, retries=False)
        except urllib3.exceptions.HTTPError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(address)


def rest(club: Club, *names: str) -> None:
    """Send programs of the club home: what is measured is somebody else's work."""
    for name in names:
        club.members[name].is_held_down = True
        club.members[name].send(signal.SIGKILL)
