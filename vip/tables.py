"""The tables of a night."""

from collections.abc import Callable
from dataclasses import asdict

from django.db import transaction

from tickets.models import Event
from vip.floor_plan import SPOTS
from vip.models import Table


@transaction.atomic(durable=True)
def lay_out(event: Event, *, remember: Callable[[], None] | None = None) -> int:
    """Copy the room to a night; tables it has already stay as they are. Return how many are new.

    `remember` is a step in the same transaction.
    """
    known = set(Table.objects.filter(event=event).values_list("code", flat=True))
    new = [Table(event=event, **asdict(spot)) for spot in SPOTS if spot.code not in known]
    for table in new:
        table.bottles = list(table.bottles)
    Table.objects.bulk_create(new)
    if remember:
        remember()
    return len(new)


@transaction.atomic(durable=True)
def copy(source: Event, target: Event) -> int:
    """Copy one night's tables to another, as they are sold and where they stand; return how many are new."""
    known = set(Table.objects.filter(event=target).values_list("code", flat=True))
    new = [table for table in Table.objects.filter(event=source) if table.code not in known]
    for table in new:
        table.pk, table.event = Table().pk, target
        table.blocked, table.blocked_reason, table.joined_to = False, "", None
    Table.objects.bulk_create(new)
    return len(new)
