"""What becomes of tables when their night is over, or is called off."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from payments.models import Order
from tickets.models import Event
from vip import reservations
from vip.models import VipReservation

Status = VipReservation.Status
GRACE = timedelta(hours=2)  # the last guests leave, and the last scans of a door without network come in
BATCH = 200
ENDS = {Status.CONFIRMED: Status.NO_SHOW, Status.ARRIVED: Status.COMPLETED, Status.SEATED: Status.COMPLETED}


def close_nights(*, now: datetime) -> int:
    """Close the tables of nights that are over, and free those of nights called off; return how many."""
    is_over = Q(event__ends_at__lte=now - GRACE)
    # Where there is money, its refund releases the table; here is the rest: walk-ins, what was given away.
    is_off = Q(event__status=Event.Status.CANCELLED) & ~Q(order__payments__status="succeeded")
    due = VipReservation.objects.filter(is_over | is_off, status__in=ENDS).order_by("event__ends_at")
    return sum(close(pk, now=now) for pk in list(due.values_list("pk", flat=True).distinct()[:BATCH]))


@transaction.atomic(durable=True)
def close(reservation_id: UUID, *, now: datetime) -> bool:
    """Close one party's table: they were there, or they were not, or there was no night."""
    reservation = reservations.lock(reservation_id)
    if reservation.status not in ENDS or reservation.order.status != Order.Status.FULFILLED:
        return False
    if reservation.event.status == Event.Status.CANCELLED:
        reservations.end(reservation, Status.CANCELLED_BY_VENUE, now=now)
        return True
    if reservation.event.ends_at > now - GRACE:
        return False
    return reservation.move_to(ENDS[Status(reservation.status)], now=now)


def move_arrivals(event: Event, shift: timedelta) -> None:
    """Let parties arrive on their night's new date, at the hour they said."""
    expected = VipReservation.objects.live().filter(event=event, arrives_at__isnull=False)
    expected.update(arrives_at=F("arrives_at") + shift)
