"""What can happen to a reservation; the only writer of its status."""

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from payments import orders
from payments.models import Order
from tickets.models import Event
from vip.models import GuestPass, Table, VipReservation

Status = VipReservation.Status


def lock(reservation_id: UUID) -> VipReservation:
    """Lock a reservation, its order first."""
    order_id = VipReservation.objects.values_list("order_id", flat=True).get(pk=reservation_id)
    order = orders.lock(order_id)
    return of_locked(order)


def of(order: Order) -> VipReservation:
    """Return the reservation of an order, as it is now."""
    return VipReservation.objects.get(order=order)


def of_locked(order: Order) -> VipReservation:
    """Lock the reservation of an order that is locked already."""
    found = VipReservation.objects.select_for_update(of=("self",)).select_related("table", "event").get(order=order)
    found.order = order
    return found


def take(reservation: VipReservation) -> bool:
    """Take the table in one guarded statement: whoever comes second waits for the first, and gets False."""
    VipReservation.objects.bulk_create([reservation], ignore_conflicts=True)
    return VipReservation.objects.filter(pk=reservation.pk).exists()


def release(order: Order, now: datetime) -> None:
    """Give a table back: a hold that ended, or a table whose money went back; its passes die with it."""
    reservation = of_locked(order)
    if reservation.status in VipReservation.ENDED_EARLY or reservation.status == Status.EXPIRED:
        return
    end(reservation, end_of(reservation), now=now)


def end_of(reservation: VipReservation) -> Status:
    """Name how a reservation ends that is given back."""
    if reservation.event.status == Event.Status.CANCELLED and reservation.is_live:
        return Status.CANCELLED_BY_VENUE
    is_over = reservation.status == Status.HELD and reservation.order.status == Order.Status.EXPIRED
    return Status.EXPIRED if is_over else Status.RELEASED


def end(reservation: VipReservation, status: Status, *, now: datetime) -> None:
    """End a locked reservation before its night, and every pass with it."""
    reservation.move_to(status, now=now)
    void_passes(reservation.passes.all(), now=now)
    part_tables(reservation)


def tables_of(reservation: VipReservation) -> list[Table]:
    """Return every table a party has, its own first."""
    return [reservation.table, *reservation.joined_tables.order_by("code")]


def room_of(reservation: VipReservation) -> tuple[int, int]:
    """Return how few and how many may sit at a party's tables."""
    return reservation.table.capacity_min, sum(table.capacity_max for table in tables_of(reservation))


def part_tables(reservation: VipReservation) -> int:
    """Put the tables joined to a party's own back on sale; return how many."""
    return Table.objects.filter(joined_to=reservation).update(joined_to=None, blocked=False, blocked_reason="")


def void_passes(passes: QuerySet[GuestPass], *, now: datetime) -> int:
    """Let these passes admit nobody any more."""
    return passes.exclude(status=GuestPass.Status.VOID).update(status=GuestPass.Status.VOID, voided_at=now)


def regain(order: Order, now: datetime) -> bool:
    """Take the table again for money that came late; False where it is gone, blocked or too small by now.

    The table is locked first, so that what is looked at here is still so when it is taken.
    """
    reservation = of_locked(order)
    if reservation.status == Status.HELD:
        return True
    table = Table.objects.select_for_update(no_key=True).get(pk=reservation.table_id)
    event = Event.objects.select_for_update(no_key=True).get(pk=reservation.event_id)
    is_open = event.status == Event.Status.PUBLISHED and not table.blocked
    is_free = not table.reservations.live().exclude(pk=reservation.pk).exists()
    if not (is_open and is_free and reservation.party_size <= table.capacity_max):
        return False
    return reservation.move_to(Status.HELD, now=now)


def extend(order: Order, now: datetime) -> None:
    """Move the end of a hold to its order's."""
    VipReservation.objects.filter(order=order, status=Status.HELD).update(expires_at=order.expires_at)
