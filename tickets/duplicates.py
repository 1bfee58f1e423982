"""Tickets beyond what was bought, from before the constraint or from an import: found and voided."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F

from payments import failures, orders
from payments.failures import Category, Severity, Trouble
from payments.models import Order
from tickets.models import Ticket, TicketType


@dataclass(frozen=True, slots=True)
class Surplus:
    """What one order had too many of."""

    order_id: UUID
    ticket_ids: tuple[UUID, ...]


SURPLUS = """
    SELECT DISTINCT counted.order_id
    FROM (SELECT order_id, ticket_type_id, count(*) AS living FROM tickets WHERE status <> 'void' GROUP BY 1, 2) counted
    JOIN orders o ON o.id = counted.order_id
    WHERE counted.living > coalesce((
        SELECT sum((line->>'quantity')::int) FROM jsonb_array_elements(o.lines) line
        WHERE line->>'item' = counted.ticket_type_id::text
    ), 0)
"""


def find_surplus() -> list[UUID]:
    """Return the orders that have more living tickets of a type than their lines say."""
    with connection.cursor() as cursor:
        cursor.execute(SURPLUS)
        return [row[0] for row in cursor.fetchall()]


@transaction.atomic(durable=True)
def void_surplus(order_id: UUID, *, now: datetime) -> Surplus:
    """Void an order's surplus tickets: the admitted stay, then the earliest; with a record of it."""
    order = orders.lock(order_id)
    voided: list[Ticket] = []
    allowed = {str(line["item"]): line["quantity"] for line in order.lines}
    living = order.tickets.select_for_update().exclude(status=Ticket.Status.VOID)
    by_type: dict[UUID, list[Ticket]] = {}
    for ticket in sorted(living, key=lambda ticket: (ticket.admitted_at is None, ticket.created_at, ticket.position)):
        by_type.setdefault(ticket.ticket_type_id, []).append(ticket)
    for type_id, tickets in sorted(by_type.items()):
        surplus = tickets[allowed.get(str(type_id), 0) :]
        for ticket in surplus:
            ticket.move_to(Ticket.Status.VOID, now=now)
        give_places_back(type_id, len(surplus))
        voided += surplus
    if voided:
        record(order, voided, now=now)
    return Surplus(order_id, tuple(ticket.pk for ticket in voided))


def give_places_back(type_id: UUID, count: int) -> None:
    """Count places as sold no longer, where they were counted: duplicates from elsewhere may not have been."""
    living = Ticket.objects.filter(ticket_type_id=type_id).exclude(status=Ticket.Status.VOID).count()
    TicketType.objects.filter(pk=type_id, sold__gte=living + count).update(sold=F("sold") - count)


def record(order: Order, voided: list[Ticket], *, now: datetime) -> None:
    """Write down which tickets were voided, for the owners to see."""
    failures.record(
        Trouble(
            cause=f"duplicates:{order.pk}:{voided[0].pk}",
            category=Category.FULFILMENT,
            severity=Severity.WARNING,
            order=order,
            code="duplicate_tickets",
            message=f"{len(voided)} tickets beyond what was bought were voided.",
            amount_cents=0,
            metadata={"tickets": [str(ticket.pk) for ticket in voided]},
        ),
        now=now,
    )
