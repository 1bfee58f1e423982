"""What runs later: ids in, one call."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from payments import expiry, retrying


@shared_task
def run(kind: str, pk: str) -> None:
    """Try one piece of work."""
    retrying.attempt(kind, UUID(pk), now=timezone.now())


@shared_task
def sweep() -> None:
    """Wake workers for everything that is due."""
    retrying.sweep(now=timezone.now())


@shared_task
def expire_holds() -> None:
    """End every hold whose time is up."""
    expiry.expire_overdue(now=timezone.now())
