"""What runs later for the owners: one call each."""

from celery import shared_task
from django.utils import timezone

from owners import audit


@shared_task(soft_time_limit=9 * 60, time_limit=9 * 60 + 15)
def audit_ledger() -> None:
    """Audit the ledger and tell owners what is broken."""
    audit.run(now=timezone.now())
