"""The line for what is sold out: joined by email, served first come first served when places return.

An offer is an order, held for its guest longer than usual and paid like any other: what holds,
counts, prices and ends an order does so for an offer too.
"""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from payments import mail, orders
from payments.models import Order, rows
from payments.orders import Buyer
from tickets import checkout, holds
from tickets.exceptions import NotOnSale, SoldOut, StillThere, TooMany
from tickets.models import OrderTerms, TicketType, WaitingGuest

logger = logging.getLogger(__name__)

JOINED = "waiting_joined"
OFFERED = "waiting_offered"
Status = WaitingGuest.Status


@transaction.atomic(durable=True)
def join(type_id: UUID, *, buyer: Buyer, quantity: int, now: datetime) -> WaitingGuest:
    """Put a guest at the end of the line, once; a repeat finds them where they are.

    Raises NotOnSale, StillThere, TooMany.
    """
    (type_,) = holds.with_available("id = %s", type_id, now=now)
    if not type_.event.is_on_sale(now) or not type_.is_offered(now):
        raise NotOnSale
    if not 1 <= quantity <= type_.max_per_order:
        raise TooMany
    if type_.available >= quantity:
        raise StillThere
    fresh = WaitingGuest(
        ticket_type=type_,
        name=buyer.name,
        email=buyer.email.lower(),
        language=buyer.language,
        quantity=quantity,
        joined_at=now,
    )
    WaitingGuest.objects.bulk_create([fresh], ignore_conflicts=True)
    guest = WaitingGuest.objects.get(ticket_type=type_, email=fresh.email, status=Status.WAITING)
    words = {"language": guest.language, "reference": guest.reference, "name": guest.name}
    words |= {"title": type_.event.title, "type": type_.name, "quantity": str(guest.quantity)}
    mail.owe(JOINED, order=None, recipient=guest.email, cause=f"{JOINED}:{guest.pk}", context=words, now=now)
    return guest


@transaction.atomic(durable=True)
def leave(reference: str) -> bool:
    """Take a guest out of the line; False where they are not in it."""
    return bool(WaitingGuest.objects.filter(reference=reference, status=Status.WAITING).update(status=Status.LEFT))


def offer_places(*, now: datetime) -> int:
    """Offer what has come back, to each in turn whose wish fits; return how many offers were made."""
    line = WaitingGuest.objects.filter(status=Status.WAITING).order_by("joined_at", "pk")
    made = 0
    for guest_id in line.values_list("pk", flat=True):
        try:
            made += offer(guest_id, now=now)
        except (SoldOut, NotOnSale):
            continue
    return made


@transaction.atomic(durable=True)
def offer(guest_id: UUID, *, now: datetime) -> bool:
    """Hold places for one waiting guest and write to them; False where they wait no longer.

    Raises SoldOut, NotOnSale; then they keep their place in the line.
    """
    guest = WaitingGuest.objects.select_for_update().get(pk=guest_id)
    if guest.status != Status.WAITING:
        return False
    type_ = TicketType.objects.select_related("event").get(pk=guest.ticket_type_id)
    if not type_.event.is_on_sale(now) or not type_.is_offered(now):
        raise NotOnSale
    order = orders.new_order(
        kind=Order.Kind.GA_TICKET,
        event_id=type_.event_id,
        lines=[checkout.line_for(type_, guest.quantity)],
        buyer=Buyer(guest.name, guest.email, language=guest.language),
        currency=type_.event.currency,
        now=now,
    )
    order.expires_at = now + timedelta(minutes=settings.OFFER_MINUTES)
    quantities = {type_.pk: guest.quantity}
    with holds.or_sold_out():
        rows.write(
            rows.inserted(order),
            *holds.of(order, quantities),
            OrderTerms.objects.terms_for(order),
            *holds.places(quantities, from_the_line=True),
        )
    guest.status, guest.order = Status.OFFERED, order
    guest.save(update_fields=["status", "order"])
    mail.owe(OFFERED, order=order, cause=f"{OFFERED}:{guest.pk}", now=now)
    return True
