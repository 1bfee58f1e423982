"""The tables of a night."""

from dataclasses import asdict

from django.db import transaction

from tickets.models import Event
from vip.floor_plan import SPOTS
from vip.models import Table


@transaction.atomic(durable=True)
def lay_out(event: Event) -> int:
    """Copy the room to a night; tables it has already stay as they are. Return how many are new."""
    known = set(Table.objects.filter(event=event).values_list("code", flat=True))
    new = [Table(event=event, **asdict(spot)) for spot in SPOTS if spot.code not in known]
    for table in new:
        table.bottles = list(table.bottles)
    Table.objects.bulk_create(new)
    return len(new)
