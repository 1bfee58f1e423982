"""The night as a calendar file."""

from datetime import UTC

from django.conf import settings
from django.urls import reverse

from payments import products
from payments.models import Order


def order_calendar(order: Order, *, page: str = "") -> bytes:
    """Return an order's night as a calendar file, in UTC; the same order is always the same entry.

    It leads to the order's own page, or to the address in `page`.
    """
    from icalendar import Calendar, Event  # heavy, and needed by few of our processes

    night = order.event
    entry = Event()
    entry.add("uid", f"{order.pk}@maguey")
    entry.add("dtstamp", order.paid_at or order.created_at)
    entry.add("sequence", night.changes.count())  # a calendar takes the new date of an entry it has
    entry.add("dtstart", night.doors_at.astimezone(UTC))
    entry.add("dtend", night.ends_at.astimezone(UTC))
    entry.add("summary", f"{night.title} · {night.venue_name}")
    entry.add("location", f"{night.venue_name}, {night.venue_address}")
    entry.add("url", page or settings.SITE_URL + reverse(products.of(order).page, args=[order.reference]))
    calendar = Calendar()
    calendar.add("prodid", "-//Maguey//Tickets//EN")
    calendar.add("version", "2.0")
    calendar.add_component(entry)
    return bytes(calendar.to_ical())
