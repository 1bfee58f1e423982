"""The embedded servers, started for real in directories of their own."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import environ
import psycopg
import pytest
import redis

from maguey import embedded
from maguey.embedded import account, bootstrap, cluster, locks, places, postgres_server, redis_server
from maguey.embedded.exceptions import NotOurs, StillInUse, WrongVersion

PROJECT = Path(__file__).resolve().parents[2]
AS_ROOT = os.geteuid() == 0


@pytest.fixture
def checkout(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Pretend to be a checkout of its own, where any account may pass, with no server of anybody's in sight."""
    with tempfile.TemporaryDirectory(prefix="maguey-test-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        _live_in(directory, monkeypatch)
        yield directory
        _live_in(directory, monkeypatch)
        embedded.stop()
        cluster.remove()
        runtime = places.runtime_dir()
    shutil.rmtree(runtime, ignore_errors=True)


def _live_in(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAGUEY_DATA_DIR", str(directory / ".maguey"))
    for variable in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(variable, raising=False)


def _query(statement: str, *, role: str = "maguey_migrate", database: str = "maguey") -> list[tuple[Any, ...]]:
    with psycopg.connect(
        host=str(places.postgres_socket_dir()), user=role, dbname=database, autocommit=True
    ) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def _pids() -> tuple[int | None, int | None]:
    postgres, redis_ = embedded.status()
    return postgres.pid, redis_.pid


def _command(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "maguey.embedded", *arguments],
        cwd=PROJECT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def test_addresses_are_what_django_and_redis_read(checkout: Path) -> None:
    database = environ.Env.db_url_config(embedded.database_url("worker"))
    client = redis.Redis.from_url(embedded.redis_url())

    assert database["HOST"] == str(places.postgres_socket_dir())
    assert (database["USER"], database["NAME"]) == ("maguey_worker", "maguey")
    assert client.connection_pool.connection_kwargs["path"] == str(places.redis_socket())
    assert len(f"{places.postgres_socket_dir()}/.s.PGSQL.5432.lock") < 107
    assert not places.state_dir().exists()


def test_an_unknown_role_is_refused() -> None:
    with pytest.raises(ValueError, match="no role 'root'"):
        embedded.database_url("root")


def test_the_database_is_ready_for_the_product(checkout: Path) -> None:
    embedded.ensure_running()

    roles = _query(
        "SELECT rolname, rolcreatedb, rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles"
        " WHERE rolname LIKE 'maguey%' ORDER BY 1"
    )
    assert roles == [
        ("maguey_migrate", True, False),
        ("maguey_web", False, False),
        ("maguey_worker", False, False),
    ]
    settings = _query(
        "SELECT name, setting FROM pg_settings WHERE name IN"
        " ('fsync', 'synchronous_commit', 'max_connections', 'listen_addresses', 'server_encoding') ORDER BY 1"
    )
    assert dict(settings) == {
        "fsync": "on",
        "listen_addresses": "",
        "max_connections": "200",
        "server_encoding": "UTF8",
        "synchronous_commit": "on",
    }
    with redis.Redis.from_url(embedded.redis_url()) as client:
        kept = {name: client.config_get(name)[name] for name in ("maxmemory-policy", "appendonly", "appendfsync")}
    assert kept == {"maxmemory-policy": "noeviction", "appendonly": "yes", "appendfsync": "everysec"}


def test_web_and_worker_may_use_tables_but_not_make_them(checkout: Path) -> None:
    embedded.ensure_running()
    _query("CREATE DATABASE test_maguey")  # as the test runner does, from template1

    for database in ("maguey", "test_maguey"):
        _query("CREATE TABLE night (id serial PRIMARY KEY, name text)", database=database)
        for role in ("maguey_web", "maguey_worker"):
            _query("INSERT INTO night (name) VALUES ('cumbia')", role=role, database=database)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                _query("CREATE TABLE other (id int)", role=role, database=database)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                _query("TRUNCATE night", role=role, database=database)
        _query("SET ROLE maguey_web", database=database)

        assert _query("SELECT count(*) FROM night", database=database) == [(2,)]


def test_several_processes_starting_at_once_make_one_server(checkout: Path) -> None:
    starters = [_command("start") for _ in range(3)]

    answers = [starter.communicate(timeout=60)[0] for starter in starters]

    assert [starter.returncode for starter in starters] == [0, 0, 0]
    assert len(set(answers)) == 1
    assert "does not run" not in answers[0]


def test_killed_servers_come_back_with_their_data(checkout: Path) -> None:
    embedded.ensure_running()
    _query("CREATE TABLE night (name text)")
    _query("INSERT INTO night VALUES ('cumbia')")
    before = _pids()

    for pid in before:
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    assert locks.wait_until_free(postgres_server.daemon().lock, seconds=10)
    assert (cluster.data_dir() / "postmaster.pid").exists()
    embedded.ensure_running()

    assert _query("SELECT name FROM night") == [("cumbia",)]
    assert None not in _pids()
    assert not set(before) & set(_pids())


def test_a_pid_file_naming_another_program_is_not_believed(checkout: Path) -> None:
    embedded.ensure_running()
    embedded.stop()
    sleeper = subprocess.Popen(["/bin/sleep", "60"], **account.for_postgres(cluster.data_dir()).identity())
    (cluster.data_dir() / "postmaster.pid").write_text(f"{sleeper.pid}\n{cluster.data_dir()}\n")

    embedded.ensure_running()

    assert _query("SELECT 1") == [(1,)]
    assert sleeper.poll() is None
    sleeper.kill()
    sleeper.wait()


def test_what_was_left_half_made_is_finished(checkout: Path) -> None:
    places.prepare()
    left = places.state_dir() / "postgres" / f"{cluster.HALF_MADE}0000"
    left.mkdir(parents=True)
    (left / "PG_VERSION").write_text("18\n")
    if AS_ROOT:
        os.chown(left.parent, account.for_postgres(left).uid, -1)

    embedded.ensure_running()
    with bootstrap.connect(places.postgres_socket_dir(), "postgres") as connection:
        connection.execute("DROP DATABASE maguey")
    embedded.ensure_running()

    assert not left.exists()
    assert _query("SELECT current_user", role="maguey_web") == [("maguey_web",)]


@pytest.mark.prove
def test_a_starter_killed_at_any_moment_is_no_obstacle(checkout: Path) -> None:
    for delay in (0.5, 0.8, 1.1, 1.4, 1.8):
        starter = _command("start")
        time.sleep(delay)
        starter.kill()
        starter.communicate()

    embedded.ensure_running()

    assert _query("SELECT 1", role="maguey_worker") == [(1,)]
    assert redis_server.daemon().is_running()


@pytest.mark.prove
def test_a_lost_socket_is_made_anew(checkout: Path) -> None:
    embedded.ensure_running()
    shutil.rmtree(places.runtime_dir())

    embedded.ensure_running()

    assert _query("SELECT 1") == [(1,)]


def test_two_checkouts_side_by_side_share_nothing(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedded.ensure_running()
    _query("CREATE TABLE only_here (id int)")
    first = (_pids(), embedded.database_url(), embedded.redis_url())
    _live_in(checkout / "other", monkeypatch)
    (checkout / "other").mkdir(mode=0o711)

    embedded.ensure_running()

    second = (_pids(), embedded.database_url(), embedded.redis_url())
    assert all(one != other for one, other in zip(first, second, strict=True))
    assert _query("SELECT to_regclass('only_here')") == [(None,)]
    embedded.stop()
    assert _pids() == (None, None)
    shutil.rmtree(places.runtime_dir())
    _live_in(checkout, monkeypatch)
    assert _pids() == first[0]


def test_data_of_another_version_is_left_alone_and_named(checkout: Path) -> None:
    embedded.ensure_running()
    embedded.stop()
    (cluster.data_dir() / "PG_VERSION").write_text("17\n")

    with pytest.raises(WrongVersion, match=r"written by PostgreSQL 17 and this is 18: .* `make run RESET=1`"):
        embedded.ensure_running()

    assert (cluster.data_dir() / "base").is_dir()


def test_a_socket_directory_made_by_somebody_else_is_refused(checkout: Path) -> None:
    path = places.runtime_dir()
    path.symlink_to(checkout)

    with pytest.raises(NotOurs, match="is in the way"):
        embedded.database_url()
    with pytest.raises(NotOurs, match="is in the way"):
        embedded.ensure_running()

    path.unlink()


@pytest.mark.skipif(not AS_ROOT, reason="only root can give a directory away")
def test_a_socket_directory_of_another_user_is_refused(checkout: Path) -> None:
    path = places.runtime_dir()
    path.mkdir(mode=0o700)
    os.chown(path, 65534, 65534)

    with pytest.raises(NotOurs, match="belongs to user id 65534 and you are 0"):
        embedded.database_url()

    path.rmdir()


def test_sockets_and_data_are_private(checkout: Path) -> None:
    embedded.ensure_running()

    closed = (places.postgres_socket_dir(), cluster.home(), cluster.data_dir(), redis_server.directory())
    assert [oct(path.stat().st_mode & 0o077) for path in closed] == ["0o0"] * 4
    assert oct(places.runtime_dir().stat().st_mode & 0o066) == "0o0"
    if AS_ROOT:
        assert cluster.data_dir().stat().st_uid != 0


def test_addresses_in_the_environment_replace_the_servers(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://somebody@db.example/maguey")

    embedded.ensure_running()

    assert [service.replaced for service in embedded.status()] == [True, False]
    assert _pids()[0] is None
    assert _pids()[1] is not None
    embedded.stop()
    monkeypatch.setenv("REDIS_URL", "redis://redis.example/0")
    embedded.ensure_running()
    assert _pids() == (None, None)


def test_servers_stop_when_their_last_user_lets_go(checkout: Path) -> None:
    embedded.ensure_running()
    other = subprocess.Popen(
        [sys.executable, "-c", "from maguey import embedded; embedded.ensure_running(); print(flush=True); input()"],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert other.stdout is not None
    other.stdout.readline()

    with pytest.raises(StillInUse):
        embedded.reset()
    embedded.release()
    assert None not in _pids()
    other.kill()
    other.communicate()
    embedded.release()

    assert _pids() == (None, None)


def test_the_command_line_stops_only_what_nobody_uses(checkout: Path) -> None:
    embedded.ensure_running()
    running = _pids()

    assert _command("stop", "--unused").communicate(timeout=60)[0].count("runs as") == 2
    assert _pids() == running
    assert _command("stop").communicate(timeout=60)[0].count("does not run") == 2

    assert _pids() == (None, None)


def test_reset_begins_anew(checkout: Path) -> None:
    embedded.ensure_running()
    _query("CREATE TABLE night (name text)")

    embedded.reset()
    assert not cluster.data_dir().exists()
    embedded.ensure_running()

    assert _query("SELECT to_regclass('night')") == [(None,)]


def test_the_command_line_says_how_the_servers_are(checkout: Path) -> None:
    for action, code, words in (("status", 3, "does not run"), ("start", 0, "runs as"), ("status", 0, "runs as")):
        command = _command(action)
        said = command.communicate(timeout=60)[0]

        assert command.returncode == code
        assert said.count(words) == 2
    psql = _command("psql", "-Atc", "SELECT current_user")
    assert psql.communicate(timeout=60)[0] == "postgres\n"


@pytest.mark.skipif(not AS_ROOT, reason="another account runs PostgreSQL only for root")
def test_a_checkout_closed_to_other_accounts_works_too(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = checkout / "closed"
    closed.mkdir(mode=0o700)
    _live_in(closed, monkeypatch)

    embedded.ensure_running()

    assert cluster.home().parent == Path("/var/lib/maguey")
    assert _query("SELECT 1", role="maguey_web") == [(1,)]
    embedded.stop()
    embedded.ensure_running()
    assert _query("SELECT 1", role="maguey_web") == [(1,)]
    embedded.reset()
    assert not cluster.data_dir().exists()
    shutil.rmtree(places.runtime_dir())


@pytest.mark.skipif(not AS_ROOT, reason="only root can become somebody else")
def test_an_ordinary_user_runs_them_as_themselves(checkout: Path) -> None:
    python = shutil.which("python3.11", path="/usr/bin") or sys.executable
    nobody = account.Account("nobody", 65534, 65534)
    if not nobody.can_reach(Path(python)):
        pytest.skip("no Python here that another user may run")
    home = checkout / "theirs"
    home.mkdir()
    os.chown(home, nobody.uid, nobody.gid)
    settings = {
        **os.environ,
        "MAGUEY_DATA_DIR": str(home / ".maguey"),
        "PYTHONPATH": str(Path(psycopg.__file__).parents[1]),
    }
    settings["PYTHONDONTWRITEBYTECODE"] = "1"

    def run(*arguments: str) -> str:
        command = [python, "-m", "maguey.embedded", *arguments]
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env=settings,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            **nobody.identity(),
        )
        return done.stdout

    assert run("start").count("runs as") == 2
    assert run("psql", "-Atc", "SELECT 1") == "1\n"
    data = home / ".maguey" / "postgres" / "data"
    assert data.stat().st_uid == nobody.uid
    assert run("stop").count("does not run") == 2
    run("reset")
    assert not data.exists()
    for left in Path("/tmp").glob(f"maguey-{nobody.uid}-*"):  # noqa: S108 - where sockets live
        shutil.rmtree(left)
