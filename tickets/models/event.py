"""The night and what is sold for it."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import F, Q

from payments.models import rows
from payments.states import Moves, Stateful, legal_moves_only

WITH_TYPES = """
FROM events LEFT JOIN ticket_types ON ticket_types.event_id = events.id AND ticket_types.slug = ANY(%s)
WHERE events.slug = %s AND events.status <> 'draft'
"""


class EventQuerySet(models.QuerySet["Event"]):
    """Find nights."""

    def visible(self) -> "EventQuerySet":
        """Return the nights guests may see."""
        return self.exclude(status=Event.Status.DRAFT)

    def visible_with_types(self, slug: str, types: Iterable[str]) -> "tuple[Event, list[TicketType]] | None":
        """Return a night guests may see, and its kinds of tickets of these slugs, by a statement that is planned once.

        None where there is no such night.
        """
        found = rows.find_together((Event, TicketType), WITH_TYPES, [*types], slug)
        return (found[0][0], [type_ for _, type_ in found if type_.pk]) if found else None

    def nights_to_come(self, now: datetime) -> "list[Event]":
        """Return the upcoming nights, soonest first, by a statement that is planned once."""
        return rows.find(Event, "status <> 'draft' AND ends_at > %s ORDER BY starts_at", now)

    def upcoming(self, now: datetime) -> "EventQuerySet":
        """Return visible nights that have not ended."""
        return self.visible().filter(ends_at__gt=now)


@legal_moves_only
class Event(Stateful):
    """One night at the club; it may run past midnight."""

    class Status(models.TextChoices):
        DRAFT = "draft"  # only owners see it
        PUBLISHED = "published"  # guests see it and buy within the sales window
        CLOSED = "closed"  # guests see it, nothing is sold any more
        CANCELLED = "cancelled"  # it will not happen

    MOVES: ClassVar[Moves] = {
        Status.DRAFT: frozenset({Status.PUBLISHED, Status.CANCELLED}),
        Status.PUBLISHED: frozenset({Status.DRAFT, Status.CLOSED, Status.CANCELLED}),
        Status.CLOSED: frozenset({Status.PUBLISHED, Status.CANCELLED}),
        Status.CANCELLED: frozenset(),
    }
    STAMPS: ClassVar[dict[str, str]] = {Status.CANCELLED: "cancelled_at"}

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=120)
    tagline = models.CharField(max_length=200, blank=True, default="")
    description = models.TextField(blank=True, default="")
    line_up = models.CharField(max_length=300, blank=True, default="")
    artwork = models.CharField(
        max_length=40, blank=True, default="", help_text="Name of the poster in static/img/posters."
    )
    venue_name = models.CharField(max_length=120, default="Maguey")
    venue_address = models.CharField(max_length=200, default="112 N Market Street, Wilmington, DE 19801")
    time_zone = models.CharField(max_length=60, default="America/New_York")
    minimum_age = models.PositiveSmallIntegerField(default=21)
    doors_at = models.DateTimeField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    sales_start_at = models.DateTimeField()
    sales_end_at = models.DateTimeField()
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.DRAFT)
    currency = models.CharField(max_length=3, default="usd")
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    postponed_at = models.DateTimeField(null=True, blank=True, help_text="When it was last put off.")
    refunds_until = models.DateTimeField(
        null=True, blank=True, help_text="Until when those who bought for the old date may have everything back."
    )

    objects = EventQuerySet.as_manager()

    class Meta:
        db_table = "events"
        constraints = [
            models.UniqueConstraint(fields=["idempotency_key"], name="unique_event_idempotency_key"),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")),
                name="tickets_event_ends_after_it_starts",
                violation_error_message="A night ends after it starts.",
            ),
            models.CheckConstraint(
                condition=Q(doors_at__lte=F("starts_at")),
                name="tickets_event_doors_open_before_it_starts",
                violation_error_message="Doors open before the night starts.",
            ),
            models.CheckConstraint(
                condition=Q(sales_end_at__gt=F("sales_start_at")),
                name="tickets_event_sales_end_after_they_start",
                violation_error_message="Sales end after they start.",
            ),
            models.CheckConstraint(
                condition=Q(status__in=("draft", "published", "closed", "cancelled")),
                name="tickets_event_known_status",
            ),
            models.CheckConstraint(
                condition=Q(postponed_at__isnull=True, refunds_until__isnull=True)
                | Q(postponed_at__isnull=False, refunds_until__isnull=False, refunds_until__gt=F("postponed_at")),
                name="tickets_event_postponed_with_a_refund_window",
            ),
        ]
        indexes = [models.Index(fields=["starts_at"], name="idx_events_starts")]

    def __str__(self) -> str:
        return self.title

    @property
    def zone(self) -> ZoneInfo:
        """Return the venue's time zone."""
        return ZoneInfo(self.time_zone)

    def is_on_sale(self, now: datetime) -> bool:
        """Say whether anything of this night may be bought now."""
        return self.status == self.Status.PUBLISHED and self.sales_start_at <= now < self.sales_end_at

    def all_back_until(self, *, bought_at: datetime, now: datetime) -> datetime | None:
        """Return until when who bought then may have everything back because the night has moved; None: not now."""
        if self.postponed_at is None or self.refunds_until is None:
            return None
        return self.refunds_until if bought_at < self.postponed_at and now < self.refunds_until else None


class TicketType(models.Model):
    """One kind of ticket for one night, with its places counted: held, sold, capacity."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="ticket_types")
    slug = models.SlugField(max_length=60)
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=200, blank=True, default="")
    position = models.PositiveSmallIntegerField(default=0)
    price_cents = models.PositiveIntegerField()
    fee_cents = models.PositiveIntegerField(default=0)
    capacity = models.PositiveIntegerField()
    held = models.IntegerField(default=0)
    sold = models.IntegerField(default=0)
    max_per_order = models.PositiveSmallIntegerField(default=8)
    on_sale = models.BooleanField(default=True)
    sales_start_at = models.DateTimeField(null=True, blank=True, help_text="Empty: with the night's.")
    sales_end_at = models.DateTimeField(null=True, blank=True, help_text="Empty: with the night's.")

    available: int  # how many a guest may have now, where `holds.with_available` has read it

    class Meta:
        db_table = "ticket_types"
        constraints = [
            models.UniqueConstraint(fields=["event", "slug"], name="unique_ticket_type_slug"),
            models.CheckConstraint(
                condition=Q(capacity__gte=F("held") + F("sold")),
                name="tickets_type_never_above_capacity",
                violation_error_message="More places are held or sold than that.",
            ),
            models.CheckConstraint(condition=Q(held__gte=0, sold__gte=0), name="tickets_type_counts_never_negative"),
            models.CheckConstraint(condition=Q(max_per_order__gte=1), name="tickets_type_sells_at_least_one"),
            models.CheckConstraint(
                condition=Q(sales_start_at=None) | Q(sales_end_at=None) | Q(sales_end_at__gt=F("sales_start_at")),
                name="tickets_type_sales_end_after_they_start",
                violation_error_message="Sales end after they start.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def all_in_cents(self) -> int:
        """Return what one ticket costs with its fee: the only price a guest is shown first."""
        return self.price_cents + self.fee_cents

    @property
    def left(self) -> int:
        """Return how many places are neither held nor sold."""
        return self.capacity - self.held - self.sold

    def is_later(self, now: datetime) -> bool:
        """Say whether its own sales have yet to begin: the next tier."""
        return self.sales_start_at is not None and now < self.sales_start_at

    def is_over(self, now: datetime) -> bool:
        """Say whether its own sales have ended: a tier that is past."""
        return self.sales_end_at is not None and self.sales_end_at <= now

    def is_offered(self, now: datetime) -> bool:
        """Say whether it may be bought now, as far as it alone can say."""
        return self.on_sale and not self.is_later(now) and not self.is_over(now)
