"""What runs later for the owners: one call each."""

from celery import shared_task
from django.utils import timezone

from owners import alerts, audit, watch


@shared_task(soft_time_limit=9 * 60, time_limit=9 * 60 + 15)
def audit_ledger() -> None:
    """Audit the ledger and tell owners what is broken."""
    audit.run(now=timezone.now())


@shared_task
def keep_watch() -> None:
    """Say that beat ticks, look for trouble, and tell again what nobody has seen."""
    now = timezone.now()
    watch.tick(now=now)
    watch.look_around(now=now)
    alerts.send_again(now=now)
