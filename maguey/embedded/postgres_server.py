"""PostgreSQL from its wheel, started and stopped as one process."""

import signal
import time

import psycopg

from maguey.embedded import account, bootstrap, cluster, places, postgres_config
from maguey.embedded.daemon import Daemon
from maguey.embedded.exceptions import DidNotStart

START_SECONDS = 10
RECOVERY_SECONDS = 120  # once it listens: replaying what a killed server had written takes what it takes


def daemon() -> Daemon:
    """Return the server as a process."""
    state = places.state_dir()
    return Daemon(lock=state / "postgres.lock", log=state / "postgres.log", directory=cluster.data_dir())


def ensure() -> None:
    """Start PostgreSQL unless it answers, with the data, roles and database it needs."""
    if not (daemon().is_running() and _wait_for_answer(daemon())):
        stop()
        _start()
    bootstrap.ensure(places.postgres_socket_dir())


def stop() -> None:
    """Stop PostgreSQL: fast, then at once, then by force; no committed row is lost by any of the three."""
    daemon().stop([(signal.SIGINT, 20.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0)])


def _start() -> None:
    owner = account.for_postgres(cluster.data_dir())
    cluster.make_ready(owner)
    owner.own(places.postgres_socket_dir())
    config = postgres_config.write()
    server = daemon()
    server.start([cluster.programs() / "postgres", "-c", f"config_file={config}"], account=owner)
    if not _wait_for_answer(server):
        raise DidNotStart(f"PostgreSQL did not start. The end of {server.log}:\n{server.tail()}")


def _wait_for_answer(server: Daemon) -> bool:
    socket_dir = places.postgres_socket_dir()
    started = time.monotonic()
    while time.monotonic() - started < (RECOVERY_SECONDS if any(socket_dir.glob(".s.*")) else START_SECONDS):
        try:
            bootstrap.connect(socket_dir, "postgres").close()
        except psycopg.OperationalError:
            if not server.is_running():
                return False
            time.sleep(0.02)
        else:
            return True
    return False
