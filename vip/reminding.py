"""Hosts are reminded of their table the day before and two hours before, once each."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from payments import mail
from payments.models import Email
from tickets.models import Event
from vip import reservations
from vip.models import VipReservation

KIND = "table_reminder"
# Each from so long before the doors until so long before them: a reminder that is late is none.
REMINDERS = {
    "day": (timedelta(hours=24), timedelta(hours=12)),
    "hours": (timedelta(hours=2), timedelta(0)),
}


def remind(*, now: datetime) -> int:
    """Owe every reminder that is due; return how many were new."""
    return sum(remind_once(pk, name, now=now) for name in REMINDERS for pk in due(name, now=now))


def due(name: str, *, now: datetime) -> list[UUID]:
    """Return the parties whose night is so near, who had booked before it was."""
    first, last = REMINDERS[name]
    near = VipReservation.objects.filter(
        status=VipReservation.Status.CONFIRMED,
        event__status__in=(Event.Status.PUBLISHED, Event.Status.CLOSED),
        event__doors_at__lte=now + first,
        event__doors_at__gt=now + last,
    ).select_related("event")
    booked_before = [
        party for party in near if party.confirmed_at and party.confirmed_at <= party.event.doors_at - first
    ]
    return [party.pk for party in booked_before if not Email.objects.filter(cause=cause_of(party, name)).exists()]


def cause_of(reservation: VipReservation, name: str) -> str:
    """Name one reminder; a night that is moved is reminded of anew."""
    return f"{KIND}:{name}:{reservation.pk}:{reservation.event.doors_at.isoformat()}"


@transaction.atomic(durable=True)
def remind_once(reservation_id: UUID, name: str, *, now: datetime) -> bool:
    """Owe one host one reminder, if their table is still theirs."""
    reservation = reservations.lock(reservation_id)
    if reservation.status != VipReservation.Status.CONFIRMED:
        return False
    mail.owe(
        KIND,
        order=reservation.order,
        cause=cause_of(reservation, name),
        recipient=reservation.host_email,
        now=now,
    )
    return True
