"""What runs later: one call each."""

from celery import shared_task
from django.utils import timezone

from vip import nights, reminding, waiting


@shared_task
def close_nights() -> None:
    """Close the tables of nights that are over."""
    nights.close_nights(now=timezone.now())


@shared_task
def remind_hosts() -> None:
    """Remind hosts whose night is near."""
    reminding.remind(now=timezone.now())


@shared_task
def offer_tables() -> None:
    """Offer tables that have come back to the parties that wait for them."""
    waiting.offer_tables(now=timezone.now())
