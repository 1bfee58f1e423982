"""Booking a table: priced by us, taken at once, or kindly refused before any money moves."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from payments import charges, expiry, orders, presses
from payments.models import Order, Payment, rows
from payments.orders import Beside, Buyer, Line
from tickets.exceptions import NotOnSale
from tickets.models import Event, OrderTerms
from vip import bill, reservations
from vip.bill import Terms
from vip.exceptions import PartyDoesNotFit, TableBlocked, TableTaken, TooManyNames, UnknownTable
from vip.models import Table, VipReservation, WaitingParty

TERMS_VERSION = "2026-11"
WORDS = {
    "package": "package",
    "deposit": "deposit",
    "full_prepay": "paid in full",
    "complimentary": "complimentary",
}


@dataclass(frozen=True, slots=True)
class Party:
    """Who comes, and what they wish for."""

    size: int
    guests: tuple[str, ...] = ()
    arrives_at: datetime | None = None
    occasion: str = ""
    celebrated: str = ""
    bottle_wishes: str = ""
    requests: str = ""
    accepts_terms: bool = False


def book_table(
    event: Event,
    *,
    code: str,
    party: Party,
    buyer: Buyer,
    now: datetime,
    beside: Beside = orders.nothing,
) -> Order:
    """Hold a table for a party and open its order.

    A dead hold on that very table is ended first, in the same transaction; where a provider must
    be asked before it may end, that is done between two tries. What `beside` returns is written in the same
    transaction: it is there exactly if the order is.

    Raises TableTaken, TableBlocked, NotOnSale, PartyDoesNotFit, TooManyNames, UnknownTable; then
    nothing was kept.
    """
    table = find(event, code)
    try:
        return place_order(table.pk, party=party, buyer=buyer, now=now, beside=beside)
    except TableTaken:
        dead = overdue(table.pk, now=now)
        if dead is None or not expiry.expire_order(dead, now=now):
            raise
    return place_order(table.pk, party=party, buyer=buyer, now=now, beside=beside)


def book_once(event: Event, *, press: str, code: str, party: Party, buyer: Buyer, now: datetime) -> Order:
    """Hold a table for a party, or find the order that this very form has made already.

    Raises what book_table raises.
    """
    choice = {"table": code, **asdict(party), **asdict(buyer)}

    def place(beside: Beside) -> Order:
        return book_table(event, code=code, party=party, buyer=buyer, now=now, beside=beside)

    wish = f"{press}:{event.slug}:{presses.digest_of(choice)}"
    return presses.place_once(wish, json.loads(json.dumps(choice, default=str)), place, path=event.slug, now=now)


def find(event: Event, code: str) -> Table:
    """Return a night's table by its code. Raises UnknownTable."""
    found = Table.objects.filter(event=event, code=code).first()
    if found is None:
        raise UnknownTable
    return found


@transaction.atomic(durable=True)
def place_order(table_id: UUID, *, party: Party, buyer: Buyer, now: datetime, beside: Beside) -> Order:
    """Write the order and take the table, or nothing. Raises what book_table does."""
    table = lock_table(table_id, now=now)
    if not table.event.is_on_sale(now):
        raise NotOnSale
    if WaitingParty.objects.for_table(table.event_id, table.capacity_min, table.capacity_max).exists():
        raise TableTaken  # it has come back, and is theirs first who wait for it
    terms = terms_of(table)
    reservation = hold(table, terms=terms, party=party, buyer=buyer, now=now)
    if not reservation.order.total_cents:
        charges.mark_paid(reservation.order, now=now)  # nothing to pay: it is theirs at once
    if writes := [*beside(reservation.order)]:
        rows.write(*writes)
    return reservation.order


@transaction.atomic(savepoint=False)
def hold(table: Table, *, terms: Terms, party: Party, buyer: Buyer, now: datetime) -> VipReservation:
    """Take a locked table for a party, on these terms.

    Raises TableTaken, TableBlocked, NotOnSale, PartyDoesNotFit, TooManyNames.
    """
    check(table, party)
    order = orders.open_order(
        kind=Order.Kind.VIP_RESERVATION,
        event_id=table.event_id,
        lines=[line_for(table, terms)],
        buyer=buyer,
        currency=table.event.currency,
        now=now,
    )
    reservation = draft(order, table, terms=terms, party=party, now=now)
    if not reservations.take(reservation):
        raise TableTaken
    rows.write(OrderTerms.objects.terms_for(order))
    return reservation


def check(table: Table, party: Party) -> None:
    """Raise what the database would: it has the last word, this one says it kindly."""
    if table.blocked:
        raise TableBlocked
    if table.event.status != Event.Status.PUBLISHED:
        raise NotOnSale
    if not table.capacity_min <= party.size <= table.capacity_max:
        raise PartyDoesNotFit
    if len(party.guests) > party.size:
        raise TooManyNames


def draft(order: Order, table: Table, *, terms: Terms, party: Party, now: datetime) -> VipReservation:
    """Write a reservation that is not taken yet."""
    account = bill.work_out(terms)
    return VipReservation(
        order=order,
        table=table,
        event_id=table.event_id,
        party_size=party.size,
        host_name=order.name,
        host_email=order.email,
        guests=list(party.guests),
        arrives_at=party.arrives_at,
        occasion=party.occasion,
        celebrated=party.celebrated,
        bottle_wishes=party.bottle_wishes,
        requests=party.requests,
        terms_version=TERMS_VERSION if party.accepts_terms else "",
        terms_accepted_at=now if party.accepts_terms else None,
        terms={**asdict(terms), "bottles": table.bottles},
        deposit_cents=account.prepaid_cents,
        balance_cents=account.due_cents,
        expires_at=order.expires_at,
        created_at=now,
    )


def terms_of(table: Table) -> Terms:
    """Return how a table is sold."""
    return Terms(
        mode=table.mode,
        price_cents=table.price_cents,
        minimum_spend_cents=table.minimum_spend_cents,
        deposit_cents=table.deposit_cents,
        service_bps=table.service_bps,
        tax_bps=table.tax_bps,
        gratuity_bps=table.gratuity_bps,
    )


def line_for(table: Table, terms: Terms) -> Line:
    """Return the order's line: what is paid before the night."""
    prepaid = bill.prepaid_of(terms)
    return Line(
        item=str(table.pk),
        name=f"Table {table.code} ({WORDS[terms.mode]})",
        quantity=1,
        unit_price_cents=prepaid.price_cents,
        unit_fee_cents=prepaid.charges.total_cents,
    )


@transaction.atomic(savepoint=False)
def lock_table(table_id: UUID, *, now: datetime) -> Table:
    """End a dead hold on a table, then lock the table and its night: orders are locked before tables."""
    end_overdue(table_id, now=now)
    return Table.objects.select_related("event").select_for_update(no_key=True).get(pk=table_id)


def end_overdue(table_id: UUID, *, now: datetime) -> None:
    """End a dead hold on a table here and now, where no provider must be asked first."""
    order_id = overdue(table_id, now=now)
    if order_id is None:
        return
    order = orders.lock(order_id)
    if order.is_overdue(now) and not order.payments.filter(status__in=Payment.LIVE).exists():
        orders.close(order, Order.Status.EXPIRED, now=now)


def overdue(table_id: UUID, *, now: datetime) -> UUID | None:
    """Return the order whose dead hold keeps a table."""
    dead = VipReservation.objects.filter(
        table=table_id, status=VipReservation.Status.HELD, expires_at__lte=now, order__status=Order.Status.PENDING
    )
    return dead.values_list("order_id", flat=True).first()
