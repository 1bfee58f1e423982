"""All tickets of an order as one tagged PDF."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from payments import times
from payments.models import Order
from tickets.documents import qr
from tickets.models import Ticket

Page = dict[str, str]

TEMPLATE = Path(__file__).with_name("order.typ")


def order_pdf(order: Order) -> bytes:
    """Return an order's living tickets as one PDF, a page each."""
    return pdf_of(order, lambda: pages_of(order))


def pages_of(order: Order) -> list[Page]:
    """Return what the page of each living ticket says."""
    tickets = kept_by_buyer(order).select_related("ticket_type").order_by("position")
    return [ticket_page(order, ticket, of=order.tickets.count()) for ticket in tickets]


def pdf_of(order: Order, write_pages: Callable[[], list[Page]]) -> bytes:
    """Return pages about an order's night as one PDF in the order's language, checked as PDF/UA-1 by the compiler."""
    import typst  # heavy, and needed by few of our processes

    with translation.override(order.language):
        data = json.dumps(contents_of(order, write_pages()))
    made = typst.compile(str(TEMPLATE), sys_inputs={"order": data}, pdf_standards=["ua-1"], font_paths=fonts())
    return bytes(made)


@cache
def fonts() -> Any:  # Any: typst's own
    """Return the fonts of this machine, which take longer to find than a page takes to make."""
    import typst  # as above

    return typst.Fonts()


def contents_of(order: Order, pages: list[Page]) -> dict[str, object]:
    """Return everything the pages say."""
    night = order.event
    return {
        "title": f"{night.title} · {night.venue_name}",
        "venue": night.venue_name,
        "night": night.title,
        "language": order.language,
        "date": times.write_day(night.starts_at.astimezone(night.zone), "full"),
        "facts": [
            [_("Doors"), times.write_hour(night.doors_at.astimezone(night.zone))],
            [_("Until"), times.write_hour(night.ends_at.astimezone(night.zone))],
            [_("Where"), night.venue_address],
            [_("Age"), _("%(age)s and over, with ID") % {"age": night.minimum_age}],
            [_("Order"), order.reference],
        ],
        "note": _("One code lets one person in, once. Keep it to yourself."),
        "tickets": pages,
    }


def kept_by_buyer(order: Order) -> QuerySet[Ticket]:
    """Return an order's living tickets that were given to nobody."""
    return order.tickets.exclude(status=Ticket.Status.VOID).filter(holder_reference=None)


def ticket_page(order: Order, ticket: Ticket, *, of: int) -> Page:
    """Return what one ticket's page says."""
    return {
        "type": ticket.ticket_type.name,
        "holder": ticket.holder_name or order.name,
        "place": _("Ticket %(n)s of %(of)s") % {"n": ticket.position, "of": of},
        "code": ticket.code,
        "qr": qr.svg(ticket.code),
        "alt": _("QR code of ticket %(n)s") % {"n": ticket.position},
    }
