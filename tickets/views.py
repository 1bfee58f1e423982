"""The guest's pages: read the request, make one call, choose the response."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from payments import orders, products, rate_limits
from payments.models import Order
from payments.orders import Buyer
from payments.rate_limits import RateLimited
from tickets import checkout, finding, holds
from tickets.documents import calendar, pdf, qr
from tickets.exceptions import TicketsError
from tickets.forms import PREFIX, BuyForm, FindForm
from tickets.models import Event, Ticket, TicketType

HOLDS_PER_ADDRESS = "30/minute"
FINDS_PER_ADDRESS = "10/minute"
FEW = 10


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Show what is on."""
    now = timezone.now()
    nights = Event.objects.upcoming(now).prefetch_related("ticket_types").order_by("starts_at")
    cards = [{"event": night, "from_cents": lowest_price(night)} for night in nights]
    return render(request, "tickets/home.html", {"cards": cards})


def lowest_price(night: Event) -> int | None:
    """Return the lowest all-in price of a night, in cents."""
    return min((type_.all_in_cents for type_ in night.ticket_types.all() if type_.on_sale), default=None)


@require_GET
def event(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a night: what is sold, for how much with everything in, and how much is left."""
    night = get_object_or_404(Event.objects.visible(), slug=slug)
    now = timezone.now()
    kept = {key: str(value) for key, value in request.GET.items() if key in ("name", "email") or key.startswith(PREFIX)}
    return show_event(request, night, types_of(night, now), initial=kept, now=now)


def types_of(night: Event, now: datetime) -> list[TicketType]:
    """Return what a night sells, with what is left of each."""
    return list(holds.with_available(night.ticket_types.all(), now=now).order_by("position", "name"))


def show_event(
    request: HttpRequest,
    night: Event,
    types: list[TicketType],
    *,
    now: datetime,
    form: BuyForm | None = None,
    initial: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render a night's page, with what was typed kept."""
    form = form or BuyForm(types=types, initial=initial or {})
    rows = [{"type": type_, "field": form[PREFIX + type_.slug], **stock_of(type_)} for type_ in types]
    context = {
        "event": night,
        "rows": rows,
        "form": form,
        "is_on_sale": night.is_on_sale(now),
        "sold_out": all(row["is_gone"] for row in rows),
    }
    return render(request, "tickets/event.html", context, status=status)


def stock_of(type_: TicketType) -> dict[str, object]:
    """Say how much is left of a type, as a guest needs to know it."""
    left = max(getattr(type_, "available", 0), 0)
    return {
        "left": left,
        "is_gone": left == 0 or not type_.on_sale,
        "is_last": 0 < left <= FEW,
        "most": min(left, type_.max_per_order),
    }


@require_POST
def buy(request: HttpRequest, slug: str) -> HttpResponse:
    """Hold places and lead the guest to paying."""
    night = get_object_or_404(Event.objects.visible(), slug=slug)
    now = timezone.now()
    types = types_of(night, now)
    form = BuyForm(request.POST, types=types)
    if not form.is_valid():
        return show_event(request, night, types, form=form, now=now, status=422)
    buyer = Buyer(form.cleaned_data["name"], form.cleaned_data["email"], language=get_language() or "en")
    try:
        rate_limits.check(HOLDS_PER_ADDRESS, "hold", rate_limits.address_of(request))
        placed = checkout.buy_tickets(night, quantities=form.quantities(), buyer=buyer, now=now)
    except RateLimited as refusal:
        form.add_error(None, _((type(refusal).__doc__ or "").strip()))
        return show_event(request, night, types, form=form, now=now, status=429)
    except TicketsError as refusal:
        form.add_error(None, _(refusal.sentence))
        return show_event(request, night, types_of(night, now), form=form, now=now, status=refusal.status)
    return redirect("payments:pay", placed.reference)


def order_or_404(reference: str) -> Order:
    """Return the order of tickets a guest holds the reference of."""
    return get_object_or_404(Order.objects.select_related("event"), reference=reference, kind=Order.Kind.GA_TICKET)


@never_cache
@require_GET
def order(request: HttpRequest, reference: str) -> HttpResponse:
    """Show an order: its tickets, or the truth about its money; one of another product has a page of its own."""
    other = Order.objects.filter(reference=reference).exclude(kind=Order.Kind.GA_TICKET).first()
    if other is not None:
        return redirect(products.of(other).page, reference)
    found = order_or_404(reference)
    now = timezone.now()
    if found.is_payable and not found.is_overdue(now) and orders.truth(found) is orders.Truth.NOT_CHARGED:
        return redirect("payments:pay", reference)
    tickets = found.tickets.select_related("ticket_type").order_by("position")
    context = {
        "order": found,
        "event": found.event,
        "truth": orders.truth(found),
        "tickets": tickets,
        "has_valid": any(ticket.status != Ticket.Status.VOID for ticket in tickets),
        "again": again_query(found),
    }
    response = render(request, "tickets/order.html", context)
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "same-origin"
    return response


def again_query(found: Order) -> dict[str, object]:
    """Return what was chosen and typed, to offer the same places in one tap."""
    slugs = {str(pk): slug for pk, slug in found.event.ticket_types.values_list("pk", "slug")}
    chosen = [(PREFIX + slugs[line["item"]], line["quantity"]) for line in found.lines if line["item"] in slugs]
    return {"name": found.name, "email": found.email, "chosen": chosen}


def ticket_or_404(reference: str, position: int) -> Ticket:
    """Return a living ticket of an order."""
    living = Ticket.objects.exclude(status=Ticket.Status.VOID)
    return get_object_or_404(living, order__reference=reference, position=position)


@never_cache
@require_GET
def qr_svg(request: HttpRequest, reference: str, position: int) -> HttpResponse:
    """Serve a ticket's QR code as SVG."""
    return HttpResponse(qr.svg(ticket_or_404(reference, position).code), content_type="image/svg+xml")


@never_cache
@require_GET
def qr_png(request: HttpRequest, reference: str, position: int) -> HttpResponse:
    """Serve a ticket's QR code as PNG."""
    return HttpResponse(qr.png(ticket_or_404(reference, position).code), content_type="image/png")


@never_cache
@require_GET
def pdf_file(request: HttpRequest, reference: str) -> HttpResponse:
    """Serve an order's tickets as one PDF."""
    found = get_object_or_404(Order, reference=reference, status=Order.Status.FULFILLED, kind=Order.Kind.GA_TICKET)
    headers = {"Content-Disposition": f'inline; filename="maguey-{found.event.slug}.pdf"'}
    return HttpResponse(pdf.order_pdf(found), content_type="application/pdf", headers=headers)


@never_cache
@require_GET
def calendar_file(request: HttpRequest, reference: str) -> HttpResponse:
    """Serve an order's night as a calendar file."""
    found = get_object_or_404(Order, reference=reference, status=Order.Status.FULFILLED)
    headers = {"Content-Disposition": f'attachment; filename="maguey-{found.event.slug}.ics"'}
    return HttpResponse(calendar.order_calendar(found), content_type="text/calendar", headers=headers)


@require_http_methods(["GET", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """Send a guest the way back to their tickets; the answer is the same for every address."""
    form = FindForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return render(request, "tickets/find.html", {"form": form}, status=200 if request.method == "GET" else 422)
    try:
        rate_limits.check(FINDS_PER_ADDRESS, "find", rate_limits.address_of(request))
    except RateLimited as refusal:
        form.add_error(None, _((type(refusal).__doc__ or "").strip()))
        return render(request, "tickets/find.html", {"form": form}, status=429)
    finding.send_links(form.cleaned_data["email"], now=timezone.now())
    messages.success(request, _("If there are tickets for this address, an email is on its way."))
    return redirect("tickets:find")
