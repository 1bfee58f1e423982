"""Locks between processes, kept by the kernel, so that none outlives the process that took it."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def open_file(path: Path) -> int:
    """Return a descriptor of a lock file, made if missing and never removed: removing one splits its holders."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def try_exclusive(descriptor: int) -> bool:
    """Take the lock if nobody holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def take_shared(descriptor: int) -> None:
    """Take the lock beside others who share it, waiting for one who does not."""
    fcntl.flock(descriptor, fcntl.LOCK_SH)


def is_held(path: Path) -> bool:
    """Tell whether any process holds the lock."""
    descriptor = open_file(path)
    try:
        return not try_exclusive(descriptor)
    finally:
        os.close(descriptor)


def wait_until_free(path: Path, *, seconds: float) -> bool:
    """Wait for every holder to let go, and tell whether they did."""
    deadline = time.monotonic() + seconds
    while is_held(path):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the lock alone for a block, waiting for it."""
    descriptor = open_file(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
