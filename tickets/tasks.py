"""What runs later: ids in, one call."""

from celery import shared_task
from django.utils import timezone

from tickets import duplicates


@shared_task
def dedupe_tickets() -> None:
    """Void tickets beyond what was bought."""
    for order_id in duplicates.find_surplus():
        duplicates.void_surplus(order_id, now=timezone.now())
