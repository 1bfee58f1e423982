"""Every process refuses a PostgreSQL that may forget a commit."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections

from maguey import durability, embedded

pytestmark = pytest.mark.django_db(transaction=True)

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def forgetful(as_table_owner: None) -> Iterator[None]:
    """Have this database answer before a commit is on disk, to everybody who connects."""
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} RESET synchronous_commit")


def environment() -> dict[str, str]:
    """Return the environment of a process that uses the tests' own database."""
    server = os.environ.get("DATABASE_URL", embedded.database_url("migrate")).rpartition("/")[0]
    return {**os.environ, "DATABASE_URL": f"{server}/{connection.settings_dict['NAME']}", "DATABASE_URL_MIGRATE": ""}


def start(code: str) -> subprocess.CompletedProcess[str]:
    """Start a process and return how it ended."""
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, cwd=PROJECT, env=environment(), capture_output=True, text=True, timeout=60, check=False
    )


STARTS = {
    "web": "import maguey.wsgi",
    "worker": "from celery.__main__ import main; import sys; sys.argv[1:] = '-A maguey worker -P solo'.split(); main()",
    "beat": "from celery.__main__ import main; import sys; sys.argv[1:] = '-A maguey beat'.split(); main()",
}


@pytest.mark.parametrize("process", STARTS)
def test_no_process_starts_on_a_database_that_may_forget(forgetful: None, process: str) -> None:
    ended = start(STARTS[process])

    assert ended.returncode != 0
    assert "synchronous_commit = off: a crash could lose payments" in ended.stderr


def test_a_process_starts_on_a_database_that_remembers() -> None:
    ended = start(STARTS["web"])

    assert ended.returncode == 0
    assert "could lose payments" not in ended.stderr


def test_a_forgetful_connection_is_not_kept(forgetful: None) -> None:
    other = connections.create_connection("default")

    for _ in range(2):
        with pytest.raises(ImproperlyConfigured, match="synchronous_commit = off"):
            other.ensure_connection()

    assert other.connection is None


def test_a_server_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")

    durability.refuse_at_start()
