"""Holds become tickets: the product that tickets registers with payments."""

from datetime import datetime

from django.db.models import F

from payments import mail
from payments.exceptions import FulfilmentFailed
from payments.models import Order, Payment
from payments.products import Product
from tickets import holds, promos, refunding
from tickets.models import Ticket, TicketReservation, TicketType

CONFIRMATION = "tickets_ready"


def fulfil(order: Order, now: datetime) -> None:
    """Turn a paid order's holds into tickets, one row per admission, and owe the guest their mail.

    Positions count from 1 through the whole order: no delivery of any payment makes one more.
    """
    payment = order.payments.filter(status=Payment.Status.SUCCEEDED).order_by("processed_at").first()
    tickets: list[Ticket] = []
    for hold in holds.locked_holds(order).filter(status=TicketReservation.Status.PENDING):
        sell(hold, now)
        tickets += [
            Ticket(
                order=order,
                event_id=order.event_id,
                ticket_type_id=hold.ticket_type_id,
                stripe_payment_intent_id=payment.external_payment_id if payment else None,
                position=len(tickets) + place,
                created_at=now,
            )
            for place in range(1, hold.quantity + 1)
        ]
    if len(tickets) != sum(line["quantity"] for line in order.lines):
        raise FulfilmentFailed(f"the order holds {len(tickets)} places, not what was bought")
    Ticket.objects.bulk_create(tickets)
    promos.use(order)
    mail.owe(CONFIRMATION, order=order, cause=f"{CONFIRMATION}:{order.pk}", now=now)


def sell(hold: TicketReservation, now: datetime) -> None:
    """Move a hold's places from held to sold."""
    TicketType.objects.filter(pk=hold.ticket_type_id).update(
        held=F("held") - hold.quantity, sold=F("sold") + hold.quantity
    )
    hold.move_to(TicketReservation.Status.FULFILLED, now=now)


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
