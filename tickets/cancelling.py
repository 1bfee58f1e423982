"""A guest's own cancellation: the exact amount is shown first, and that amount goes back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from payments import orders, presses, refunds
from payments.models import Order, Payment, Refund, rows
from tickets import holds, promos
from tickets.exceptions import CannotCancel, QuoteChanged
from tickets.models import OrderTerms, Ticket


@dataclass(frozen=True, slots=True)
class Quote:
    """What a guest gets back now, and until when that is so."""

    cents: int
    until: datetime


def quote(order: Order, *, now: datetime, tickets: list[Ticket] | None = None) -> Quote | None:
    """Return what a guest would get back by cancelling now; None where they cannot.

    `tickets` are all the order has, where they have been read just now.
    """
    if order.status != Order.Status.FULFILLED or order.disputed_at:
        return None
    if not all_are_theirs(list(order.tickets.all()) if tickets is None else tickets):
        return None
    if until := order.event.all_back_until(bought_at=order.created_at, now=now):
        return Quote(order.total_cents, until) if order.total_cents else None
    terms = next(iter(rows.find(OrderTerms, "order_id = %s", order.pk)), None)
    if terms is None:
        return None
    percent, until = terms.part_at(now, doors_at=order.event.doors_at)
    paid = order.total_cents if terms.fees_come_back else order.subtotal_cents
    cents = paid * percent // 100
    return Quote(cents, until) if cents else None


def all_are_theirs(tickets: list[Ticket]) -> bool:
    """Say whether every ticket of an order is unused and still its buyer's."""
    return bool(tickets) and all(ticket.status == Ticket.Status.VALID and not ticket.is_given for ticket in tickets)


@transaction.atomic(durable=True)
def cancel(
    order_id: UUID, *, shown_cents: int, now: datetime, remember: Callable[[Refund], None] = presses.forget
) -> Refund:
    """Void an order's tickets, put their places back and promise exactly the amount that was shown.

    `remember` is a step in the same transaction.
    Raises CannotCancel, QuoteChanged.
    """
    order = orders.lock(order_id)
    list(order.tickets.select_for_update().order_by("pk"))
    offered = quote(order, now=now)
    payment = (
        order.payments.select_for_update().filter(status=Payment.Status.SUCCEEDED).order_by("processed_at").first()
    )
    if offered is None or payment is None or payment.refunded_cents:
        raise CannotCancel
    if offered.cents != shown_cents:
        raise QuoteChanged
    payment.order = order
    holds.release(order, now)
    promos.release(order)
    refund = refunds.owe(
        payment, amount_cents=offered.cents, reason=Refund.Reason.REQUESTED, cause=f"cancel:{order.pk}", now=now
    )
    remember(refund)
    return refund
