"""What runs later: ids in, one call."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from payments import expiry, purging, reconcile, retrying

# What reads whole books takes longer than one piece of work; the next turn goes on where this one ended.
LONG = 9 * 60


@shared_task
def run(kind: str, *pks: str) -> None:
    """Try pieces of work, one after the other."""
    for pk in pks:
        retrying.attempt(kind, UUID(pk), now=timezone.now())


@shared_task
def sweep() -> None:
    """Wake workers for everything that is due."""
    retrying.sweep(now=timezone.now())


@shared_task
def expire_holds() -> None:
    """End every hold whose time is up."""
    expiry.expire_overdue(now=timezone.now())


@shared_task(soft_time_limit=LONG, time_limit=LONG + 15)
def reconcile_stripe() -> None:
    """Take in whatever Stripe knows and we do not."""
    reconcile.reconcile("stripe", now=timezone.now())


@shared_task(soft_time_limit=LONG, time_limit=LONG + 15)
def purge_records() -> None:
    """Purge what has served its thirty days."""
    for _ in purging.purge(now=timezone.now()):
        continue
