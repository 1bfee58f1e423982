"""Amounts and nights as people read them."""

from datetime import datetime
from uuid import uuid4

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from payments import times
from payments.money import format_cents
from tickets.models import Event

register = template.Library()


@register.filter
def money(cents: int, currency: str = "usd") -> str:
    """Write cents as an amount in the reader's language."""
    return format_cents(cents, currency, get_language() or "en")


@register.filter
def at_the_club(moment: datetime, event: Event) -> datetime:
    """Turn a moment into the club's own time."""
    return moment.astimezone(event.zone)


@register.filter
def clock(moment: datetime) -> str:
    """Write a time of day as the reader says it: 9 PM, 9:30 PM; 21:00 in Spanish."""
    return times.write_hour(moment)


@register.filter
def day(moment: datetime, style: str = "day") -> str:
    """Write a day as the reader says it."""
    return times.write_day(moment, style)


@register.simple_tag
def press() -> SafeString:
    """Write the mark by which a form's second press is known."""
    return format_html('<input type="hidden" name="press" value="{}">', uuid4())


@register.simple_tag
def night(event: Event, style: str = "short") -> str:
    """Write the date of a night as the club counts it."""
    return times.write_day(event.starts_at.astimezone(event.zone), style)
