"""Errors of our own code, until somebody says they are mended."""

from datetime import date, datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from owners.models import ErrorCount, ErrorLog

TREND_DAYS = 30

Trend = list[tuple[date, int]]


@transaction.atomic(durable=True)
def resolve(error_id: UUID, *, user: User | AnonymousUser, now: datetime) -> bool:
    """Say that an error is mended, who says so and when; False where somebody has already.

    If it comes once more, its handler makes it unresolved again.
    """
    unresolved = ErrorLog.objects.filter(pk=error_id, resolved=False)
    return bool(unresolved.update(resolved=True, resolved_at=now, resolved_by_id=user.pk))


def trend(error: ErrorLog, *, now: datetime) -> Trend:
    """Return how often it came on each of the last thirty days, today last."""
    counts = {row.day: row.count for row in error.days.all()}
    today = timezone.localdate(now)
    days = [today - timedelta(days=age) for age in reversed(range(TREND_DAYS))]
    return [(day, counts.get(day, 0)) for day in days]


def served_before(moment: datetime) -> "QuerySet[ErrorLog]":
    """Return the errors that have not come for so long, whether somebody mended them or not."""
    return ErrorLog.objects.filter(last_seen_at__lt=moment)


def counted_before(moment: datetime) -> "QuerySet[ErrorCount]":
    """Return the days that no trend shows any more."""
    return ErrorCount.objects.filter(day__lt=timezone.localdate(moment))
