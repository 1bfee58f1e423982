"""Codes: looked up, priced with, and taken like places, by guarded statements; the database counts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from payments.models import Order
from payments.models.rows import Write
from tickets.exceptions import CodeNotForThese, CodeUsedByGuest, CodeUsedUp, UnknownCode
from tickets.models import Event, PromoCode, PromoUse, TicketType

LONGEST = 40
# Providers charge no less than half a dollar, and a ticket with a code is still sold, not given away.
LEAST_CENTS = 100
COUNTED = (PromoUse.Status.HELD, PromoUse.Status.USED)
USE = "UPDATE promo_uses SET status = 'used' WHERE order_id = %s AND status = 'held'"
COUNT_USED = """
UPDATE promo_codes SET held = promo_codes.held - 1, used = promo_codes.used + 1 FROM promo_uses
WHERE promo_uses.promo_id = promo_codes.id AND promo_uses.order_id = %s AND promo_uses.status = 'held'
"""


@dataclass(frozen=True, slots=True)
class Price:
    """What one ticket costs: its price and its fee, and what a code has taken off both."""

    price_cents: int
    fee_cents: int
    discount_cents: int = 0

    @property
    def all_in_cents(self) -> int:
        """Return what a guest pays for it."""
        return self.price_cents + self.fee_cents

    @property
    def list_cents(self) -> int:
        """Return what it costs without a code."""
        return self.all_in_cents + self.discount_cents


def tidy(typed: str) -> str:
    """Return a code as it can be looked up, whatever was typed."""
    return "".join(filter(str.isprintable, typed)).strip().upper()[:LONGEST]


def find(event: Event, typed: str, *, now: datetime) -> PromoCode:
    """Return the code a guest typed, the night's own before the club's. Raises UnknownCode, CodeUsedUp."""
    known = PromoCode.objects.filter(Q(event=event) | Q(event=None), code=tidy(typed))
    promo = known.prefetch_related("types").order_by(F("event").asc(nulls_last=True)).first()
    if promo is None or not promo.is_open(now):
        raise UnknownCode
    if promo.capacity is not None and promo.used >= promo.capacity:
        raise CodeUsedUp
    return promo


def price(type_: TicketType, promo: PromoCode | None) -> Price:
    """Return what a ticket costs, with a code where one is for it: the only place where that is worked out."""
    if promo is None or not is_for(type_, promo):
        return Price(type_.price_cents, type_.fee_cents)
    discount = min(wished(type_, promo), max(type_.all_in_cents - LEAST_CENTS, 0))
    # As much of it off the fee as the fee is of the whole, the rest off the price.
    off_fee = discount * type_.fee_cents // max(type_.all_in_cents, 1)
    return Price(type_.price_cents - (discount - off_fee), type_.fee_cents - off_fee, discount)


def wished(type_: TicketType, promo: PromoCode) -> int:
    """Return what a code would take off a ticket, half a cent rounded up."""
    if promo.percent is None:
        return promo.amount_cents or 0
    return (type_.all_in_cents * promo.percent + 50) // 100


def is_for(type_: TicketType, promo: PromoCode) -> bool:
    """Say whether a code is for a kind of ticket."""
    chosen = {kind.pk for kind in promo.types.all()}
    return not chosen or type_.pk in chosen


@transaction.atomic(savepoint=False)
def take(order: Order, promo: PromoCode, *, discount_cents: int) -> None:
    """Take one use of a code for an order.

    The statement that counts it also locks the code's row, so a guest's own uses can be counted
    after it: nobody else takes one meanwhile. Raises CodeNotForThese, CodeUsedUp, CodeUsedByGuest.
    """
    if not discount_cents:
        raise CodeNotForThese
    count_held(promo)
    email = order.email.lower()
    earlier = PromoUse.objects.filter(promo=promo, email=email, status__in=COUNTED).count()
    if promo.per_guest is not None and earlier >= promo.per_guest:
        raise CodeUsedByGuest
    PromoUse.objects.create(order=order, promo=promo, email=email, discount_cents=discount_cents)


def count_held(promo: PromoCode) -> None:
    """Count one more order that holds a code, in one guarded statement. Raises CodeUsedUp."""
    room = PromoCode.objects.filter(Q(capacity=None) | Q(capacity__gt=F("held") + F("used")), pk=promo.pk)
    if not room.update(held=F("held") + 1):
        raise CodeUsedUp


def used(order: Order) -> list[Write]:
    """Return the statements that count an order's code as used: its tickets are made."""
    if not any(line.get("unit_discount_cents") for line in order.lines):  # nobody takes a code that takes nothing off
        return []
    return [Write(sql, (order.pk,), is_needed=False) for sql in (USE, COUNT_USED)]


def release(order: Order) -> None:
    """Give an order's use of a code back, held or used."""
    for status in COUNTED:
        put_back(order, status)


def regain(order: Order) -> bool:
    """Take an order's use again for money that came late; False where the code is used up."""
    released = PromoUse.objects.filter(order=order, status=PromoUse.Status.RELEASED).select_related("promo").first()
    if released is None:
        return True
    try:
        count_held(released.promo)
    except CodeUsedUp:
        return False
    PromoUse.objects.filter(pk=released.pk).update(status=PromoUse.Status.HELD)
    return True


def put_back(order: Order, status: PromoUse.Status) -> None:
    """Take an order's use out of a count, once."""
    promo_ids = list(PromoUse.objects.filter(order=order, status=status).values_list("promo_id", flat=True))
    if PromoUse.objects.filter(order=order, status=status).update(status=PromoUse.Status.RELEASED):
        PromoCode.objects.filter(pk__in=promo_ids).update(**{str(status): F(str(status)) - 1})


def overdue_orders(code: str, *, now: datetime) -> Iterable[UUID]:
    """Return the orders whose overdue holds keep uses of a code."""
    held = PromoUse.objects.filter(promo__code=tidy(code), status=PromoUse.Status.HELD)
    return held.filter(order__status=Order.Status.PENDING, order__expires_at__lte=now).values_list(
        "order_id", flat=True
    )
