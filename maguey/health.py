"""What a load balancer asks: is the process alive, and can it serve."""

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis import Redis
from redis.exceptions import RedisError

TIMEOUT_SECONDS = 1.0


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """Say that the process answers."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Say whether a guest can be served: 503 without PostgreSQL; Redis may be away."""
    database = database_answers()
    state = {"database": "ok" if database else "down", "redis": "ok" if redis_answers() else "down"}
    return JsonResponse(state, status=200 if database else 503)


def database_answers() -> bool:
    """Say whether PostgreSQL answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def redis_answers() -> bool:
    """Say whether Redis answers."""
    try:
        with Redis.from_url(
            settings.REDIS_URL, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
        ) as server:
            return bool(server.ping())
    except (RedisError, OSError):
        return False
