"""A night is put on the programme, with what is sold for it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction

from tickets.exceptions import DatesOutOfOrder, SlugTaken
from tickets.models import Event, RefundPolicy, TicketType
from tickets.models.policy import TERMS

COPIED = (
    "title", "tagline", "description", "line_up", "artwork", "venue_name", "venue_address", "time_zone",
    "minimum_age", "currency",
)  # fmt: skip
SHIFTED = ("doors_at", "starts_at", "ends_at", "sales_start_at", "sales_end_at")


@dataclass(frozen=True, slots=True)
class NightPlan:
    """A night as it is to be; sales begin at once and end with the night where nothing is said."""

    slug: str
    title: str
    doors_at: datetime
    starts_at: datetime
    ends_at: datetime
    sales_start_at: datetime
    sales_end_at: datetime
    status: Event.Status = Event.Status.DRAFT
    tagline: str = ""
    description: str = ""
    line_up: str = ""
    minimum_age: int = 21


@dataclass(frozen=True, slots=True)
class TypePlan:
    """One kind of ticket as it is to be; cents."""

    slug: str
    name: str
    price_cents: int
    capacity: int
    fee_cents: int = 0
    description: str = ""
    max_per_order: int = 8


@transaction.atomic(durable=True)
def put_on(plan: NightPlan, types: Sequence[TypePlan], *, key: str) -> tuple[Event, bool]:
    """Make a night and its types, once per key for good; say whether this call made it.

    Raises DatesOutOfOrder, SlugTaken.
    """
    known = Event.objects.filter(idempotency_key=key).first()
    if known:
        return known, False
    check(plan)
    night = Event(**asdict(plan), idempotency_key=key)
    Event.objects.bulk_create([night], ignore_conflicts=True)
    if not Event.objects.filter(pk=night.pk).exists():
        # Another request was faster: with this very key, or with this address.
        return of_key(key), False
    TicketType.objects.bulk_create(
        TicketType(event=night, position=position, **asdict(type_)) for position, type_ in enumerate(types)
    )
    return night, True


def of_key(key: str) -> Event:
    """Return the night a key has made. Raises SlugTaken where another has its address."""
    known = Event.objects.filter(idempotency_key=key).first()
    if known is None:
        raise SlugTaken
    return known


def check(plan: NightPlan) -> None:
    """Raise DatesOutOfOrder unless doors, start and end, and the days of sale, follow one another."""
    if not plan.doors_at <= plan.starts_at < plan.ends_at or plan.sales_start_at >= plan.sales_end_at:
        raise DatesOutOfOrder


@transaction.atomic(durable=True)
def duplicate(source: Event, *, slug: str, doors_at: datetime) -> Event:
    """Put a night on again at another date, as a draft: its types, terms and words, nothing that was sold.

    Raises SlugTaken.
    """
    shift = doors_at - source.doors_at
    copy = Event(
        **{name: getattr(source, name) for name in COPIED},
        **{name: getattr(source, name) + shift for name in SHIFTED},
        slug=slug,
        status=Event.Status.DRAFT,
    )
    Event.objects.bulk_create([copy], ignore_conflicts=True)
    if not Event.objects.filter(pk=copy.pk).exists():
        raise SlugTaken
    for type_ in source.ticket_types.order_by("position", "slug"):
        type_.pk, type_.event, type_.held, type_.sold = TicketType().pk, copy, 0, 0
        type_.sales_start_at = type_.sales_start_at and type_.sales_start_at + shift
        type_.sales_end_at = type_.sales_end_at and type_.sales_end_at + shift
        type_.save(force_insert=True)
    policy = RefundPolicy.objects.filter(event=source).values(*TERMS).first()
    if policy:
        RefundPolicy.objects.create(event=copy, **policy)
    return copy
