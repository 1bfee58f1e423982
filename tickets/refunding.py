"""Single tickets whose money goes back: what they cost, and how they stop letting anybody in."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import F, QuerySet

from payments.models import Order
from tickets.models import Ticket, TicketType


def prices(order: Order, ticket_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return what each of these living tickets of an order cost with its fee, in cents."""
    cents = {line["item"]: line["unit_price_cents"] + line["unit_fee_cents"] for line in order.lines}
    return {ticket.pk: cents[str(ticket.ticket_type_id)] for ticket in living(order, ticket_ids)}


def take_back(order: Order, ticket_ids: Collection[UUID], now: datetime) -> None:
    """Void these tickets and put exactly their places back on sale."""
    tickets = list(living(order, ticket_ids).select_for_update())
    for ticket in tickets:
        ticket.move_to(Ticket.Status.VOID, now=now)
    for type_id, count in sorted(Counter(ticket.ticket_type_id for ticket in tickets).items()):
        TicketType.objects.filter(pk=type_id).update(sold=F("sold") - count)


def living(order: Order, ticket_ids: Collection[UUID]) -> QuerySet[Ticket]:
    """Return those of an order's tickets that are not void."""
    return Ticket.objects.filter(order=order, pk__in=ticket_ids).exclude(status=Ticket.Status.VOID).order_by("pk")
