"""The demo's nights and what is sold for them."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from tickets.models import Event, PromoCode, RefundPolicy, TicketType
from vip import tables


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of ticket, in cents."""

    slug: str
    name: str
    description: str
    price_cents: int
    fee_cents: int
    capacity: int
    ends_before: timedelta | None = None  # sold until so long before the doors open


@dataclass(frozen=True, slots=True)
class Night:
    """One night, so many days from now."""

    slug: str
    title: str
    tagline: str
    line_up: str
    artwork: str
    in_days: int
    kinds: tuple[Kind, ...]


THREE_KINDS = (
    Kind("early", "Early", "In before 10:30 PM", 1500, 250, 80, timedelta(days=1)),
    Kind("general", "General", "In at any time", 2500, 350, 250),
    Kind("ultima-hora", "Última hora", "The last places", 3500, 450, 60),
)
NIGHTS = (
    Night(
        "noche-de-cumbia", "Noche de Cumbia", "Sonidero, sudor y cumbia rebajada hasta las dos.",
        "Sonido Maguey, La Comadre Selectora, Los Tíos del Barrio", "noche-de-cumbia", 7, THREE_KINDS,
    ),
    Night(
        "perreo-intenso", "Perreo Intenso", "Reggaetón viejo, reggaetón nuevo, nada en medio.",
        "DJ Candela Ríos, Kike 302, Las Primas", "perreo", 14, THREE_KINDS,
    ),
    Night(
        "noche-nortena", "Noche Norteña", "Acordeón, bajo sexto y botas limpias.",
        "Los Gavilanes de Delaware, Conjunto Río Brandywine", "nortena", 21, THREE_KINDS,
    ),
)  # fmt: skip
SOLD_OUT = Night(
    "sonidera-de-octubre", "Sonidera de Octubre", "Saludos en vivo desde la cabina.",
    "Sonido Maguey", "sonidera", -21, (Kind("general", "General", "In at any time", 2000, 300, 24),),
)  # fmt: skip
CODE = "CUMBIA10"
CANCELLED = Night(
    "noche-de-banda", "Noche de Banda", "La tambora se oye hasta el río.",
    "Banda Las Palmas de Wilmington", "nortena", -7, (Kind("general", "General", "In at any time", 3000, 400, 120),),
)  # fmt: skip


def lay_down(night: Night, *, now: datetime) -> tuple[Event, bool]:
    """Make a night with its types and tables where it is not there yet; say whether it is new."""
    event, is_new = Event.objects.get_or_create(slug=night.slug, defaults=fields_of(night, now=now))
    for position, kind in enumerate(night.kinds):
        TicketType.objects.get_or_create(
            event=event,
            slug=kind.slug,
            defaults={
                "name": kind.name,
                "description": kind.description,
                "price_cents": kind.price_cents,
                "fee_cents": kind.fee_cents,
                "capacity": kind.capacity,
                "position": position,
                "sales_end_at": event.doors_at - kind.ends_before if kind.ends_before else None,
            },
        )
    RefundPolicy.objects.get_or_create(event=event)
    PromoCode.objects.get_or_create(event=None, code=CODE, defaults={"percent": 10})
    if night.in_days > 0:
        tables.lay_out(event)
    return event, is_new


def fields_of(night: Night, *, now: datetime) -> dict[str, object]:
    """Return a night's fields: doors at nine in the evening of its day at the club, until two."""
    zone = Event().zone
    day = now.astimezone(zone).date() + timedelta(days=night.in_days)
    doors = datetime.combine(day, time(21), tzinfo=zone)
    return {
        "title": night.title,
        "tagline": night.tagline,
        "description": "Maguey, Market Street. Cocteles de agave, cocina hasta la medianoche, pista hasta el final.",
        "line_up": night.line_up,
        "artwork": night.artwork,
        "doors_at": doors,
        "starts_at": doors + timedelta(hours=1),
        "ends_at": doors + timedelta(hours=5),
        "sales_start_at": doors - timedelta(days=60),
        "sales_end_at": doors + timedelta(hours=4),
        "status": Event.Status.PUBLISHED,
    }
