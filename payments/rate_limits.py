"""How often one place on the internet may knock; with Redis away, everybody may."""

import time
from functools import cache, lru_cache
from math import ceil

from django.conf import settings
from django.http import HttpRequest
from limits import parse
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

TIMEOUT_SECONDS = 0.5
WAIT_SECONDS = 30


class RateLimited(Exception):
    """You are going a little fast. Please wait a moment and try again."""

    def __init__(self, wait_seconds: int = WAIT_SECONDS) -> None:
        super().__init__(wait_seconds)
        self.wait_seconds = wait_seconds

    @property
    def sentence(self) -> str:
        """Return the sentence a guest may read."""
        return (type(self).__doc__ or "").strip()


@lru_cache(maxsize=1)
def limiter(redis_url: str) -> MovingWindowRateLimiter:
    """Return the limiter that counts in Redis."""
    address = redis_url.replace("unix://", "redis+unix://", 1)
    return MovingWindowRateLimiter(
        storage_from_string(address, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)
    )


parsed = cache(parse)


def check(rate: str, *who: str) -> None:
    """Count one knock against a rate such as "30/minute". Raises RateLimited."""
    item = parsed(rate)
    try:
        counting = limiter(settings.REDIS_URL)
        if counting.hit(item, *who):
            return
        opens_at = counting.get_window_stats(item, *who).reset_time
    except (RedisError, OSError):
        return
    raise RateLimited(max(ceil(opens_at - time.time()), 1))


def address_of(request: HttpRequest) -> str:
    """Return where a request comes from: behind our own proxy, what that proxy saw last."""
    seen_by_proxy = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    if settings.SECURE_PROXY_SSL_HEADER and seen_by_proxy:
        return str(seen_by_proxy)
    return str(request.META.get("REMOTE_ADDR", ""))
