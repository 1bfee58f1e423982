"""How often one place on the internet may knock; with Redis away, everybody may."""

from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest
from limits import parse
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

TIMEOUT_SECONDS = 0.5


class RateLimited(Exception):
    """You are going a little fast. Please wait a moment and try again."""


@lru_cache(maxsize=1)
def limiter(redis_url: str) -> MovingWindowRateLimiter:
    """Return the limiter that counts in Redis."""
    address = redis_url.replace("unix://", "redis+unix://", 1)
    return MovingWindowRateLimiter(
        storage_from_string(address, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)
    )


def check(rate: str, *who: str) -> None:
    """Count one knock against a rate such as "30/minute". Raises RateLimited."""
    try:
        allowed = limiter(settings.REDIS_URL).hit(parse(rate), *who)
    except (RedisError, OSError):
        return
    if not allowed:
        raise RateLimited


def address_of(request: HttpRequest) -> str:
    """Return where a request comes from."""
    return str(request.META.get("REMOTE_ADDR", ""))
