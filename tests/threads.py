"""Real threads on real PostgreSQL, let go at the same moment."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from django.db import connection

from payments.idempotency import Request
from payments.models import IdempotencyKey

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


@contextmanager
def held_elsewhere(key: IdempotencyKey) -> Iterator[None]:
    """Hold a client's key on another connection, as a request that is running does; at the end that connection dies."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [Request(key.key, key.scope, "", "", None).lock])
        yield
    finally:
        other.close()
