"""What owners do to tables by hand; each is written down with who, when and why."""

from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from uuid import UUID

from django.db import transaction

from payments import charges, mail, orders
from payments.models import Order, Refund
from payments.money import format_cents
from payments.orders import Buyer
from tickets.exceptions import ReasonNeeded
from vip import bill, booking, cancelling, changes, passes, policy, reservations
from vip.bill import Terms
from vip.booking import Party
from vip.exceptions import NotConfirmed, PartyDoesNotFit, SameTable, TableBlocked, TableTaken
from vip.models import Table, TableChange, VipReservation

Kind = TableChange.Kind
MOVED_LETTER = "table_moved"
COMPLIMENTARY = "complimentary"


@dataclass(frozen=True, slots=True)
class Moved:
    """A party that changed its table.

    `difference_cents` is what the new one costs more, all in: nobody is charged it. Where it costs less,
    `back_cents` of it go back.
    """

    reservation: VipReservation
    was: Table
    difference_cents: int
    back_cents: int


@transaction.atomic(durable=True)
def move(reservation_id: UUID, code: str, *, by_id: int | None, now: datetime) -> Moved:
    """Move a party to another free table of its night; its passes stay valid, and what it costs less goes back.

    Raises NotConfirmed, UnknownTable, SameTable, TableTaken, TableBlocked, PartyDoesNotFit.
    """
    reservation = passes.lock_sold(reservation_id)
    was = reservation.table
    table = booking.lock_table(booking.find(reservation.event, code).pk, now=now)
    if table.pk == was.pk:
        raise SameTable
    if table.reservations.live().exists():
        raise TableTaken
    check_fit(reservation, table)
    seat_at(reservation, table)
    return moved(reservation, was, kind=Kind.MOVED, by_id=by_id, now=now)


@transaction.atomic(durable=True)
def swap(first_id: UUID, second_id: UUID, *, by_id: int | None, now: datetime) -> tuple[Moved, Moved]:
    """Let two parties of one night change tables; the passes of both stay valid.

    One is parked between the two, which no transaction may commit.

    Raises NotConfirmed, SameTable, TableBlocked, PartyDoesNotFit.
    """
    if first_id == second_id:
        raise SameTable
    first, second = lock_both(first_id, second_id)
    if first.event_id != second.event_id:
        raise NotConfirmed
    here, there = first.table, second.table
    check_fit(first, there)
    check_fit(second, here)
    reservations.part_tables(first)
    first.parked = True
    first.save(update_fields=["parked"])
    seat_at(second, here)
    seat_at(first, there)
    return (
        moved(first, here, kind=Kind.SWAPPED, by_id=by_id, now=now),
        moved(second, there, kind=Kind.SWAPPED, by_id=by_id, now=now),
    )


def lock_both(first_id: UUID, second_id: UUID) -> tuple[VipReservation, VipReservation]:
    """Lock two parties' orders in one order, whichever was named first."""
    order_ids = VipReservation.objects.filter(pk__in=(first_id, second_id)).values_list("order_id", flat=True)
    for order_id in sorted(order_ids):
        orders.lock(order_id)
    return passes.lock_sold(first_id), passes.lock_sold(second_id)


def check_fit(reservation: VipReservation, table: Table) -> None:
    """Raise TableBlocked or PartyDoesNotFit; an owner may seat a small party at a large table."""
    if table.blocked:
        raise TableBlocked
    if reservation.party_size > table.capacity_max:
        raise PartyDoesNotFit


def seat_at(reservation: VipReservation, table: Table) -> None:
    """Write down where a party is now; what was joined to its old table is free again."""
    reservations.part_tables(reservation)
    reservation.table, reservation.parked = table, False
    reservation.save(update_fields=["table", "parked"])


def difference(reservation: VipReservation) -> int:
    """Return how much more a party's new table costs before the night than it was sold for, all in.

    What it was sold for is its snapshot, not what its old table costs today; a cheaper table's terms
    took its place, so that nothing goes back twice.
    """
    sold = Terms(**{each.name: reservation.terms[each.name] for each in fields(Terms)})
    return bill.prepaid_of(booking.terms_of(reservation.table)).total_cents - bill.prepaid_of(sold).total_cents


def moved(reservation: VipReservation, was: Table, *, kind: Kind, by_id: int | None, now: datetime) -> Moved:
    """Write down a move, send back what the new table costs less, and owe the host a word of it."""
    dearer = difference(reservation)
    back = min(max(-dearer, 0), policy.left_of(reservation.order))
    order = reservation.order
    note = f"{was.code} → {reservation.table.code}: {format_cents(dearer, order.currency)}"
    change = changes.note(kind, reservation, note=note, by_id=by_id, now=now)
    if back:
        take_terms(reservation)
        cancelling.owe(order, back, reason=Refund.Reason.OWNER, cause=f"moved:{change.pk}", now=now)
    mail.owe(
        MOVED_LETTER,
        order=order,
        cause=f"{MOVED_LETTER}:{change.pk}",
        recipient=reservation.host_email,
        context={"old": was.code, "back": format_cents(back, order.currency, order.language) if back else ""},
        now=now,
    )
    return Moved(reservation, was, dearer, back)


def take_terms(reservation: VipReservation) -> None:
    """Let the cheaper table's own terms count from here; when money comes back stays as it was bought."""
    terms = booking.terms_of(reservation.table)
    account = bill.work_out(terms)
    kept = {**asdict(terms), "bottles": reservation.table.bottles}
    reservation.terms = {**reservation.terms, **kept}
    reservation.deposit_cents, reservation.balance_cents = account.prepaid_cents, account.due_cents
    reservation.save(update_fields=["terms", "deposit_cents", "balance_cents"])


@transaction.atomic(durable=True)
def block(table_id: UUID, *, reason: str, by_id: int | None, now: datetime) -> bool:
    """Take a table off sale until it is unblocked; False where it is already.

    A hold under way keeps its promise; a table that is sold must be moved or cancelled first.

    Raises ReasonNeeded, TableTaken.
    """
    if not reason.strip():
        raise ReasonNeeded
    table = Table.objects.select_for_update(no_key=True).get(pk=table_id)
    if table.blocked:
        return False
    if table.reservations.live().exclude(status=VipReservation.Status.HELD).exists():
        raise TableTaken
    table.blocked, table.blocked_reason = True, reason.strip()
    table.save(update_fields=["blocked", "blocked_reason"])
    changes.note_table(Kind.BLOCKED, table, note=reason.strip(), by_id=by_id, now=now)
    return True


@transaction.atomic(durable=True)
def unblock(table_id: UUID, *, reason: str, by_id: int | None, now: datetime) -> bool:
    """Put a table back on sale; False where it is already. Raises ReasonNeeded, TableTaken where a party has it."""
    if not reason.strip():
        raise ReasonNeeded
    table = Table.objects.select_for_update(no_key=True).get(pk=table_id)
    if not table.blocked:
        return False
    if table.joined_to_id:
        raise TableTaken
    table.blocked, table.blocked_reason = False, ""
    table.save(update_fields=["blocked", "blocked_reason"])
    changes.note_table(Kind.UNBLOCKED, table, note=reason.strip(), by_id=by_id, now=now)
    return True


@transaction.atomic(durable=True)
def sell_to_walk_in(
    table_id: UUID, *, party: Party, buyer: Buyer, paid_by: VipReservation.Provider, by_id: int | None, now: datetime
) -> Order:
    """Sell a table to people who stand at the door and pay there, in cash or by card; no provider is called.

    Raises TableTaken, TableBlocked, NotOnSale, PartyDoesNotFit, TooManyNames.
    """
    table = booking.lock_table(table_id, now=now)
    terms = booking.terms_of(table)
    return hand_over(table, terms, party, buyer, paid_by=paid_by, kind=Kind.WALK_IN, by_id=by_id, now=now)


@transaction.atomic(durable=True)
def give_away(table_id: UUID, *, party: Party, buyer: Buyer, reason: str, by_id: int | None, now: datetime) -> Order:
    """Give a table to a party for nothing; no provider is called.

    Raises ReasonNeeded, TableTaken, TableBlocked, NotOnSale, PartyDoesNotFit, TooManyNames.
    """
    if not reason.strip():
        raise ReasonNeeded
    table = booking.lock_table(table_id, now=now)
    terms = replace(booking.terms_of(table), mode=COMPLIMENTARY, minimum_spend_cents=0, deposit_cents=0)
    paid_by = VipReservation.Provider.NONE
    return hand_over(
        table, terms, party, buyer, paid_by=paid_by, kind=Kind.COMPLIMENTARY, by_id=by_id, now=now, note=reason.strip()
    )


def hand_over(
    table: Table,
    terms: Terms,
    party: Party,
    buyer: Buyer,
    *,
    paid_by: VipReservation.Provider,
    kind: Kind,
    by_id: int | None,
    now: datetime,
    note: str = "",
) -> Order:
    """Take a locked table for a party that owes no provider anything, and owe it its passes."""
    reservation = booking.hold(table, terms=terms, party=party, buyer=buyer, now=now)
    VipReservation.objects.filter(pk=reservation.pk).update(payment_provider=paid_by)
    charges.mark_paid(reservation.order, now=now)
    changes.note(kind, reservation, note=note or str(paid_by.label), by_id=by_id, now=now)
    return reservation.order


@transaction.atomic(durable=True)
def seat(reservation_id: UUID, *, by_id: int | None, now: datetime) -> bool:
    """Write down that a party that is in has been led to its table; False where it is known.

    Raises IllegalMove where nobody of them has come yet.
    """
    reservation = passes.lock_sold(reservation_id)
    if not reservation.move_to(VipReservation.Status.SEATED, now=now):
        return False
    changes.note(Kind.SEATED, reservation, by_id=by_id, now=now)
    return True
