"""Work that is owed until it is done: the state of every retry lives in its own row."""

from datetime import datetime

from django.db import models
from django.db.models import Q


def is_due(now: datetime) -> Q:
    """Say which work's time has come while nobody is at it."""
    return Q(next_attempt_at__lte=now) & (Q(locked_until=None) | Q(locked_until__lte=now))


class Retryable(models.Model):
    """Work tried once and then again with backoff, under a lease, until done or given up.

    `next_attempt_at` is empty once nothing is owed: the work is done, or its tries are used up.
    """

    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    locked_until = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True, default="")

    class Meta:
        abstract = True

    @classmethod
    def on_claim(cls, now: datetime) -> dict[str, object]:
        """Return what else changes on the row when a worker takes it."""
        return {}

    @classmethod
    def on_failure(cls, now: datetime) -> dict[str, object]:
        """Return what else changes on the row when a try has failed."""
        return {}


def owed(name: str) -> models.Index:
    """Return the small index by which the sweeper finds what is owed."""
    return models.Index(fields=["next_attempt_at"], name=name, condition=Q(next_attempt_at__isnull=False))
