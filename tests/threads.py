"""Real threads on real PostgreSQL, let go at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

T = TypeVar("T")


def all_at_once(count: int, act: Callable[[int], T]) -> list[T | Exception]:
    """Run an act so many times at once, each on a connection of its own; return answers or errors."""
    barrier = threading.Barrier(count)

    def run(number: int) -> T | Exception:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=30)
            return act(number)
        except Exception as error:  # noqa: BLE001 (the caller looks at every one)
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=count) as pool:
        return list(pool.map(run, range(count)))
