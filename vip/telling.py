"""What a table's order tells whoever paid, where it does not lead to its host's page: one truth about their money."""

from datetime import datetime

from django.utils.translation import gettext as _

from payments import orders
from payments.models import Order, Refund
from payments.orders import Truth
from tickets import telling
from tickets.telling import Telling
from vip.models import VipReservation

Status = VipReservation.Status
CANCELLED = (Status.CANCELLED_BY_GUEST, Status.CANCELLED_BY_VENUE)


def tell(reservation: VipReservation, *, now: datetime) -> Telling:
    """Choose the words for a table's order; never a claim about money that is not known."""
    order, truth = reservation.order, orders.truth(reservation.order)
    if reservation.status in CANCELLED:
        return cancelled(reservation)
    if truth is Truth.DELIVERED:
        return sold(reservation)
    if truth is Truth.REFUNDED:
        return telling.refunded(order)
    return on_the_way(order) if truth is Truth.ON_THE_WAY else unpaid(order, now=now)


def on_the_way(order: Order) -> Telling:
    """Calm a guest whose passes are not made yet."""
    return Telling(
        _("Paid. Your table is being confirmed") if order.total_cents else _("Your table is being confirmed"),
        _("You need do nothing. Its passes will be on this page and in your email; you can close it."),
        is_moving=True,
    )


def unpaid(order: Order, *, now: datetime) -> Telling:
    """Say how a table stands whose money has not come: still open, let go, or out of time."""
    if orders.is_deciding(order):
        return Telling(
            _("Your bank is still deciding"),
            _("Your table stays yours meanwhile. You need do nothing: this page tells you as soon as it knows."),
            is_moving=True,
        )
    if order.status == Order.Status.CANCELLED:
        return Telling(_("You let this table go"), _("You have not been charged."), can_have_again=True)
    if order.is_overdue(now):
        return telling.checking()
    return Telling(
        _("Your time ran out"),
        _("You have not been charged. Your table went back on sale."),
        can_have_again=True,
    )


def cancelled(reservation: VipReservation) -> Telling:
    """Say that a table is cancelled, and what goes back of its money."""
    headline = _("Table %(code)s is cancelled") % {"code": reservation.table.code}
    if Refund.objects.filter(payment__order=reservation.order).exclude(status=Refund.Status.FAILED).exists():
        return Telling(headline, telling.refunded(reservation.order).explanation)
    return Telling(headline, _("No money goes back for it."))


def sold(reservation: VipReservation) -> Telling:
    """Say that a table is booked, to a buyer whose party somebody else hosts, or whose night is over."""
    headline = _("Table %(code)s is booked") % {"code": reservation.table.code}
    if not reservation.is_live:
        return Telling(headline, _("This night is over."))
    return Telling(headline, _("%(name)s is its host and gives out the passes.") % {"name": reservation.host_name})
