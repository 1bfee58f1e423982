"""Passes at the door: found by their code, admitted once, and the party has arrived with the first of them."""

from datetime import datetime
from uuid import UUID

from tickets.admissions import Admission, Kind
from vip.models import GuestPass, VipReservation


def find(code: str) -> Admission | None:
    """Return what a pass's code lets in, with the party and the pass locked."""
    known = GuestPass.objects.filter(code=code).values_list("pk", "reservation_id").first()
    if known is None:
        return None
    parties = VipReservation.objects.select_for_update(of=("self",)).select_related("table", "event", "order")
    reservation = parties.get(pk=known[1])
    seat = GuestPass.objects.select_for_update().filter(pk=known[0], code=code).first()
    if seat is None:
        return None  # reissued while we waited
    return Admission(
        event=reservation.event,
        label=f"{reservation.table.code} · {seat.number}/{reservation.party_size}",
        holder=seat.name or reservation.host_name,
        status=seat.status,
        admitted_at=seat.admitted_at,
        subject={"guest_pass": seat},
        is_disputed=reservation.order.disputed_at is not None,
        admit=lambda now: admit(seat, reservation, now),
    )


def admit(seat: GuestPass, reservation: VipReservation, now: datetime) -> None:
    """Let one guest in; the first of a party brings it to its table's list."""
    seat.move_to(GuestPass.Status.ADMITTED, now=now)
    if reservation.status in (VipReservation.Status.CONFIRMED, VipReservation.Status.NO_SHOW):
        reservation.move_to(VipReservation.Status.ARRIVED, now=now)


def count(event_id: UUID) -> tuple[int, int]:
    """Return how many guests of tables are in, of how many passes."""
    living = GuestPass.objects.living().filter(reservation__event=event_id)
    return living.filter(status=GuestPass.Status.ADMITTED).count(), living.count()


PASSES = Kind(find=find, count=count)
