"""Small pieces of a page: words in a colour, links out of the house, buttons that open a dialog."""

import json
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from owners import redaction

NOTHING = "—"
# What a word's colour says; the word itself says it too.
TONES = {
    "critical": "bad", "failed": "bad", "expired": "bad", "unknown": "bad", "cancelled": "dull",
    "warning": "odd", "pending": "odd", "processing": "odd", "submitted": "odd", "started": "odd", "open": "odd",
    "info": "calm", "ignored": "dull", "refunded": "dull",
    "waiting": "odd", "held": "odd", "left": "dull", "released": "dull", "void": "dull",
    "resolved": "good", "valid": "good", "paid": "odd", "fulfilled": "good", "processed": "good", "succeeded": "good",
}  # fmt: skip


def badge(word: str, tone: str) -> SafeString:
    """Write a word in a colour that says the same."""
    return format_html('<span class="mark mark--{}">{}</span>', tone, word)


def in_words(name: str) -> str:
    """Write a name of the code as words."""
    return name.replace("_", " ").capitalize()


def status(value: str, word: str = "") -> SafeString:
    """Write a status in its colour."""
    return badge(word or in_words(value), TONES.get(value, "calm"))


def moment(at: datetime | None) -> str:
    """Write a moment in the venue's time, with the year only where it is another."""
    if at is None:
        return NOTHING
    here, year = timezone.localtime(at), timezone.localtime().year
    return f"{here:%b} {here.day}{'' if here.year == year else f', {here.year}'}, {here:%H:%M}"


def link_out(url: str, words: str) -> SafeString | str:
    """Link to a page of somebody else's; without an address, only the words."""
    if not url:
        return words or NOTHING
    return format_html('<a class="link" href="{}" target="_blank" rel="noopener noreferrer">{} ↗</a>', url, words)


def link_to(page: str, key: object, words: str) -> SafeString | str:
    """Link to a row's own page in the console; without a key, a dash."""
    if not key:
        return NOTHING
    return format_html('<a class="link" href="{}">{}</a>', reverse(f"admin:{page}_change", args=[key]), words)


def dialog_button(page: str, key: object, words: str, about: str) -> SafeString:
    """Write a button that opens an action's dialog; `about` says aloud what it acts on."""
    return format_html(
        '<a class="button" href="{0}" hx-get="{0}" hx-target="#modal-content" hx-select="#dialog" '
        'x-on:htmx:after-on-load="openModal = true" aria-haspopup="dialog" aria-label="{1} {2}">{1}</a>',
        reverse(f"admin:{page}", args=[key]), words, about,
    )  # fmt: skip


def lines(found: list[Any], empty: str = NOTHING) -> SafeString | str:  # Any: whatever can be written
    """Write things below one another."""
    if not found:
        return empty
    return format_html('<ul class="lines">{}</ul>', format_html_join("", "<li>{}</li>", ((line,) for line in found)))


def json_box(value: object, title: str, *, is_open: bool = True) -> SafeString | str:
    """Write JSON to be read by people, to be folded away; all of it is text, whatever it says, and no secret of it."""
    if not value:
        return NOTHING
    pretty = json.dumps(redaction.without_secrets(value), indent=2, ensure_ascii=False, default=str)
    opening = '<details class="json" open>' if is_open else '<details class="json">'
    box = opening + '<summary>{0}</summary><pre tabindex="0" aria-label="{0}">{1}</pre></details>'
    return format_html(box, title, pretty)
