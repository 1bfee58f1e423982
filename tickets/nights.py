"""What can happen to a whole night."""

from contextlib import suppress
from datetime import datetime
from uuid import UUID

from django.db import transaction

from payments import expiry, refunds
from payments.exceptions import AlreadyPaid, OrderClosed
from payments.models import Order, Refund
from tickets.models import Event


def cancel_night(event: Event, *, now: datetime) -> int:
    """Cancel a night and promise everybody's money back; return how many orders that touched.

    May be run again after a crash: what was done is not done twice.
    """
    call_off(event.pk, now=now)
    pending = Order.objects.filter(event=event, status=Order.Status.PENDING).values_list("pk", flat=True)
    for order_id in list(pending):
        with suppress(AlreadyPaid, OrderClosed):  # the guest was faster: what is paid goes back below
            expiry.cancel_order(order_id, now=now)
    paid = Order.objects.filter(event=event, status__in=(Order.Status.PAID, Order.Status.FULFILLED))
    touched = 0
    for order_id in list(paid.order_by("created_at").values_list("pk", flat=True)):
        owed = refunds.refund_order(order_id, reason=Refund.Reason.NIGHT_CANCELLED, cause="night_cancelled", now=now)
        touched += bool(owed)
    return touched


@transaction.atomic(durable=True)
def call_off(event_id: UUID, *, now: datetime) -> bool:
    """Call a night off, so that nothing more is sold for it; False where it was already."""
    return Event.objects.select_for_update().get(pk=event_id).move_to(Event.Status.CANCELLED, now=now)
