"""How much comes back when a guest cancels a table: by the terms it was sold under, kept with its order."""

from dataclasses import dataclass
from datetime import datetime

from payments.models import Order, Payment
from tickets.models import OrderTerms
from vip.models import Table, VipReservation

WHOLE = 100


@dataclass(frozen=True, slots=True)
class Return:
    """What a guest gets back by cancelling now, to the cent."""

    paid_cents: int
    per_cent: int
    cents: int


def on_cancelling(reservation: VipReservation, *, now: datetime) -> Return:
    """Return what comes back by the terms the table was sold under; rounded in the guest's favour.

    A night that has moved since gives everything back for a while; one sold without terms gives nothing.
    """
    if everything := all_back_cents(reservation, now=now):
        return Return(everything, WHOLE, everything)
    left = left_of(reservation.order)
    terms = OrderTerms.objects.filter(order=reservation.order).first()
    if terms is None or (reservation.terms["mode"] == Table.Mode.DEPOSIT and not terms.deposit_comes_back):
        return Return(left, 0, 0)
    per_cent, _ = terms.part_at(now, doors_at=reservation.event.doors_at)
    counted = left if terms.fees_come_back else max(left - reservation.order.fees_cents, 0)
    return Return(left, per_cent, -(-counted * per_cent // WHOLE))


def all_back_cents(reservation: VipReservation, *, now: datetime) -> int:
    """Return what goes back because the night has moved since the table was taken; 0 where it has not."""
    if not reservation.event.all_back_until(bought_at=reservation.order.created_at, now=now):
        return 0
    return left_of(reservation.order)


def left_of(order: Order) -> int:
    """Return what an order's payments still have with us, in cents."""
    paid = order.payments.filter(status=Payment.Status.SUCCEEDED)
    return sum(payment.received_cents - payment.refunded_cents for payment in paid)
