"""Buying tickets: priced by us, held at once, or kindly refused."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction

from payments import expiry, orders
from payments.models import Order, rows
from payments.models.rows import Write
from payments.orders import Beside, Buyer, Line
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
    types: Iterable[TicketType] | None = None,
    beside: Beside = orders.nothing,
) -> Order:
    """Hold places for a guest and open their order; quantities by the types' slugs.

    Where the shelf, or the code, looks empty, overdue holds of those very types are ended first and
    it is tried once more: a dead hold never turns a living guest away. `types` are the night's, where they
    have been read just now. What `beside` returns is written in the same commit: it is there exactly if the order is.

    Raises SoldOut, NotOnSale, TooMany, NothingChosen, UnknownType, and what a code is refused with;
    then nothing was kept.
    """
    chosen = choose(quantities, types_of(event, quantities) if types is None else types)
    try:
        return place_order(event, chosen=chosen, buyer=buyer, now=now, code=code, beside=beside)
    except (SoldOut, CodeUsedUp):
        dead = {*holds.overdue_orders((type_.pk for type_ in chosen), now=now), *promos.overdue_orders(code, now=now)}
        if not expiry.expire_these(sorted(dead), now=now):
            raise
    # The provider may have taken its time over those: the night is read again, as it is now.
    event = Event.objects.get(pk=event.pk)
    chosen = choose(quantities, types_of(event, quantities))
    return place_order(event, chosen=chosen, buyer=buyer, now=now, code=code, beside=beside)


def types_of(event: Event, slugs: Iterable[str]) -> list[TicketType]:
    """Return a night's types of these slugs."""
    return rows.find(TicketType, "event_id = %s AND slug = ANY(%s)", event.pk, [*slugs])


def choose(quantities: Mapping[str, int], found: Iterable[TicketType]) -> dict[TicketType, int]:
    """Return what a guest chose, by type. Raises NothingChosen, UnknownType, TooMany."""
    wanted = {slug: quantity for slug, quantity in quantities.items() if quantity != 0}
    if not wanted or any(quantity < 0 for quantity in wanted.values()):
        raise NothingChosen
    types = {type_.slug: type_ for type_ in found if type_.slug in wanted}
    if types.keys() != wanted.keys():
        raise UnknownType
    if any(wanted[slug] > type_.max_per_order for slug, type_ in types.items()):
        raise TooMany
    return {type_: wanted[slug] for slug, type_ in types.items()}


def place_order(
    event: Event, *, chosen: Mapping[TicketType, int], buyer: Buyer, now: datetime, code: str, beside: Beside
) -> Order:
    """Write the order, take its places and its code, all or nothing; without a code it is one statement.

    The places, for which everybody waits, are taken last. What was read as sold out is not written first.

    Raises SoldOut, NotOnSale, and what a code is refused with.
    """
    if not event.is_on_sale(now) or not all(type_.is_offered(now) for type_ in chosen):
        raise NotOnSale
    promo = promos.find(event, code, now=now) if code else None
    if any(type_.left < quantity for type_, quantity in chosen.items()):
        raise SoldOut
    lines = [line_for(type_, quantity, promo) for type_, quantity in chosen.items()]
    order = orders.new_order(
        kind=Order.Kind.GA_TICKET,
        event_id=event.pk,
        lines=lines,
        buyer=buyer,
        currency=event.currency,
        now=now,
    )
    quantities = {type_.pk: quantity for type_, quantity in chosen.items()}
    writes = [
        rows.inserted(order),
        *holds.of(order, quantities),
        OrderTerms.objects.terms_for(order),
        *beside(order),
        *holds.places(quantities),
    ]
    with holds.or_sold_out():
        if promo:
            discount_cents = sum(line.quantity * line.unit_discount_cents for line in lines)
            write_with_code(order, writes, promo, discount_cents=discount_cents)
        else:
            rows.commit(*writes)
    return order


@transaction.atomic(durable=True)
def write_with_code(order: Order, writes: Iterable[Write], promo: PromoCode, *, discount_cents: int) -> None:
    """Write an order and take its code in one commit. Raises what a code is refused with."""
    rows.write(*writes)
    promos.take(order, promo, discount_cents=discount_cents)


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
