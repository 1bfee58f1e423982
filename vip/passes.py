"""What can happen to a party's passes: named, sent, claimed, taken back; never more than seats."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from payments import mail, presses
from vip import changes, reservations
from vip.exceptions import (
    AlreadyIn,
    HostStays,
    InviteRotated,
    NoSeatLeft,
    NotConfirmed,
    PartyDoesNotFit,
    SeatsAreNamed,
    UnknownSeat,
)
from vip.models import GuestPass, TableChange, VipReservation
from vip.models.guest_pass import HOST_SEAT
from vip.models.reservation import make_code

LETTER = "guest_pass"
TRANSFER_LETTER = "host_transfer"
SOLD = (VipReservation.Status.CONFIRMED, VipReservation.Status.ARRIVED, VipReservation.Status.SEATED)


def lock_sold(reservation_id: UUID) -> VipReservation:
    """Lock a reservation whose passes count. Raises NotConfirmed."""
    reservation = reservations.lock(reservation_id)
    if reservation.status not in SOLD:
        raise NotConfirmed
    return reservation


def seat_of(reservation: VipReservation, number: int) -> GuestPass:
    """Lock one seat's pass that has let nobody in yet. Raises UnknownSeat, AlreadyIn."""
    found = reservation.passes.select_for_update().living().filter(number=number).first()
    if found is None:
        raise UnknownSeat
    if found.status == GuestPass.Status.ADMITTED:
        raise AlreadyIn
    return found


@transaction.atomic(durable=True)
def name_seat(reservation_id: UUID, number: int, *, name: str, email: str = "", now: datetime) -> GuestPass:
    """Write who sits where, and send them their own link if there is an address to send it to."""
    reservation = lock_sold(reservation_id)
    seat = seat_of(reservation, number)
    is_new_address = bool(email) and email != seat.email
    seat.name, seat.email = name, email
    seat.save(update_fields=["name", "email"])
    if is_new_address:
        send(reservation, seat, now=now)
    return seat


def send(reservation: VipReservation, seat: GuestPass, *, now: datetime) -> None:
    """Owe a guest the link to their own pass, once per code and address."""
    mail.owe(
        LETTER,
        order=reservation.order,
        cause=f"{LETTER}:{seat.pk}:{seat.version}:{seat.email}",
        recipient=seat.email,
        context={"link": seat.link, "name": seat.name},
        now=now,
    )


@transaction.atomic(durable=True)
def reissue(
    reservation_id: UUID,
    number: int,
    *,
    now: datetime,
    by_id: int | None = None,
    remember: Callable[[GuestPass], None] = presses.forget,
) -> GuestPass:
    """Give a seat a new code and a new link; the old ones are dead from this moment.

    `remember` is a step in the same transaction.
    """
    reservation = lock_sold(reservation_id)
    seat = seat_of(reservation, number)
    renew(seat)
    changes.note(TableChange.Kind.REISSUED, reservation, note=f"seat {number}", now=now, by_id=by_id)
    if seat.email:
        send(reservation, seat, now=now)
    remember(seat)
    return seat


@transaction.atomic(durable=True)
def revoke(reservation_id: UUID, number: int, *, now: datetime) -> GuestPass:
    """Take a seat back from whoever has it: nameless, under a new code. Raises HostStays."""
    if number == HOST_SEAT:
        raise HostStays
    seat = seat_of(lock_sold(reservation_id), number)
    seat.name = seat.email = ""
    renew(seat)
    return seat


def renew(seat: GuestPass) -> None:
    """Write a new code and link for a locked pass."""
    seat.code, seat.link = make_code(), make_code()
    seat.version += 1
    seat.save(update_fields=["name", "email", "code", "link", "version"])


@transaction.atomic(durable=True)
def claim_seat(
    invite_code: str,
    *,
    name: str,
    email: str = "",
    now: datetime,
    remember: Callable[[GuestPass], None] = presses.forget,
) -> GuestPass:
    """Take one of the seats an invitation offers; of two who want the last, one gets it.

    `remember` is a step in the same transaction.
    Raises InviteRotated, NotConfirmed, NoSeatLeft.
    """
    found = VipReservation.objects.filter(invite_code=invite_code).values_list("pk", flat=True).first()
    if found is None:
        raise InviteRotated
    reservation = lock_sold(found)
    if reservation.invite_code != invite_code:
        raise InviteRotated
    seat = reservation.passes.select_for_update().unclaimed().order_by("number").first()
    if seat is None:
        raise NoSeatLeft
    seat.name, seat.email = name, email
    seat.save(update_fields=["name", "email"])
    if email:
        send(reservation, seat, now=now)
    remember(seat)
    return seat


@transaction.atomic(durable=True)
def rotate_invite(reservation_id: UUID) -> VipReservation:
    """Give the party a new invitation; the old one invites nobody from this moment."""
    reservation = lock_sold(reservation_id)
    reservation.invite_code = make_code()
    reservation.save(update_fields=["invite_code"])
    return reservation


@transaction.atomic(durable=True)
def offer_host(
    reservation_id: UUID, *, email: str, now: datetime, remember: Callable[[VipReservation], None] = presses.forget
) -> VipReservation:
    """Ask somebody else to be the host; nothing changes until they accept.

    `remember` is a step in the same transaction.
    """
    reservation = lock_sold(reservation_id)
    seat_of(reservation, HOST_SEAT)
    reservation.transfer_code = make_code()
    reservation.save(update_fields=["transfer_code"])
    mail.owe(
        TRANSFER_LETTER,
        order=reservation.order,
        cause=f"{TRANSFER_LETTER}:{reservation.pk}:{reservation.transfer_code}",
        recipient=email,
        context={"code": reservation.transfer_code},
        now=now,
    )
    remember(reservation)
    return reservation


@transaction.atomic(durable=True)
def accept_host(
    transfer_code: str,
    *,
    name: str,
    email: str,
    now: datetime,
    remember: Callable[[VipReservation], None] = presses.forget,
) -> VipReservation:
    """Make whoever accepts the host: the page, the invitation and seat 1 are theirs, the payment stays where it was.

    `remember` is a step in the same transaction.
    Raises InviteRotated, NotConfirmed, AlreadyIn.
    """
    found = VipReservation.objects.filter(transfer_code=transfer_code).values_list("pk", flat=True).first()
    if found is None:
        raise InviteRotated
    reservation = lock_sold(found)
    if reservation.transfer_code != transfer_code:
        raise InviteRotated
    seat = seat_of(reservation, HOST_SEAT)
    changes.note(TableChange.Kind.HOST_CHANGED, reservation, note=f"{reservation.host_name} → {name}", now=now)
    reservation.host_name, reservation.host_email, reservation.transfer_code = name, email, None
    reservation.host_code, reservation.invite_code = make_code(), make_code()
    reservation.save(update_fields=["host_name", "host_email", "transfer_code", "host_code", "invite_code"])
    seat.name, seat.email = name, email
    renew(seat)
    remember(reservation)
    return reservation


@transaction.atomic(durable=True)
def resize(reservation_id: UUID, size: int, *, now: datetime, by_id: int | None = None) -> VipReservation:
    """Let a party grow within its tables, or shrink by seats nobody has; the price stays as it was.

    Raises PartyDoesNotFit, SeatsAreNamed, NotConfirmed.
    """
    reservation = lock_sold(reservation_id)
    before = reservation.party_size
    least, most = reservations.room_of(reservation)
    if not least <= size <= most:
        raise PartyDoesNotFit
    if size < before:
        drop_seats(reservation, size, now=now)
    reservation.party_size = size
    reservation.save(update_fields=["party_size"])
    if size > before:
        add_seats(reservation, before, now=now)
    changes.note(TableChange.Kind.RESIZED, reservation, note=f"{before} → {size}", now=now, by_id=by_id)
    return reservation


def drop_seats(reservation: VipReservation, size: int, *, now: datetime) -> None:
    """Void the seats above a size. Raises SeatsAreNamed where somebody has one of them."""
    above = reservation.passes.living().filter(number__gt=size)
    if above.exclude(name="").exists():
        raise SeatsAreNamed
    reservations.void_passes(above, now=now)


def add_seats(reservation: VipReservation, before: int, *, now: datetime) -> None:
    """Make the seats a party has grown by; one that was there before lives again under a new code."""
    known = {seat.number: seat for seat in reservation.passes.select_for_update().filter(number__gt=before)}
    for number in range(before + 1, reservation.party_size + 1):
        if seat := known.get(number):
            renew(seat)
            seat.move_to(GuestPass.Status.VALID, now=now)
        else:
            GuestPass.objects.create(reservation=reservation, number=number, created_at=now)
