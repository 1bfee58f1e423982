"""What runs later: one call each."""

from celery import shared_task
from django.utils import timezone

from vip import nights, reminding


@shared_task
def close_nights() -> None:
    """Close the tables of nights that are over."""
    nights.close_nights(now=timezone.now())


@shared_task
def remind_hosts() -> None:
    """Remind hosts whose night is near."""
    reminding.remind(now=timezone.now())
