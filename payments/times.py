"""Moments as people write them; in the language that is active, and whatever zone the moment is in."""

from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import get_language

# Patterns of Django's `date` filter. Spanish says “de” where English puts a comma.
STYLES = {
    "en": {"day": "l, F j", "full": "l, F j, Y", "short": "D, M j", "date": "F j, Y"},
    "es": {"day": r"l j \d\e F", "full": r"l j \d\e F \d\e Y", "short": "D j M", "date": r"j \d\e F \d\e Y"},
}


def language() -> str:
    """Return which of our languages is active."""
    return "es" if (get_language() or "en").startswith("es") else "en"


def write_day(moment: datetime, style: str = "day") -> str:
    """Write a day in a style of ours, or by a pattern that every language shares, such as "D"."""
    return date_format(moment, STYLES[language()].get(style, style))


def write_hour(moment: datetime) -> str:
    """Write a time of day as the reader says it: 9 PM, 9:30 PM; 21:00 in Spanish."""
    if language() == "es":
        return date_format(moment, "H:i")
    return date_format(moment, "g A" if moment.minute == 0 else "g:i A")
