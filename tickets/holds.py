"""Places taken off the shelf and put back: each by one guarded statement; the database counts."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet

from payments.models import Order, Payment, rows
from payments.models.rows import RowMissing, Write
from tickets.exceptions import SoldOut
from tickets.models import Event, Ticket, TicketReservation, TicketType

Status = TicketReservation.Status
TAKE = """
UPDATE ticket_types SET held = held + %s
WHERE id = %s AND capacity >= held + sold + %s AND (
    %s OR NOT EXISTS (
        SELECT FROM waiting_guests
        WHERE ticket_type_id = ticket_types.id AND status = 'waiting' AND quantity <= capacity - held - sold
    )
)
"""
OFFERED = """
FROM ticket_types
LEFT JOIN LATERAL (
    SELECT coalesce(sum(quantity), 0) AS n FROM ticket_reservations
    WHERE ticket_type_id = ticket_types.id AND status = 'pending' AND expires_at <= %s
) AS dead ON true
LEFT JOIN LATERAL (
    SELECT min(quantity) AS n FROM waiting_guests WHERE ticket_type_id = ticket_types.id AND status = 'waiting'
) AS line ON true
"""
SELL = "UPDATE ticket_types SET held = held - %s, sold = sold + %s WHERE id = %s"


def of(order: Order, quantities: dict[UUID, int]) -> list[Write]:
    """Return the statements that save the holds an order has on several types."""
    holds = (
        TicketReservation(order=order, ticket_type_id=type_id, quantity=quantity, expires_at=order.expires_at)
        for type_id, quantity in sorted(quantities.items())
    )
    return [rows.inserted(hold) for hold in holds]


def places(quantities: dict[UUID, int], *, from_the_line: bool = False) -> list[Write]:
    """Return the statements that take places of several types, in key order: what a buyer does last.

    Everybody waits for these rows. What somebody waits for is taken from the waiting line only.
    """
    return [
        Write(TAKE, (quantity, type_id, quantity, from_the_line)) for type_id, quantity in sorted(quantities.items())
    ]


@contextmanager
def or_sold_out() -> Iterator[None]:
    """Write what holds places inside. Raises SoldOut where there are too few."""
    try:
        yield
    except RowMissing as error:
        if error.write.sql != TAKE:
            raise
        raise SoldOut from None


def pending(order: Order) -> list[TicketReservation]:
    """Return the holds of an order that count, in the order in which their types are."""
    return rows.find(TicketReservation, "order_id = %s AND status = 'pending' ORDER BY ticket_type_id", order.pk)


def sold(held: Iterable[TicketReservation], *, now: datetime) -> list[Write]:
    """Return the statements that move the places of holds that still count from held to sold, the types' rows last."""
    counting = list(held)
    as_read = {"status": Status.PENDING}
    moved = [rows.updated(hold, *hold.step_to(Status.FULFILLED, now=now), still=as_read) for hold in counting]
    return [*moved, *(Write(SELL, (hold.quantity, hold.quantity, hold.ticket_type_id)) for hold in counting)]


def release(order: Order, now: datetime) -> None:
    """Give back everything an order has: holds become free places, tickets become void."""
    for hold in locked_holds(order).exclude(status=Status.RELEASED):
        if hold.status == Status.PENDING:
            TicketType.objects.filter(pk=hold.ticket_type_id).update(held=F("held") - hold.quantity)
        else:
            release_sold(hold, now)
        hold.move_to(Status.RELEASED, now=now)


def release_sold(hold: TicketReservation, now: datetime) -> None:
    """Void the living tickets of a hold and put exactly their places back on sale."""
    tickets = Ticket.objects.filter(order_id=hold.order_id, ticket_type_id=hold.ticket_type_id)
    voided = tickets.exclude(status=Ticket.Status.VOID).update(status=Ticket.Status.VOID, voided_at=now)
    TicketType.objects.filter(pk=hold.ticket_type_id).update(sold=F("sold") - voided)


def regain(order: Order, now: datetime) -> bool:
    """Take an order's places again for money that came late; all of them, or none and False."""
    holds = list(locked_holds(order).filter(status=Status.RELEASED))
    if len(holds) != len(order.lines):
        return False  # purged since: nothing is known to be free
    types = TicketType.objects.select_for_update().filter(reservations__in=holds).order_by("pk")
    free = {type_.pk: type_.left for type_ in types}
    if any(free[hold.ticket_type_id] < hold.quantity for hold in holds):
        return False
    rows.write(*places({hold.ticket_type_id: hold.quantity for hold in holds}, from_the_line=True))
    for hold in holds:
        hold.move_to(Status.PENDING, now=now)
    return True


def extend(order: Order, now: datetime) -> None:
    """Move the end of an order's holds to the order's own."""
    locked_holds(order).filter(status=Status.PENDING).update(expires_at=order.expires_at, extended_at=now)


def locked_holds(order: Order) -> QuerySet[TicketReservation]:
    """Return an order's holds, locked in the order in which their types are."""
    return TicketReservation.objects.select_for_update().filter(order=order).order_by("ticket_type_id")


def released_before(moment: datetime) -> QuerySet[TicketReservation]:
    """Return the holds that count nowhere any more, whose orders are closed and owe nothing."""
    over = (Order.Status.EXPIRED, Order.Status.CANCELLED, Order.Status.REFUNDED)
    released = TicketReservation.objects.filter(status=Status.RELEASED, expires_at__lt=moment, order__status__in=over)
    return released.exclude(order__payments__status__in=Payment.LIVE)


def overdue_orders(type_ids: Iterable[UUID], *, now: datetime) -> list[UUID]:
    """Return the orders whose overdue holds keep places of these types."""
    dead = TicketReservation.objects.filter(
        ticket_type__in=list(type_ids), status=Status.PENDING, expires_at__lte=now, order__status=Order.Status.PENDING
    )
    return list(dead.order_by("expires_at").values_list("order_id", flat=True).distinct())


def of_nights(events: Iterable[Event], *, now: datetime) -> dict[UUID, list[TicketType]]:
    """Return what is sold for each of these nights, in the order in which it is shown, with what is left of it."""
    types: dict[UUID, list[TicketType]] = {event.pk: [] for event in events}
    for type_ in with_available("event_id = ANY(%s)", [*types], now=now):
        types[type_.event_id].append(type_)
    return types


def with_available(condition: str, *values: Any, now: datetime) -> list[TicketType]:  # Any: whatever columns hold
    """Return the types that a condition in SQL holds for, each with `available`: what a guest may have now.

    An overdue hold counts as free, what somebody waits for does not.
    """
    read = rows.find_together(
        (TicketType,), f"{OFFERED} WHERE {condition} ORDER BY position, name", now, *values, beside=("dead.n", "line.n")
    )
    for type_, overdue, least_awaited in read:
        free = type_.left + overdue
        type_.available = 0 if least_awaited is not None and least_awaited <= free else free
    return [type_ for type_, *_ in read]
