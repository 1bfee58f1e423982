"""One supervisor per checkout, known by a lock that ends with it and with the guard that cleans up after it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from maguey.embedded import locks, places
from maguey.supervisor.exceptions import AlreadyRunning
from maguey.supervisor.output import Output

CLEANING_SECONDS = 30.0


@contextmanager
def only_here(output: Output) -> Iterator[int]:
    """Hold the checkout's lock for a block and give its descriptor."""
    places.prepare()
    path = places.state_dir() / "supervisor.lock"
    lock = locks.open_file(path)
    try:
        if not locks.try_exclusive(lock):
            _refuse_a_living_one(lock)
            output.say("waiting for what a killed run left behind …")
            if not locks.wait_until_free(path, seconds=CLEANING_SECONDS) or not locks.try_exclusive(lock):
                raise AlreadyRunning("Another run of this checkout does not end; look for its processes.")
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        yield lock
    finally:
        os.close(lock)


def _refuse_a_living_one(lock: int) -> None:
    text = os.pread(lock, 32, 0).decode()
    if text.isdigit() and _is_alive(int(text)):
        raise AlreadyRunning(f"Maguey already runs in this checkout: stop it there with Ctrl-C, or with `kill {text}`.")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
