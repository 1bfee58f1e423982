"""Nights and what is sold for them."""

from datetime import UTC, datetime, timedelta

from factory.declarations import LazyAttribute, LazyFunction, Sequence, SubFactory
from factory.django import DjangoModelFactory

from tickets.models import Event, PromoCode, TicketType


def in_days(days: float) -> datetime:
    """Return the moment so many days from now."""
    return datetime.now(tz=UTC) + timedelta(days=days)


class EventFactory(DjangoModelFactory[Event]):
    """A night a week from now, on sale."""

    class Meta:
        model = Event

    slug = Sequence(lambda n: f"noche-{n}")
    title = "Noche de Cumbia"
    artwork = "noche-de-cumbia"
    doors_at = LazyFunction(lambda: in_days(7))
    starts_at = LazyAttribute(lambda night: night.doors_at + timedelta(hours=1))
    ends_at = LazyAttribute(lambda night: night.doors_at + timedelta(hours=6))
    sales_start_at = LazyFunction(lambda: in_days(-7))
    sales_end_at = LazyAttribute(lambda night: night.ends_at)
    status = Event.Status.PUBLISHED


class TicketTypeFactory(DjangoModelFactory[TicketType]):
    """A kind of ticket at 25 dollars and 3 dollars' fee, a hundred of them."""

    class Meta:
        model = TicketType

    event = SubFactory(EventFactory)
    slug = Sequence(lambda n: f"general-{n}")
    name = "General"
    price_cents = 2500
    fee_cents = 300
    capacity = 100


class PromoCodeFactory(DjangoModelFactory[PromoCode]):
    """Ten percent off, on any night, for anybody."""

    class Meta:
        model = PromoCode

    code = Sequence(lambda n: f"CUMBIA{n}")
    percent = 10
