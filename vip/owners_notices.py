"""Owners are told of every table that is sold; who they are, the console says."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.conf import settings

from payments import mail
from payments.models import Email, Order

KIND = "table_sold"
Addresses = Callable[[UUID], list[str]]

_sources: list[Addresses] = []


def register(addresses: Addresses) -> None:
    """Say who is told of a night's tables; called once when Django starts."""
    if addresses not in _sources:
        _sources.append(addresses)


def letters(order: Order, *, now: datetime) -> list[Email]:
    """Return one message for every owner of a night about a table that is sold; the caller saves them."""
    words = {"language": settings.LANGUAGE_CODE}
    return [
        mail.new_email(
            KIND, order=order, cause=f"{KIND}:{order.pk}:{address}", recipient=address, context=words, now=now
        )
        for addresses in _sources
        for address in addresses(order.event_id)
    ]
