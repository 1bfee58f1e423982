"""A party's table is given up: by the guest under the policy it was sold with, or by the club in full."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from payments import mail, presses, refunds
from payments.models import Order, Payment, Refund
from payments.money import format_cents
from tickets.exceptions import ReasonNeeded
from vip import bill, changes, passes, policy, reservations
from vip.exceptions import AlreadyIn, AmountChanged, HostStays
from vip.models import GuestPass, TableChange, VipReservation
from vip.models.guest_pass import HOST_SEAT

LETTER = "table_cancelled"
Status = VipReservation.Status


@transaction.atomic(durable=True)
def cancel_by_guest(
    reservation_id: UUID,
    *,
    shown_cents: str,
    now: datetime,
    remember: Callable[[VipReservation], None] = presses.forget,
) -> list[Refund]:
    """Cancel for the guest and send back what the policy says: exactly what they were shown.

    `remember` is a step in the same transaction.
    Raises AmountChanged, AlreadyIn, NotConfirmed.
    """
    reservation = passes.lock_sold(reservation_id)
    if reservation.status != Status.CONFIRMED:
        raise AlreadyIn
    back = policy.on_cancelling(reservation, now=now)
    if shown_cents != str(back.cents):
        raise AmountChanged
    changes.note(TableChange.Kind.CANCELLED, reservation, note=f"{back.per_cent} % back", now=now)
    promised = give_up(reservation, Status.CANCELLED_BY_GUEST, back.cents, reason=Refund.Reason.REQUESTED, now=now)
    remember(reservation)
    return promised


@transaction.atomic(durable=True)
def cancel_by_venue(reservation_id: UUID, *, reason: str, by_id: int | None, now: datetime) -> list[Refund]:
    """Cancel for the club: everything that was paid goes back. Raises ReasonNeeded, NotConfirmed."""
    if not reason.strip():
        raise ReasonNeeded
    reservation = passes.lock_sold(reservation_id)
    changes.note(TableChange.Kind.CANCELLED, reservation, note=reason, now=now, by_id=by_id)
    everything = policy.left_of(reservation.order)
    return give_up(reservation, Status.CANCELLED_BY_VENUE, everything, reason=Refund.Reason.OWNER, now=now)


@transaction.atomic(durable=True)
def refund_share(reservation_id: UUID, number: int, *, reason: str, by_id: int | None, now: datetime) -> list[Refund]:
    """Send back one guest's share of what was paid and take their pass back; the shares add up to the cent.

    Raises ReasonNeeded, HostStays, NotConfirmed, UnknownSeat, AlreadyIn.
    """
    if not reason.strip():
        raise ReasonNeeded
    if number == HOST_SEAT:
        raise HostStays
    reservation = passes.lock_sold(reservation_id)
    seat = passes.seat_of(reservation, number)
    share = bill.apportion(reservation.order.total_cents, reservation.party_size)[number - 1]
    seat.move_to(GuestPass.Status.VOID, now=now)
    changes.note(TableChange.Kind.REFUNDED, reservation, note=f"seat {number}: {reason.strip()}", now=now, by_id=by_id)
    back = min(share, policy.left_of(reservation.order))
    return owe(reservation.order, back, reason=Refund.Reason.OWNER, cause=f"share:{seat.pk}:{seat.version}", now=now)


def give_up(
    reservation: VipReservation, status: Status, cents: int, *, reason: Refund.Reason, now: datetime
) -> list[Refund]:
    """Free the table and kill its passes at once, and promise the money, in one transaction."""
    reservations.end(reservation, status, now=now)
    promised = owe(reservation.order, cents, reason=reason, cause=f"table:{reservation.pk}", now=now)
    mail.owe(
        LETTER,
        order=reservation.order,
        cause=f"{LETTER}:{reservation.pk}",
        recipient=reservation.host_email,
        context={"back": format_cents(cents, reservation.order.currency, reservation.order.language) if cents else ""},
        now=now,
    )
    return promised


def owe(order: Order, cents: int, *, reason: Refund.Reason, cause: str, now: datetime) -> list[Refund]:
    """Promise an amount back, taken from what each payment still has; never more than that."""
    promised = []
    paid = order.payments.select_for_update().filter(status=Payment.Status.SUCCEEDED).order_by("processed_at")
    for payment in paid:
        part = min(cents, payment.received_cents - payment.refunded_cents)
        if part > 0:
            payment.order = order
            promised.append(
                refunds.owe(payment, amount_cents=part, reason=reason, cause=f"{cause}:{payment.pk}", now=now)
            )
            cents -= part
    return promised
