"""The room as guests see it on a night: each table free, held, taken or blocked."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from django.db.models import Case, CharField, Exists, OuterRef, Q, QuerySet, Value, When
from django.utils.translation import gettext as _

from tickets.models import Event
from vip import bill, booking
from vip.models import Table, VipReservation, WaitingParty

Status = VipReservation.Status
LIKE_PRICE = 0.25  # how far another table's price may be off and still be "like price"
OFFERED = 3


class State(StrEnum):
    """What a guest may do about a table."""

    FREE = "free"
    HELD = "held"
    TAKEN = "taken"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Place:
    """One table of a night, as it stands."""

    table: Table
    state: State

    SIGNS: ClassVar[dict[State, str]] = {State.FREE: "○", State.HELD: "◔", State.TAKEN: "●", State.BLOCKED: "✕"}

    @property
    def is_free(self) -> bool:
        """Say whether it may be booked now."""
        return self.state is State.FREE

    def seats(self, party_size: int) -> bool:
        """Say whether a party fits it."""
        return self.table.capacity_min <= party_size <= self.table.capacity_max

    @property
    def sign(self) -> str:
        """Return the sign that tells the state without its colour."""
        return self.SIGNS[self.state]

    @property
    def word(self) -> str:
        """Return the word that tells the state."""
        words = {
            State.FREE: _("Free"),
            State.HELD: _("Held for somebody"),
            State.TAKEN: _("Taken"),
            State.BLOCKED: _("Not for sale"),
        }
        return words[self.state]

    @property
    def now_cents(self) -> int:
        """Return what is paid to have it, with everything in."""
        return bill.prepaid_of(booking.terms_of(self.table)).total_cents

    @property
    def width(self) -> int:
        """Return how wide it is drawn."""
        return {Table.Shape.BOOTH: 76, Table.Shape.RECTANGLE: 84, Table.Shape.ROUND: 68}[Table.Shape(self.table.shape)]

    @property
    def height(self) -> int:
        """Return how high it is drawn."""
        return {Table.Shape.BOOTH: 62, Table.Shape.RECTANGLE: 52, Table.Shape.ROUND: 68}[Table.Shape(self.table.shape)]

    @property
    def left(self) -> int:
        """Return where it begins, from the left."""
        return self.table.x - self.width // 2

    @property
    def top(self) -> int:
        """Return where it begins, from the top."""
        return self.table.y - self.height // 2


def with_state(tables: QuerySet[Table], *, now: datetime, for_the_line: bool = False) -> QuerySet[Table]:
    """Annotate tables with `state`; a hold whose time is up counts as free, what a party waits for as held for it."""
    live = VipReservation.objects.live().filter(table=OuterRef("pk"))
    sold = live.exclude(status=Status.HELD)
    held = live.filter(status=Status.HELD, expires_at__gt=now)
    paid = live.filter(status=Status.HELD).exclude(order__status="pending")
    line = WaitingParty.objects.for_table(OuterRef("event"), OuterRef("capacity_min"), OuterRef("capacity_max"))
    awaited = Value(False) if for_the_line else Exists(line)
    return tables.annotate(
        awaited=awaited,
        state=Case(
            When(Exists(sold) | Exists(paid) | Q(joined_to__isnull=False), then=Value(State.TAKEN.value)),
            When(Exists(held), then=Value(State.HELD.value)),
            When(blocked=True, then=Value(State.BLOCKED.value)),
            When(awaited=True, then=Value(State.HELD.value)),
            default=Value(State.FREE.value),
            output_field=CharField(),
        ),
    )


def of_night(event: Event, *, now: datetime) -> list[Place]:
    """Return every table of a night as it stands, in the order of the room."""
    tables = with_state(Table.objects.filter(event=event), now=now).order_by("y", "x", "code")
    return [Place(table, State(getattr(table, "state"))) for table in tables]  # noqa: B009 (annotated)


def like(place: Place, places: list[Place], *, party_size: int) -> list[Place]:
    """Return the nearest free tables that fit the party, those of like price first."""
    fitting = [
        other for other in places if other.is_free and other.table.pk != place.table.pk and other.seats(party_size)
    ]
    return sorted(fitting, key=lambda other: (not is_like_price(place, other), distance(place, other)))[:OFFERED]


def is_like_price(place: Place, other: Place) -> bool:
    """Say whether two tables cost about the same."""
    return abs(place.table.price_cents - other.table.price_cents) <= LIKE_PRICE * place.table.price_cents


def distance(place: Place, other: Place) -> int:
    """Return how far two tables are apart on the plan, squared."""
    return (place.table.x - other.table.x) ** 2 + (place.table.y - other.table.y) ** 2
