"""Holds become tickets: the product that tickets registers with payments."""

from datetime import datetime

from payments import mail
from payments.exceptions import FulfilmentFailed
from payments.models import Order, Payment, rows
from payments.products import Goods, Product
from tickets import holds, promos, refunding
from tickets.models import Ticket

CONFIRMATION = "tickets_ready"


def fulfil(order: Order, payment: Payment | None, now: datetime) -> Goods:
    """Say how a paid order's holds become tickets, one row per admission, and which mail is owed with them.

    Positions count from 1 through the whole order: no delivery of any payment makes one more.
    """
    held = holds.pending(order)
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
    return Goods(
        # A code's row after the types': so does whoever buys with a code, or gives one back.
        [*(rows.inserted(ticket) for ticket in tickets), *holds.sold(held, now=now), *promos.used(order)],
        [mail.new_email(CONFIRMATION, order=order, cause=f"{CONFIRMATION}:{order.pk}", now=now)],
    )


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
