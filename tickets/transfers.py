"""A ticket given to a friend: the same row with a new code, so that it works on a sold-out night too."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from payments import mail, orders, presses
from payments.models import Order
from payments.models.order import make_reference
from tickets.exceptions import CannotGive
from tickets.models import Ticket, TicketTransfer
from tickets.models.ticket import make_code

GIVEN = "ticket_given"
RECEIVED = "ticket_received"


@transaction.atomic(durable=True)
def give(
    ticket_id: UUID,
    *,
    name: str,
    email: str,
    giver: str | None,
    now: datetime,
    remember: Callable[[Ticket], None] = presses.forget,
) -> Ticket:
    """Give a ticket to somebody: its old code dies at once, theirs is on a page of their own.

    `giver` is the reference of the page it is given from: only whoever has the ticket may give it.
    `remember` is a step in the same transaction.
    Raises CannotGive.
    """
    order = orders.lock(Ticket.objects.values_list("order_id", flat=True).get(pk=ticket_id))
    ticket = Ticket.objects.select_for_update(of=("self",)).select_related("event", "ticket_type").get(pk=ticket_id)
    is_living = order.status == Order.Status.FULFILLED and ticket.status == Ticket.Status.VALID
    if not is_living or ticket.holder_reference != giver or now >= ticket.event.ends_at:
        raise CannotGive
    given = TicketTransfer.objects.create(
        ticket=ticket, old_code=ticket.code, to_name=name, to_email=email, created_at=now
    )
    ticket.code, ticket.holder_reference = make_code(), make_reference()
    ticket.holder_name, ticket.holder_email = name, email
    ticket.save(update_fields=["code", "holder_name", "holder_email", "holder_reference"])
    words = {"name": name, "type": ticket.ticket_type.name, "reference": ticket.holder_reference}
    mail.owe(RECEIVED, order=order, recipient=email, cause=f"{RECEIVED}:{given.pk}", context=words, now=now)
    mail.owe(GIVEN, order=order, cause=f"{GIVEN}:{given.pk}", context={"to": name, "type": words["type"]}, now=now)
    remember(ticket)
    return ticket
