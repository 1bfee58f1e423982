"""How much comes back when a guest cancels: the tiers a reservation was sold under."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from payments.models import Order, Payment
from vip.models import VipReservation

HOUR = timedelta(hours=1)
WHOLE = 100


@dataclass(frozen=True, slots=True)
class Return:
    """What a guest gets back by cancelling now, to the cent."""

    paid_cents: int
    per_cent: int
    cents: int


def tiers() -> list[list[int]]:
    """Return today's policy: from so many hours before the doors, so many per cent come back."""
    return [list(tier) for tier in settings.VIP_REFUND_TIERS]


def on_cancelling(reservation: VipReservation, *, now: datetime) -> Return:
    """Return what comes back, by the policy the reservation was sold under; rounded in the guest's favour.

    A night that has moved since gives everything back for a while.
    """
    if everything := all_back_cents(reservation, now=now):
        return Return(everything, WHOLE, everything)
    left = left_of(reservation.order)
    per_cent = per_cent_at(reservation.terms["refund_tiers"], reservation.event.doors_at - now)
    return Return(left, per_cent, -(-left * per_cent // WHOLE))


def all_back_cents(reservation: VipReservation, *, now: datetime) -> int:
    """Return what goes back because the night has moved since the table was taken; 0 where it has not."""
    if not reservation.event.all_back_until(bought_at=reservation.order.created_at, now=now):
        return 0
    return left_of(reservation.order)


def per_cent_at(policy: list[list[int]], ahead: timedelta) -> int:
    """Return the per cent of the first tier that is reached, the furthest ahead first."""
    reached = [per_cent for hours, per_cent in sorted(policy, reverse=True) if ahead >= hours * HOUR]
    return reached[0] if reached else 0


def left_of(order: Order) -> int:
    """Return what an order's payments still have with us, in cents."""
    paid = order.payments.filter(status=Payment.Status.SUCCEEDED)
    return sum(payment.received_cents - payment.refunded_cents for payment in paid)
