"""A night as search engines read it: schema.org's Event, with the price a guest pays."""

import json
from collections.abc import Iterable

from django.utils.safestring import SafeString, mark_safe

from payments.money import WHOLE
from tickets.models import Event, TicketType

# Nothing in the text may end the element it stands in.
ESCAPES = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}
SCHEMA = "https://schema.org/"


def describe(event: Event, types: Iterable[TicketType], *, page_url: str, image_url: str) -> SafeString:
    """Return a night as JSON-LD, safe within a page; all prices all in."""
    is_cancelled = event.status == Event.Status.CANCELLED
    data = {
        "@context": "https://schema.org",
        "@type": "MusicEvent",
        "name": event.title,
        "description": event.tagline or event.description,
        "url": page_url,
        "image": [image_url],
        "doorTime": event.doors_at.astimezone(event.zone).isoformat(),
        "startDate": event.starts_at.astimezone(event.zone).isoformat(),
        "endDate": event.ends_at.astimezone(event.zone).isoformat(),
        "eventStatus": SCHEMA + ("EventCancelled" if is_cancelled else "EventScheduled"),
        "eventAttendanceMode": SCHEMA + "OfflineEventAttendanceMode",
        "location": {"@type": "NightClub", "name": event.venue_name, "address": event.venue_address},
        "organizer": {"@type": "Organization", "name": event.venue_name},
        "typicalAgeRange": f"{event.minimum_age}-",
        "performer": [
            {"@type": "MusicGroup", "name": name.strip()} for name in event.line_up.split(",") if name.strip()
        ],
        "offers": [offer(type_, event, page_url=page_url) for type_ in types],
    }
    return mark_safe(json.dumps(data, ensure_ascii=False).translate(ESCAPES))  # noqa: S308 (escaped on this line)


def offer(type_: TicketType, event: Event, *, page_url: str) -> dict[str, str]:
    """Return what is sold, at the price with every fee in it."""
    available = type_.available > 0 and type_.on_sale
    digits = 0 if event.currency in WHOLE else 2
    return {
        "@type": "Offer",
        "name": type_.name,
        "price": f"{type_.all_in_cents / 10**digits:.{digits}f}",
        "priceCurrency": event.currency.upper(),
        "availability": SCHEMA + ("InStock" if available else "SoldOut"),
        "url": page_url,
        "validFrom": event.sales_start_at.astimezone(event.zone).isoformat(),
    }
