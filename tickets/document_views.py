"""An order's tickets as files: codes, a PDF, a calendar entry."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from payments.models import Order
from tickets.documents import calendar, pdf, qr
from tickets.models import Ticket


def ticket_or_404(reference: str, position: int) -> Ticket:
    """Return a living ticket of an order that is still its buyer's."""
    living = Ticket.objects.exclude(status=Ticket.Status.VOID).filter(holder_reference=None)
    return get_object_or_404(living, order__reference=reference, position=position)


def delivered_or_404(reference: str) -> Order:
    """Return an order that has its tickets."""
    delivered = Order.objects.filter(kind=Order.Kind.GA_TICKET, status=Order.Status.FULFILLED)
    return get_object_or_404(delivered.select_related("event"), reference=reference)


@never_cache
@require_GET
def qr_svg(request: HttpRequest, reference: str, position: int) -> HttpResponse:
    """Serve a ticket's QR code as SVG."""
    return served(qr.svg(ticket_or_404(reference, position).code), "image/svg+xml")


@never_cache
@require_GET
def qr_png(request: HttpRequest, reference: str, position: int) -> HttpResponse:
    """Serve a ticket's QR code as PNG."""
    return served(qr.png(ticket_or_404(reference, position).code), "image/png")


@never_cache
@require_GET
def given_svg(request: HttpRequest, reference: str) -> HttpResponse:
    """Serve the QR code of a ticket that was given to somebody, to them."""
    living = Ticket.objects.exclude(status=Ticket.Status.VOID)
    return served(qr.svg(get_object_or_404(living, holder_reference=reference).code), "image/svg+xml")


@never_cache
@require_GET
def pdf_file(request: HttpRequest, reference: str) -> HttpResponse:
    """Serve an order's tickets as one PDF."""
    found = delivered_or_404(reference)
    if not pdf.kept_by_buyer(found).exists():
        raise Http404
    return served(pdf.order_pdf(found), "application/pdf", f'inline; filename="maguey-{found.event.slug}.pdf"')


@never_cache
@require_GET
def calendar_file(request: HttpRequest, reference: str) -> HttpResponse:
    """Serve an order's night as a calendar file."""
    found = delivered_or_404(reference)
    name = f'attachment; filename="maguey-{found.event.slug}.ics"'
    return served(calendar.order_calendar(found), "text/calendar; charset=utf-8", name)


def served(body: str | bytes, content_type: str, disposition: str = "inline") -> HttpResponse:
    """Answer with a file that no search engine may keep."""
    headers = {"Content-Disposition": disposition, "X-Robots-Tag": "noindex, nofollow"}
    return HttpResponse(body, content_type=content_type, headers=headers)
