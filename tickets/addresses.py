"""A mistyped address, mended: the tickets go there at once."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from payments import bounces, mail, orders
from payments.models import Order
from tickets.exceptions import CannotMend
from tickets.fulfilment import CONFIRMATION


@transaction.atomic(durable=True)
def mend(order_id: UUID, *, email: str, now: datetime) -> Order:
    """Write an order's new address down and owe its tickets to it. Raises CannotMend."""
    order = orders.lock(order_id)
    if order.status != Order.Status.FULFILLED:
        raise CannotMend
    order.email = email
    order.save(update_fields=["email"])
    bounces.put_right(order, now=now)
    mail.owe(CONFIRMATION, order=order, cause=f"{CONFIRMATION}:{order.pk}:{email.lower()}"[:255], now=now)
    return order
