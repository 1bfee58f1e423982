"""Counters of knocks, in Redis; while Redis is away, in each process's own memory.

Sign-in must then neither stop nor be free of limits: a process goes on counting by itself, so that a guesser gets as
many times the tries as there are web processes, and no more.
"""

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

T = TypeVar("T")
Key = Any  # Any: Django's own signatures
BATCH = 500
# One request waits for a Redis that hangs; those after it do not.
PAUSE_SECONDS = 10.0


class Counters(BaseCache):
    """Ask Redis, and one's own memory where Redis does not answer."""

    # Shared by the threads of a process, each of which has an instance of its own.
    paused_until = 0.0

    def __init__(self, server: str, params: dict[str, Any]) -> None:  # Any: Django's own signature
        super().__init__(params)
        # Both add the prefix themselves.
        self.redis = RedisCache(server, params)
        self.memory = LocMemCache("counters", {name: params[name] for name in params if name != "OPTIONS"})

    def ask(self, question: Callable[[BaseCache], T]) -> T:
        """Put a question to Redis, or else to memory."""
        if time.monotonic() >= Counters.paused_until:
            try:
                return question(self.redis)
            except (RedisError, OSError) as error:
                Counters.paused_until = time.monotonic() + PAUSE_SECONDS
                logger.warning("Redis does not count; this process counts by itself for a while: %s", error)
        return question(self.memory)

    def add(self, key: Key, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Keep a value unless there is one; say whether it was kept."""
        return self.ask(lambda cache: cache.add(key, value, timeout, version))

    def get(self, key: Key, default: Any = None, version: int | None = None) -> Any:
        """Return a value."""
        return self.ask(lambda cache: cache.get(key, default, version))

    def set(self, key: Key, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        """Keep a value."""
        self.ask(lambda cache: cache.set(key, value, timeout, version))

    def touch(self, key: Key, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Keep a value for longer."""
        return self.ask(lambda cache: cache.touch(key, timeout, version))

    def delete(self, key: Key, version: int | None = None) -> bool:
        """Forget a value."""
        return self.ask(lambda cache: cache.delete(key, version))

    def incr(self, key: Key, delta: int = 1, version: int | None = None) -> int:
        """Add to a number, at once: two who count are both counted."""
        return self.ask(lambda cache: cache.incr(key, delta, version))

    def clear(self) -> None:
        """Forget all that is counted here, and nothing else: the queue lives on the same server."""
        self.memory.clear()
        client = self.redis._cache.get_client()  # Django has no other way to scan
        for key in client.scan_iter(f"{self.key_prefix}:*", count=BATCH):
            client.delete(key)
