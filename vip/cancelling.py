"""A party's table is given up: by the guest under the policy it was sold with, or by the club in full."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from payments import mail, refunds
from payments.models import Order, Payment, Refund
from payments.money import format_cents
from vip import changes, passes, policy, reservations
from vip.exceptions import AlreadyIn, AmountChanged, ReasonNeeded
from vip.models import TableChange, VipReservation

LETTER = "table_cancelled"
Status = VipReservation.Status


@transaction.atomic(durable=True)
def cancel_by_guest(reservation_id: UUID, *, shown_cents: str, now: datetime) -> list[Refund]:
    """Cancel for the guest and send back what the policy says: exactly what they were shown.

    Raises AmountChanged, AlreadyIn, NotConfirmed.
    """
    reservation = passes.lock_sold(reservation_id)
    if reservation.status != Status.CONFIRMED:
        raise AlreadyIn
    back = policy.on_cancelling(reservation, now=now)
    if shown_cents != str(back.cents):
        raise AmountChanged
    changes.note(TableChange.Kind.CANCELLED, reservation, note=f"{back.per_cent} % back", now=now)
    return give_up(reservation, Status.CANCELLED_BY_GUEST, back.cents, reason=Refund.Reason.REQUESTED, now=now)


@transaction.atomic(durable=True)
def cancel_by_venue(reservation_id: UUID, *, reason: str, by_id: int | None, now: datetime) -> list[Refund]:
    """Cancel for the club: everything that was paid goes back. Raises ReasonNeeded, NotConfirmed."""
    if not reason.strip():
        raise ReasonNeeded
    reservation = passes.lock_sold(reservation_id)
    changes.note(TableChange.Kind.CANCELLED, reservation, note=reason, now=now, by_id=by_id)
    everything = policy.left_of(reservation.order)
    return give_up(reservation, Status.CANCELLED_BY_VENUE, everything, reason=Refund.Reason.OWNER, now=now)


def give_up(
    reservation: VipReservation, status: Status, cents: int, *, reason: Refund.Reason, now: datetime
) -> list[Refund]:
    """Free the table and kill its passes at once, and promise the money, in one transaction."""
    reservations.end(reservation, status, now=now)
    promised = owe(reservation.order, cents, reason=reason, now=now)
    mail.owe(
        LETTER,
        order=reservation.order,
        cause=f"{LETTER}:{reservation.pk}",
        recipient=reservation.host_email,
        context={"back": format_cents(cents, reservation.order.currency, reservation.order.language) if cents else ""},
        now=now,
    )
    return promised


def owe(order: Order, cents: int, *, reason: Refund.Reason, now: datetime) -> list[Refund]:
    """Promise an amount back, taken from what each payment still has; never more than that."""
    promised = []
    paid = order.payments.select_for_update().filter(status=Payment.Status.SUCCEEDED).order_by("processed_at")
    for payment in paid:
        part = min(cents, payment.received_cents - payment.refunded_cents)
        if part > 0:
            payment.order = order
            promised.append(
                refunds.owe(payment, amount_cents=part, reason=reason, cause=f"table:{payment.pk}", now=now)
            )
            cents -= part
    return promised
