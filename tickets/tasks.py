"""What runs later: ids in, one call."""

from celery import shared_task
from django.utils import timezone

from tickets import duplicates, nights, waiting


@shared_task
def dedupe_tickets() -> None:
    """Void tickets beyond what was bought."""
    for order_id in duplicates.find_surplus():
        duplicates.void_surplus(order_id, now=timezone.now())


@shared_task
def offer_places() -> None:
    """Offer places that have come back to those who wait for them."""
    waiting.offer_places(now=timezone.now())


@shared_task
def call_home() -> None:
    """Owe orders of cancelled nights what nobody owes them yet."""
    nights.catch_up(now=timezone.now())
