"""Redis from its wheel: it wakes work and counts requests, and remembers nothing that matters."""

import signal
import time
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from maguey.embedded import account, places, wheels
from maguey.embedded.daemon import Daemon
from maguey.embedded.exceptions import DidNotStart

START_SECONDS = 30
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
    if server.is_running() and _wait_for_answer(server, seconds=START_SECONDS):
        return
    stop()
    directory().mkdir(mode=0o700, exist_ok=True)
    server.start(_command(), account=account.current())
    if not _wait_for_answer(server, seconds=START_SECONDS):
        raise DidNotStart(f"Redis did not start. The end of {server.log}:\n{server.tail()}")


def stop() -> None:
    """Stop Redis, at once if it does not leave by itself."""
    daemon().stop([(signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0)])


def _command() -> list[str | Path]:
    settings = {"dir": str(directory()), "unixsocket": str(places.redis_socket()), **SETTINGS}
    return [wheels.redis_server(), *(word for name, value in settings.items() for word in (f"--{name}", value))]


def _wait_for_answer(server: Daemon, *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if _answers():
            return True
        if not server.is_running():
            return False
        time.sleep(0.02)
    return False


def _answers() -> bool:
    client = redis.Redis(unix_socket_path=str(places.redis_socket()), socket_timeout=2, retry=Retry(NoBackoff(), 0))
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):  # not there yet, or still loading its file
        return False
    finally:
        client.close()
