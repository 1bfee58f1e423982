"""What is on offer: a night as guests see it now, with what is left of each kind of ticket."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import models
from django.utils.translation import gettext as _

from payments import times
from payments.models import rows
from tickets import holds
from tickets.models import Event, RefundPolicy, TicketType

FEW = 10
# What changes with every sale; of it a page shows the stock alone.
COUNTS = ("held", "sold")
NIGHT = """
FROM events LEFT JOIN refund_policies ON refund_policies.event_id = events.id
WHERE events.slug = %s AND events.status <> 'draft'
"""


@dataclass(frozen=True, slots=True)
class Stock:
    """How much of a type a guest may have now, as far as a page tells, and whether that will change."""

    left: int
    most: int
    is_later: bool
    is_over: bool

    @property
    def is_gone(self) -> bool:
        """Say whether none can be had now."""
        return self.left == 0

    @property
    def is_last(self) -> bool:
        """Say whether few are left."""
        return 0 < self.left <= FEW


def stock_of(type_: TicketType, *, now: datetime) -> Stock:
    """Say how much is left of a type, as a guest needs to know it: of more than a page tells, as much as it tells."""
    left = max(type_.available, 0) if type_.is_offered(now) else 0
    told = min(left, max(FEW + 1, type_.max_per_order))
    return Stock(told, min(left, type_.max_per_order), type_.is_later(now), type_.is_over(now))


def is_sold_out(stocks: Sequence[Stock]) -> bool:
    """Say whether nothing is left and nothing is still to come."""
    return bool(stocks) and all(stock.is_gone and not stock.is_later for stock in stocks)


@dataclass(frozen=True, slots=True)
class Offer:
    """A night, what is sold for it and how much is left, its terms for who cancels, and whether it has tables."""

    event: Event
    types: list[TicketType]
    stocks: list[Stock]
    policy: RefundPolicy | None
    has_tables: bool
    is_on_sale: bool
    notice: str

    @property
    def is_sold_out(self) -> bool:
        """Say whether nothing is left and nothing is still to come."""
        return is_sold_out(self.stocks)

    @property
    def can_buy(self) -> bool:
        """Say whether anything can be had now."""
        return self.is_on_sale and any(stock.left for stock in self.stocks)

    @property
    def shown(self) -> Hashable:
        """Return all of it that a page shows: a page that shows the same is the same page."""
        types = tuple(columns_of(type_, but=COUNTS) for type_ in self.types)
        policy = columns_of(self.policy) if self.policy else None
        return columns_of(self.event), types, tuple(self.stocks), policy, self.has_tables, self.is_on_sale, self.notice


def columns_of(row: models.Model, *, but: Sequence[str] = ()) -> tuple[object, ...]:
    """Return what a row holds, but for some of its columns."""
    return tuple(getattr(row, field.attname) for field in row._meta.concrete_fields if field.attname not in but)


def read(slug: str, *, now: datetime) -> Offer | None:
    """Read a night guests may see, in two questions; None where there is none."""
    for event, policy, has_tables in rows.find_together((Event, RefundPolicy), NIGHT, slug, beside=(has_table(),)):
        types = holds.of_nights([event], now=now)[event.pk]
        stocks = [stock_of(type_, now=now) for type_ in types]
        return Offer(
            event=event,
            types=types,
            stocks=stocks,
            policy=policy if policy.pk else None,
            has_tables=has_tables,
            is_on_sale=event.is_on_sale(now),
            notice=notice_of(event, sold_out=is_sold_out(stocks), now=now),
        )
    return None


def has_table() -> str:
    """Write the question whether a night has any table; whose they are, tickets does not know."""
    tables = rows.table(Event._meta.get_field("tables").related_model)
    return f"EXISTS (SELECT FROM {tables} AS one WHERE one.event_id = events.id)"


def notice_of(night: Event, *, sold_out: bool, now: datetime) -> str:
    """Say why nothing can be bought, where nothing can."""
    if night.status == Event.Status.CANCELLED:
        return _("This night is cancelled. Everybody who paid has their money back or on the way.")
    if night.status == Event.Status.PUBLISHED and now < night.sales_start_at:
        opens = night.sales_start_at.astimezone(night.zone)
        words = {"day": times.write_day(opens), "hour": times.write_hour(opens)}
        return _("Tickets go on sale on %(day)s at %(hour)s.") % words
    if not night.is_on_sale(now):
        return _("Tickets are not on sale any more.")
    if sold_out:
        return _("Sold out. Places that are held and not paid for come back: wait for one below.")
    return ""
