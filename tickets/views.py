"""The guest's pages: read the request, make one call, choose the response."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from payments import bounces, expiry, orders, presses, products, rate_limits
from payments.exceptions import PaymentsError
from payments.kept import render_kept
from payments.models import Order
from payments.orders import Buyer, Truth
from payments.rate_limits import RateLimited
from tickets import cancelling, finding, holds, offer, promos, purchases, structured_data, telling
from tickets.forms import PREFIX, BuyForm, FindForm, WaitForm
from tickets.models import Event, PromoCode, PromoUse, Ticket, TicketType
from tickets.offer import Offer, Stock, is_sold_out, stock_of
from tickets.telling import Telling

HOLDS_PER_ADDRESS = "30/minute"
CODES_PER_ADDRESS = "20/minute"
FINDS_PER_ADDRESS = "10/minute"
FINDS_PER_EMAIL = "5/hour"
PRESS_COOKIE = "press"


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Show what is on."""
    now = timezone.now()
    nights = Event.objects.nights_to_come(now)
    types = holds.of_nights(nights, now=now)
    cards = [card_of(night, types[night.pk], now=now) for night in nights]
    shown = tuple((*offer.columns_of(card.event), card.is_gone, card.from_cents) for card in cards)

    def context() -> dict[str, object]:
        return {"cards": cards, **addresses(request, artwork="maguey")}

    return render_kept(request, "tickets/home.html", context, shown=shown)


@dataclass(frozen=True, slots=True)
class Card:
    """A night with its lowest all-in price among what is left."""

    event: Event
    is_gone: bool
    from_cents: int | None


def card_of(night: Event, types: list[TicketType], *, now: datetime) -> Card:
    """Return a night's card."""
    stocks = [(type_.all_in_cents, stock_of(type_, now=now)) for type_ in types]
    left = [cents for cents, stock in stocks if stock.left]
    return Card(
        event=night,
        is_gone=is_sold_out([stock for _, stock in stocks]),
        from_cents=min(left, default=None) if night.is_on_sale(now) else None,
    )


def addresses(request: HttpRequest, *, artwork: str) -> dict[str, str]:
    """Return a page's own address and its picture's, as other sites need them."""
    picture = static(f"img/og/{artwork or 'maguey'}.jpg")
    return {"page_url": request.build_absolute_uri(request.path), "image_url": request.build_absolute_uri(picture)}


@require_GET
def event(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a night: what is sold, for how much with everything in, and how much is left."""
    now = timezone.now()
    offered = offer_or_404(slug, now=now)
    typed = promos.tidy(request.GET.get("code", ""))
    return show_event(request, offered, now=now, code=typed)


def offer_or_404(slug: str, *, now: datetime) -> Offer:
    """Return a night as it is on offer. Raises Http404."""
    offered = offer.read(slug, now=now)
    if offered is None:
        raise Http404
    return offered


def show_event(
    request: HttpRequest, offered: Offer, *, now: datetime, code: str, form: BuyForm | None = None, status: int = 200
) -> HttpResponse:
    """Show a night's page, with what was typed kept, and prices as a code makes them."""
    press = press_of(request)

    def context() -> dict[str, object]:
        return context_of(request, offered, form or BuyForm(types=offered.types), now=now, code=code)

    response = render_kept(request, "tickets/event.html", context, shown=offered.shown, press=press)
    response.status_code = status
    response.set_cookie(PRESS_COOKIE, press, httponly=True, samesite="Lax", secure=settings.CSRF_COOKIE_SECURE)
    return response


def context_of(request: HttpRequest, offered: Offer, form: BuyForm, *, now: datetime, code: str) -> dict[str, object]:
    """Return what a night's page is made of."""
    promo, code_error = look_up(request, offered.event, code, now=now)
    about = addresses(request, artwork=offered.event.artwork)
    return {
        "event": offered.event,
        "rows": [
            {
                "type": type_,
                "price": promos.price(type_, promo),
                "field": form[PREFIX + type_.slug],
                "can_choose": offered.is_on_sale and not stock.is_gone,
                "stock": stock,
            }
            for type_, stock in zip(offered.types, offered.stocks, strict=True)
        ],
        "form": form,
        "promo": promo,
        "code": code,
        "code_error": code_error,
        "wait_form": wait_form(offered.types, offered.stocks) if offered.is_on_sale else None,
        "offer_minutes": settings.OFFER_MINUTES,
        "can_buy": offered.can_buy,
        "sold_out": offered.is_sold_out,
        "notice": offered.notice,
        "has_tables": offered.has_tables,
        "refund_words": telling.tell_terms(offered.policy),
        "hold_minutes": settings.HOLD_MINUTES,
        "structured_data": structured_data.describe(offered.event, offered.types, **about),
        **about,
    }


def look_up(request: HttpRequest, night: Event, code: str, *, now: datetime) -> tuple[PromoCode | None, str]:
    """Return the code a guest typed, or why it cannot be had; whoever tries many is asked to wait."""
    if not code:
        return None, ""
    try:
        rate_limits.check(CODES_PER_ADDRESS, "code", rate_limits.address_of(request))
        return promos.find(night, code, now=now), ""
    except (RateLimited, PaymentsError) as refusal:
        return None, _(refusal.sentence)


def wait_form(types: list[TicketType], stocks: list[Stock]) -> WaitForm | None:
    """Return the form for waiting, where anything is sold out that may come back."""
    gone = [
        type_
        for type_, stock in zip(types, stocks, strict=True)
        if stock.is_gone and type_.on_sale and not stock.is_later and not stock.is_over
    ]
    return WaitForm(types=gone, auto_id="wait_%s") if gone else None


def press_of(request: HttpRequest) -> str:
    """Return the mark by which a form's second press is known.

    A browser keeps it in a cookie until it has paid: Back, a reload or a second tab may fetch the
    form anew, and it is still the same guest with the same wish.
    """
    sent = request.POST.get("press") or request.COOKIES.get(PRESS_COOKIE, "")
    return presses.tidy(sent)


@require_POST
def buy(request: HttpRequest, slug: str) -> HttpResponse:
    """Hold places and lead the guest to paying."""
    now = timezone.now()
    offered = offer_or_404(slug, now=now)
    form = BuyForm(request.POST, types=offered.types)
    code = promos.tidy(request.POST.get("code", ""))
    if not form.is_valid():
        return show_event(request, offered, form=form, now=now, code=code, status=422)
    buyer = Buyer(form.cleaned_data["name"], form.cleaned_data["email"], language=get_language() or "en")
    try:
        rate_limits.check(HOLDS_PER_ADDRESS, "hold", rate_limits.address_of(request))
        placed = purchases.buy_once(
            offered.event, press=press_of(request), quantities=form.quantities(), buyer=buyer, code=code, now=now
        )
    except RateLimited as refusal:
        form.add_error(None, _(refusal.sentence))
        response = show_event(request, offered, form=form, now=now, code=code, status=429)
        response["Retry-After"] = str(refusal.wait_seconds)
        return response
    except PaymentsError as refusal:
        form.add_error(None, _(refusal.sentence))
        left = offer_or_404(slug, now=now)
        return show_event(request, left, form=form, now=now, code=code, status=refusal.status)
    return redirect("payments:pay", placed.reference)


@never_cache
@require_GET
def order(request: HttpRequest, reference: str) -> HttpResponse:
    """Show an order: its tickets, or the truth about its money; one of another product has a page of its own.

    A hold found over is ended first, at the provider too: only then is it known that nothing was
    charged.
    """
    found = orders.find(reference)
    if found is None:
        raise Http404
    if found.kind != Order.Kind.GA_TICKET:
        return redirect(products.of(found).page, reference)
    now = timezone.now()
    if found.is_overdue(now):
        expiry.expire_order(found.pk, now=now)
        found = orders.again(found)
    if orders.waits_for_money(found, now=now):
        return redirect("payments:pay", reference)
    truth = orders.truth(found)
    context = {"order": found, "event": found.event, "truth": truth}
    tickets = Ticket.objects.of_order(found) if truth is Truth.DELIVERED else []
    if any(ticket.status != Ticket.Status.VOID for ticket in tickets):
        context |= {
            "tickets": tickets,
            "has_valid": any(ticket.status != Ticket.Status.VOID and not ticket.is_given for ticket in tickets),
            "quote": cancelling.quote(found, now=now, tickets=tickets),
            "has_bounced": bounces.bounced(found, found.email),
        }
    else:
        context |= told(telling.tell(found, now=now), found, now=now)
    response = render(request, "tickets/order.html", context)
    if truth is not Truth.NOT_CHARGED:
        response.delete_cookie(PRESS_COOKIE, samesite="Lax")  # what is bought next is another wish
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "same-origin"
    return response


def told(words: Telling, found: Order, *, now: datetime) -> dict[str, object]:
    """Return what an order's page says, with the same places on offer where they can be had again."""
    can_have_again = words.can_have_again and found.event.is_on_sale(now)
    return {
        "headline": words.headline,
        "explanation": words.explanation,
        "is_moving": words.is_moving,
        "again": again(found) if can_have_again else None,
    }


def again(found: Order) -> dict[str, object]:
    """Return what was chosen and typed, to take the same places in one tap."""
    slugs = {str(pk): slug for pk, slug in found.event.ticket_types.values_list("pk", "slug")}
    chosen = [(PREFIX + slugs[line["item"]], line["quantity"]) for line in found.lines if line["item"] in slugs]
    use = PromoUse.objects.filter(order=found).select_related("promo").first()
    # The order itself is the mark: two tabs of this page take the places once.
    press = f"again-{found.reference}"
    code = use.promo.code if use else ""
    return {"name": found.name, "email": found.email, "chosen": chosen, "press": press, "code": code}


@require_http_methods(["GET", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """Send a guest the way back to their tickets; the answer is the same for every address."""
    form = FindForm(request.POST if request.method == "POST" else None)
    if request.method == "GET" or not form.is_valid():
        return render(request, "tickets/find.html", {"form": form}, status=422 if form.is_bound else 200)
    email = form.cleaned_data["email"]
    try:
        rate_limits.check(FINDS_PER_ADDRESS, "find", rate_limits.address_of(request))
        rate_limits.check(FINDS_PER_EMAIL, "find-email", email.lower())
    except RateLimited as refusal:
        form.add_error(None, _(refusal.sentence))
        headers = {"Retry-After": str(refusal.wait_seconds)}
        return HttpResponse(render(request, "tickets/find.html", {"form": form}).content, status=429, headers=headers)
    finding.send_links(email, now=timezone.now())
    messages.success(request, _("If there are tickets for this address, an email is on its way."))
    return redirect("tickets:find")
