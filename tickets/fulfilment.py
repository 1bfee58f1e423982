"""Holds become tickets: the product that tickets registers with payments."""

from datetime import datetime

from payments import mail
from payments.exceptions import FulfilmentFailed
from payments.models import Order, Payment, rows
from payments.products import Product
from tickets import holds, promos, refunding
from tickets.models import Ticket

CONFIRMATION = "tickets_ready"


def fulfil(order: Order, payment: Payment | None, now: datetime) -> None:
    """Turn a paid order's holds into tickets, one row per admission, and owe the guest their mail, in one statement.

    Positions count from 1 through the whole order: no delivery of any payment makes one more. The places, for which
    everybody waits, are counted last.
    """
    held = holds.lock_pending(order)
    places = [hold for hold in held for _ in range(hold.quantity)]
    if len(places) != sum(line["quantity"] for line in order.lines):
        raise FulfilmentFailed(f"the order holds {len(places)} places, not what was bought")
    paid_by = payment.external_payment_id if payment else None
    tickets = [
        Ticket(
            order=order,
            event_id=order.event_id,
            ticket_type_id=hold.ticket_type_id,
            stripe_payment_intent_id=paid_by,
            position=position,
            created_at=now,
        )
        for position, hold in enumerate(places, start=1)
    ]
    rows.write(
        *(rows.inserted(ticket) for ticket in tickets),
        mail.to_guest(CONFIRMATION, order=order, cause=f"{CONFIRMATION}:{order.pk}", now=now),
        *holds.sold(held, now=now),
    )
    promos.use(order)


def release(order: Order, now: datetime) -> None:
    """Give back an order's places and its code."""
    holds.release(order, now)
    promos.release(order)


def regain(order: Order, now: datetime) -> bool:
    """Take an order's places and its code again for money that came late; both, or neither and False."""
    if not holds.regain(order, now):
        return False
    if promos.regain(order):
        return True
    holds.release(order, now)
    return False


PRODUCT = Product(
    kind=Order.Kind.GA_TICKET,
    fulfil=fulfil,
    release=release,
    regain=regain,
    extend=holds.extend,
    prices=refunding.prices,
    take_back=refunding.take_back,
    page="tickets:order",
)
