"""Buying tickets: priced by us, held at once, or kindly refused."""

from collections.abc import Callable, Mapping
from datetime import datetime

from django.db import transaction

from payments import expiry, orders
from payments.models import Order, rows
from payments.orders import Buyer, Line
from tickets import holds, promos
from tickets.exceptions import CodeUsedUp, NothingChosen, NotOnSale, SoldOut, TooMany, UnknownType
from tickets.models import Event, OrderTerms, PromoCode, TicketType


def buy_tickets(
    event: Event,
    *,
    quantities: Mapping[str, int],
    buyer: Buyer,
    now: datetime,
    code: str = "",
    remember: Callable[[Order], None] | None = None,
) -> Order:
    """Hold places for a guest and open their order; quantities by the types' slugs.

    Where the shelf, or the code, looks empty, overdue holds of those very types are ended first and
    it is tried once more: a dead hold never turns a living guest away. `remember` is a step in the same
    transaction: what it keeps is there exactly if the order is.

    Raises SoldOut, NotOnSale, TooMany, NothingChosen, UnknownType, and what a code is refused with;
    then nothing was kept.
    """
    chosen = choose(event, quantities)
    try:
        return place_order(event, chosen=chosen, buyer=buyer, now=now, code=code, remember=remember)
    except (SoldOut, CodeUsedUp):
        dead = {*holds.overdue_orders((type_.pk for type_ in chosen), now=now), *promos.overdue_orders(code, now=now)}
        if not expiry.expire_these(sorted(dead), now=now):
            raise
    # The provider may have taken its time over those: the night is read again, as it is now.
    event = Event.objects.get(pk=event.pk)
    chosen = choose(event, quantities)
    return place_order(event, chosen=chosen, buyer=buyer, now=now, code=code, remember=remember)


def choose(event: Event, quantities: Mapping[str, int]) -> dict[TicketType, int]:
    """Return what a guest chose, by type. Raises NothingChosen, UnknownType, TooMany."""
    wanted = {slug: quantity for slug, quantity in quantities.items() if quantity != 0}
    if not wanted or any(quantity < 0 for quantity in wanted.values()):
        raise NothingChosen
    found = rows.find(TicketType, "event_id = %s AND slug = ANY(%s)", event.pk, [*wanted])
    types = {type_.slug: type_ for type_ in found}
    if types.keys() != wanted.keys():
        raise UnknownType
    if any(wanted[slug] > type_.max_per_order for slug, type_ in types.items()):
        raise TooMany
    return {type_: wanted[slug] for slug, type_ in types.items()}


@transaction.atomic(durable=True)
def place_order(
    event: Event,
    *,
    chosen: Mapping[TicketType, int],
    buyer: Buyer,
    now: datetime,
    code: str = "",
    remember: Callable[[Order], None] | None = None,
) -> Order:
    """Write the order and take its places and its code, all or nothing.

    The places, for which everybody waits, are taken last. Raises SoldOut, NotOnSale, and what a code is refused with.
    """
    if not event.is_on_sale(now) or not all(type_.is_offered(now) for type_ in chosen):
        raise NotOnSale
    promo = promos.find(event, code, now=now) if code else None
    lines = [line_for(type_, quantity, promo) for type_, quantity in chosen.items()]
    order = orders.new_order(
        kind=Order.Kind.GA_TICKET,
        event_id=event.pk,
        lines=lines,
        buyer=buyer,
        currency=event.currency,
        now=now,
    )
    places = {type_.pk: quantity for type_, quantity in chosen.items()}
    rows.write(rows.inserted(order), *map(rows.inserted, holds.of(order, places)))
    OrderTerms.objects.keep_for(order)
    if remember:
        remember(order)
    holds.take_places(places)
    if promo:
        promos.take(order, promo, discount_cents=sum(line.quantity * line.unit_discount_cents for line in lines))
    return order


def line_for(type_: TicketType, quantity: int, promo: PromoCode | None = None) -> Line:
    """Return the order's line for so many of a type, at the price it is shown for."""
    price = promos.price(type_, promo)
    return Line(
        item=str(type_.pk),
        name=type_.name,
        quantity=quantity,
        unit_price_cents=price.price_cents,
        unit_fee_cents=price.fee_cents,
        unit_discount_cents=price.discount_cents,
    )
