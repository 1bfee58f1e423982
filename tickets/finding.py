"""The way back to one's tickets, by email only."""

from datetime import datetime, timedelta

from django.db import transaction

from payments import mail
from payments.models import Order
from tickets.models import Ticket
from tickets.transfers import RECEIVED

KIND = "find_my_tickets"
# Long enough after the night that nobody still asks.
LOOK_BACK = timedelta(days=30)


@transaction.atomic(durable=True)
def send_links(email: str, *, now: datetime) -> int:
    """Owe one email per order of an address, at most one an hour; return how many orders there are."""
    found = Order.objects.filter(
        email__iexact=email,
        event__ends_at__gt=now - LOOK_BACK,
        status__in=(Order.Status.PAID, Order.Status.FULFILLED),
    )
    orders = list(found.order_by("created_at"))
    for order in orders:
        mail.owe(KIND, order=order, cause=f"{KIND}:{order.pk}:{now:%Y-%m-%dT%H}", now=now)
    given = Ticket.objects.exclude(status=Ticket.Status.VOID).filter(
        holder_email__iexact=email, event__ends_at__gt=now - LOOK_BACK
    )
    for ticket in given.select_related("order", "ticket_type").order_by("created_at", "position"):
        words = {
            "name": ticket.holder_name,
            "type": ticket.ticket_type.name,
            "reference": ticket.holder_reference or "",
        }
        cause = f"{RECEIVED}:{ticket.holder_reference}:{now:%Y-%m-%dT%H}"
        mail.owe(RECEIVED, order=ticket.order, recipient=email, cause=cause, context=words, now=now)
    return len(orders)
