"""What a load balancer and a watchman ask: is the process alive, can it serve, do webhooks come through."""

from datetime import datetime, timedelta
from functools import cache

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis import Redis
from redis.exceptions import RedisError

from owners import watch
from owners.watch import Webhooks

TIMEOUT_SECONDS = 1.0


class NotMigrated(Exception):
    """Migrations of this code are not applied yet."""


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """Say that the process answers."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Say whether a guest can be served: 503 without PostgreSQL or its migrations.

    Redis and beat may be away: guests buy all the same, and owners are told.
    """
    database = database_state()
    state = {
        "database": database,
        "redis": "ok" if redis_answers() else "down",
        "beat": beat_state(now=timezone.now()) if database == "ok" else "unknown",
    }
    return JsonResponse(state, status=200 if database == "ok" else 503)


def database_state() -> str:
    """Say whether PostgreSQL answers, with every migration of this code."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        check_migrated()
    except DatabaseError:
        return "down"
    except NotMigrated:
        return "not migrated"
    return "ok"


@cache
def check_migrated() -> None:
    """Look once in a process whether every migration is applied; what is applied stays so. Raises NotMigrated."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise NotMigrated


def redis_answers() -> bool:
    """Say whether Redis answers."""
    try:
        with Redis.from_url(
            settings.REDIS_URL, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
        ) as server:
            return bool(server.ping())
    except (RedisError, OSError):
        return False


def beat_state(*, now: datetime) -> str:
    """Say whether beat's clock still ticks."""
    seen_at = watch.last_tick()
    if seen_at is None:
        return "never seen"
    return "ok" if now - seen_at < timedelta(seconds=settings.BEAT_SILENT_SECONDS) else "silent"


@never_cache
@require_safe
def webhooks(request: HttpRequest) -> JsonResponse:
    """Say for each provider what came last and what waits; 503 once it waits, or fails, too much."""
    now = timezone.now()
    found = watch.webhooks(now=now)
    state = {"providers": {name: written(one, now=now) for name, one in found.items()}}
    return JsonResponse(state, status=503 if any(one.is_in_trouble for one in found.values()) else 200)


def written(one: Webhooks, *, now: datetime) -> dict[str, object]:
    """Write how one provider's events stand; ages in seconds."""
    oldest = one.oldest_waiting_at
    return {
        "last_received_at": one.last_received_at,
        "last_processed_at": one.last_processed_at,
        "backlog": one.backlog,
        "oldest_age_seconds": round((now - oldest).total_seconds()) if oldest else 0,
        "failed_last_hour": one.failed_last_hour,
        "status": "trouble" if one.is_in_trouble else "ok",
    }
