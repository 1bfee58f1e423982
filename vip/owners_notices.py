"""Owners are told of every table that is sold; who they are, the console says."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.conf import settings

from payments import mail
from payments.models import Order

KIND = "table_sold"
Addresses = Callable[[UUID], list[str]]

_sources: list[Addresses] = []


def register(addresses: Addresses) -> None:
    """Say who is told of a night's tables; called once when Django starts."""
    if addresses not in _sources:
        _sources.append(addresses)


def owe(order: Order, *, now: datetime) -> None:
    """Promise every owner of a night one message about a table that was sold."""
    words = {"language": settings.LANGUAGE_CODE}
    for addresses in _sources:
        for address in addresses(order.event_id):
            cause = f"{KIND}:{order.pk}:{address}"
            mail.owe(KIND, order=order, cause=cause, recipient=address, context=words, now=now)
