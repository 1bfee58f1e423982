"""PostgreSQL and Redis from their wheels, for machines that have neither; DATABASE_URL and REDIS_URL replace them.

The addresses are pure: they connect to nothing and start nothing. `ensure_running` starts what is missing; it may
be called by several processes at once, and each that called it keeps the servers alive until it ends or calls
`release`.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from maguey.embedded import bootstrap, cluster, locks, places, postgres_server, redis_server, usage
from maguey.embedded.exceptions import StillInUse

__all__ = ["Service", "database_url", "ensure_running", "redis_url", "release", "reset", "status", "stop"]

ROLES = ("migrate", "web", "worker")


@dataclass(frozen=True)
class Service:
    """Say how one of the two servers is."""

    name: str
    replaced: bool
    pid: int | None
    address: str


def database_url(role: str = "web") -> str:
    """Return the address of the embedded database for a role: `migrate`, `web` or `worker`.

    The form is django-environ's for a socket: the directory, then the database.
    """
    if role not in ROLES:
        raise ValueError(f"There is no role {role!r}: choose among {', '.join(ROLES)}.")
    return f"postgres://maguey_{role}@/{places.postgres_socket_dir()}/{bootstrap.DATABASE}"


def redis_url() -> str:
    """Return the address of the embedded Redis."""
    return f"unix://{places.redis_socket()}?db=0"


def ensure_running() -> None:
    """Start the servers this checkout needs and has not, and hold them until this process ends."""
    if _replaced("DATABASE_URL") and _replaced("REDIS_URL"):
        return
    places.prepare()
    usage.hold()
    with locks.alone(_starting()):
        if not _replaced("DATABASE_URL"):
            postgres_server.ensure()
        if not _replaced("REDIS_URL"):
            redis_server.ensure()


def release() -> None:
    """Let go of the servers, and stop them if no other process of this checkout holds them."""
    if places.state_dir().exists():
        usage.release_then(_stop_both)


def stop() -> None:
    """Stop the servers, whoever uses them."""
    if not places.state_dir().exists():
        return
    places.prepare()
    with locks.alone(_starting()):
        _stop_both()


def reset() -> None:
    """Delete the servers' data, unless another process is using it."""
    if not places.state_dir().exists():
        return
    places.prepare()
    if not usage.release_then(_remove_both):
        raise StillInUse("Another process of this checkout uses the database (a test run?): let it end first.")


def status() -> tuple[Service, Service]:
    """Say how the two servers are."""
    known = places.state_dir().exists()
    return (
        Service(
            name="PostgreSQL",
            replaced=_replaced("DATABASE_URL"),
            pid=postgres_server.daemon().pid() if known else None,
            address=database_url(),
        ),
        Service(
            name="Redis",
            replaced=_replaced("REDIS_URL"),
            pid=redis_server.daemon().pid() if known else None,
            address=redis_url(),
        ),
    )


def _replaced(variable: str) -> bool:
    return bool(os.environ.get(variable))


def _starting() -> Path:
    return places.state_dir() / "starting.lock"


def _stop_both() -> None:
    redis_server.stop()
    postgres_server.stop()


def _remove_both() -> None:
    _stop_both()
    cluster.remove()
    shutil.rmtree(redis_server.directory(), ignore_errors=True)
