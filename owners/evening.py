"""Tonight at the club, or the next night there is: what is sold, which tables are taken, who is in."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID

from django.db.models import Count
from django.utils import timezone

from owners.takings import Mine
from tickets.models import Event, Ticket, TicketType
from vip import floor
from vip.floor import Place, State
from vip.models import GuestPass, Table

DOORS = time(18)
DAWN = time(5)
DAY = timedelta(days=1)
MOST_NIGHTS = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of ticket: how many of its places are sold and held, in hundredths for the bar."""

    type: TicketType

    @property
    def free(self) -> int:
        """Return how many places are left."""
        return self.type.capacity - self.type.sold - self.type.held

    @property
    def sold_percent(self) -> float:
        """Return the sold part of the bar."""
        return 100 * self.type.sold / max(self.type.capacity, 1)

    @property
    def held_percent(self) -> float:
        """Return the held part of the bar."""
        return 100 * self.type.held / max(self.type.capacity, 1)


@dataclass(frozen=True, slots=True)
class Night:
    """One night as it stands."""

    event: Event
    lines: list[Line]
    places: list[Place]
    inside: int
    expected: int

    @property
    def tables(self) -> Counter[str]:
        """Count the tables by how they stand."""
        return Counter(str(place.state) for place in self.places)

    @property
    def to_sell(self) -> int:
        """Return how many tables there are to sell."""
        return len(self.places) - self.tables[State.BLOCKED]

    @property
    def sold(self) -> int:
        """Return how many tickets are sold."""
        return sum(line.type.sold for line in self.lines)

    @property
    def capacity(self) -> int:
        """Return how many tickets there are."""
        return sum(line.type.capacity for line in self.lines)


def hours(now: datetime) -> tuple[datetime, datetime]:
    """Return when tonight begins and ends at the venue; until dawn it is still last evening's night."""
    here = timezone.localtime(now)
    day = here.date() - DAY if here.time() < DAWN else here.date()
    zone = here.tzinfo
    return datetime.combine(day, DOORS, zone), datetime.combine(day + DAY, DAWN, zone)


def nights(mine: Mine, *, now: datetime) -> tuple[bool, list[Night]]:
    """Return tonight's nights as they stand; where there is none, say so and return the next one."""
    doors, dawn = hours(now)
    coming = Event.objects.visible().filter(mine("pk"), starts_at__gte=doors).exclude(status=Event.Status.CANCELLED)
    found = list(coming.order_by("starts_at").prefetch_related("ticket_types")[:MOST_NIGHTS])
    tonight = [event for event in found if event.starts_at < dawn]
    return bool(tonight), as_they_stand(tonight or found[:1], now=now)


def as_they_stand(events: list[Event], *, now: datetime) -> list[Night]:
    """Read the tables and the door of nights, each at one go."""
    keys = [event.pk for event in events]
    places: dict[UUID, list[Place]] = {}
    for table in floor.with_state(Table.objects.filter(event__in=keys), now=now).order_by("y", "x", "code"):
        places.setdefault(table.event_id, []).append(Place(table, State(getattr(table, "state"))))  # noqa: B009
    counts = at_the_door(keys)
    return [night_of(event, places.get(event.pk, []), counts) for event in events]


def night_of(event: Event, places: list[Place], counts: Counter[tuple[UUID, str]]) -> Night:
    """Put one night together."""
    types = sorted(event.ticket_types.all(), key=lambda type_: (type_.position, type_.name))
    inside = counts[event.pk, "admitted"]
    return Night(event, [Line(type_) for type_ in types], places, inside, inside + counts[event.pk, "valid"])


def at_the_door(keys: Collection[UUID]) -> Counter[tuple[UUID, str]]:
    """Count tickets and guest passes of nights by whether they have let somebody in."""
    tickets = Ticket.objects.filter(event__in=keys).order_by().values_list("event", "status")
    passes = GuestPass.objects.filter(reservation__event__in=keys).order_by()
    admitting = passes.values_list("reservation__event", "status").annotate(count=Count("pk"))
    counts: Counter[tuple[UUID, str]] = Counter()
    for event, status, count in tickets.annotate(count=Count("pk")).union(admitting, all=True):
        counts[event, status] += count
    return counts
