"""Who uses the servers: every process that asked for them shares one lock, which the kernel lets go when it ends."""

import os
from collections.abc import Callable
from pathlib import Path

from maguey.embedded import locks, places

_held: dict[Path, int] = {}


def hold() -> None:
    """Count this process among the users, waiting while another is stopping the servers."""
    path = _file()
    if path not in _held:
        descriptor = locks.open_file(path)
        locks.take_shared(descriptor)
        _held[path] = descriptor


def release_then(action: Callable[[], None]) -> bool:
    """Stop being a user and, if there is no other, act while none can come; tell whether it did."""
    path = _file()
    descriptor = _held.pop(path, None)
    if descriptor is not None:
        os.close(descriptor)
    alone = locks.open_file(path)
    try:
        if not locks.try_exclusive(alone):
            return False
        action()
        return True
    finally:
        os.close(alone)


def _file() -> Path:
    return places.state_dir() / "users.lock"
