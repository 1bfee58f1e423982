"""PostgreSQL from its wheel, started and stopped as one process."""

import signal

import psycopg

from maguey.embedded import account, bootstrap, cluster, places, postgres_config
from maguey.embedded.daemon import Daemon
from maguey.embedded.exceptions import DidNotStart

SOCKET = ".s.PGSQL.5432"


def daemon() -> Daemon:
    """Return the server as a process."""
    state = places.state_dir()
    return Daemon(lock=state / "postgres.lock", log=state / "postgres.log", directory=cluster.data_dir())


def ensure() -> None:
    """Start PostgreSQL unless it answers, with the data, roles and database it needs."""
    if not (daemon().is_running() and _is_open(daemon())):
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
    _forget_dead_socket()
    config = postgres_config.write()
    server = daemon()
    server.start([cluster.programs() / "postgres", "-c", f"config_file={config}"], account=owner)
    if not _is_open(server):
        raise DidNotStart(f"PostgreSQL did not start. The end of {server.log}:\n{server.tail()}")


def _forget_dead_socket() -> None:
    """Remove what a killed server left of its socket: the pid in its lock may be another program's by now."""
    for path in places.postgres_socket_dir().glob(f"{SOCKET}*"):
        path.unlink()


def _is_open(server: Daemon) -> bool:
    return server.wait_until(_answers, socket=places.postgres_socket_dir() / SOCKET)


def _answers() -> bool:
    try:
        bootstrap.connect(places.postgres_socket_dir(), "postgres").close()
    except psycopg.OperationalError:  # not there yet, or still recovering
        return False
    return True
