"""Redis from its wheel: it wakes work and counts requests, and remembers nothing that matters."""

import signal
import socket
from pathlib import Path

from maguey.embedded import account, places, wheels
from maguey.embedded.daemon import Daemon
from maguey.embedded.exceptions import DidNotStart

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "daemonize": "no",
    "maxmemory-policy": "noeviction",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "databases": "16",
}


def directory() -> Path:
    """Return where Redis keeps its data."""
    return places.state_dir() / "redis"


def daemon() -> Daemon:
    """Return the server as a process."""
    state = places.state_dir()
    return Daemon(lock=state / "redis.lock", log=state / "redis.log", directory=directory())


def ensure() -> None:
    """Start Redis unless it answers."""
    server = daemon()
    if server.is_running() and _is_open(server):
        return
    stop()
    directory().mkdir(mode=0o700, exist_ok=True)
    server.start(_command(), account=account.current())
    if not _is_open(server):
        raise DidNotStart(f"Redis did not start. The end of {server.log}:\n{server.tail()}")


def stop() -> None:
    """Stop Redis, at once if it does not leave by itself."""
    daemon().stop([(signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0)])


def _command() -> list[str | Path]:
    settings = {"dir": str(directory()), "unixsocket": str(places.redis_socket()), **SETTINGS}
    return [wheels.redis_server(), *(word for name, value in settings.items() for word in (f"--{name}", value))]


def _is_open(server: Daemon) -> bool:
    return server.wait_until(_answers, socket=places.redis_socket())


def _answers() -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        try:
            client.connect(str(places.redis_socket()))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        except OSError:  # not there yet
            return False
