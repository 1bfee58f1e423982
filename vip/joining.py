"""Two tables side by side become one for a party that one alone is too small for."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from vip import booking, changes, passes, reservations
from vip.exceptions import NotNeighbours, PartyDoesNotFit, TableBlocked, TableTaken
from vip.models import Table, TableChange, VipReservation

NEAR = 140  # on the plan; farther apart than this, somebody else sits between


@transaction.atomic(durable=True)
def join(reservation_id: UUID, code: str, *, by_id: int | None, now: datetime) -> Table:
    """Give a party the free table beside its own too; nobody else can have it until the party goes or parts.

    The price stays as it was. Raises NotConfirmed, UnknownTable, TableTaken, TableBlocked, NotNeighbours.
    """
    reservation = passes.lock_sold(reservation_id)
    table = booking.lock_table(booking.find(reservation.event, code).pk, now=now)
    if table.joined_to_id or table.reservations.live().exists():
        raise TableTaken
    if table.blocked:
        raise TableBlocked
    if not any(are_neighbours(table, other) for other in reservations.tables_of(reservation)):
        raise NotNeighbours
    table.joined_to, table.blocked, table.blocked_reason = reservation, True, f"Joined to {reservation.table.code}"
    table.save(update_fields=["joined_to", "blocked", "blocked_reason"])
    changes.note(TableChange.Kind.JOINED, reservation, note=f"+ {table.code}", by_id=by_id, now=now)
    return table


@transaction.atomic(durable=True)
def part(reservation_id: UUID, *, by_id: int | None, now: datetime) -> int:
    """Put the tables joined to a party's own back on sale; return how many.

    Raises NotConfirmed, PartyDoesNotFit.
    """
    reservation = passes.lock_sold(reservation_id)
    if reservation.party_size > reservation.table.capacity_max:
        raise PartyDoesNotFit
    parted = reservations.part_tables(reservation)
    if parted:
        changes.note(TableChange.Kind.PARTED, reservation, by_id=by_id, now=now)
    return parted


def are_neighbours(one: Table, other: Table) -> bool:
    """Say whether two tables stand side by side."""
    return (one.x - other.x) ** 2 + (one.y - other.y) ** 2 <= NEAR**2


def names_of(reservation: VipReservation) -> str:
    """Name every table a party has, its own first: F1 + F2."""
    return " + ".join(table.code for table in reservations.tables_of(reservation))
