"""A held table becomes a confirmed one, with a pass for every seat: the product that vip registers with payments."""

from datetime import datetime

from payments import mail
from payments.exceptions import FulfilmentFailed
from payments.models import Order, Payment, rows
from payments.products import Goods, Product
from vip import owners_notices, reservations
from vip.models import GuestPass, VipReservation
from vip.models.guest_pass import HOST_SEAT

CONFIRMATION = "table_confirmed"


def fulfil(order: Order, payment: Payment | None, now: datetime) -> Goods:
    """Say how a paid order's table is confirmed, with one pass per seat, and which mail host and owners are owed."""
    reservation = reservations.of(order)
    if reservation.status != VipReservation.Status.HELD:
        raise FulfilmentFailed(f"the order has no table held: {reservation.status}")
    as_read = {"status": reservation.status}
    changes = [*note_payment(reservation, payment), *reservation.step_to(VipReservation.Status.CONFIRMED, now=now)]
    confirmed = rows.updated(reservation, *changes, still=as_read)
    cause = f"{CONFIRMATION}:{order.pk}"
    to_host = mail.new_email(CONFIRMATION, order=order, cause=cause, recipient=reservation.host_email, now=now)
    return Goods(
        [confirmed, *(rows.inserted(one) for one in passes_for(reservation, now=now))],
        [to_host, *owners_notices.letters(order, now=now)],
    )


def passes_for(reservation: VipReservation, *, now: datetime) -> list[GuestPass]:
    """Write one pass per seat, the host's first."""
    is_whole = len(reservation.guests) == reservation.party_size  # every seat was named, the first included
    given = reservation.guests if is_whole else [reservation.host_name, *reservation.guests]
    names = dict(enumerate(given, start=HOST_SEAT))
    return [
        GuestPass(
            reservation=reservation,
            number=number,
            name=names.get(number, ""),
            email=reservation.host_email if number == HOST_SEAT else "",
            created_at=now,
        )
        for number in range(1, reservation.party_size + 1)
    ]


def note_payment(reservation: VipReservation, payment: Payment | None) -> list[str]:
    """Note by which payment a table is paid, and the event that told of it, if one has; return what is to be saved."""
    if payment is None:
        reservation.payment_provider = reservation.payment_provider or VipReservation.Provider.NONE
        return ["payment_provider"]
    reservation.payment_provider = payment.provider
    reservation.external_payment_id = payment.external_payment_id
    if payment.provider == Payment.Provider.STRIPE:
        reservation.stripe_payment_intent_id = payment.external_payment_id
    reservation.webhook_event = payment.told_by
    return ["payment_provider", "external_payment_id", "stripe_payment_intent_id", "webhook_event"]


PRODUCT = Product(
    kind=Order.Kind.VIP_RESERVATION,
    fulfil=fulfil,
    release=reservations.release,
    regain=reservations.regain,
    extend=reservations.extend,
    page="vip:order",
)
