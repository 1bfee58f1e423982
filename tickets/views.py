"""The guest's pages: read the request, make one call, choose the response."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from payments import bounces, expiry, orders, presses, products, rate_limits, times
from payments.exceptions import PaymentsError
from payments.models import Order
from payments.orders import Buyer, Truth
from payments.rate_limits import RateLimited
from tickets import cancelling, finding, holds, promos, purchases, structured_data, telling
from tickets.forms import PREFIX, BuyForm, FindForm, WaitForm
from tickets.models import Event, PromoCode, PromoUse, Ticket, TicketType
from tickets.telling import Telling

HOLDS_PER_ADDRESS = "30/minute"
CODES_PER_ADDRESS = "20/minute"
FINDS_PER_ADDRESS = "10/minute"
FINDS_PER_EMAIL = "5/hour"
FEW = 10
PRESS_COOKIE = "press"


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Show what is on."""
    now = timezone.now()
    types = Prefetch("ticket_types", queryset=holds.with_available(TicketType.objects.all(), now=now))
    nights = Event.objects.upcoming(now).prefetch_related(types).order_by("starts_at")
    context = {"cards": [card_of(night, now=now) for night in nights], **addresses(request, artwork="maguey")}
    return render(request, "tickets/home.html", context)


def card_of(night: Event, *, now: datetime) -> dict[str, object]:
    """Return a night with its lowest all-in price among what is left."""
    stocks = [(type_.all_in_cents, stock_of(type_, now=now)) for type_ in night.ticket_types.all()]
    left = [cents for cents, stock in stocks if stock.left]
    return {
        "event": night,
        "is_gone": is_sold_out([stock for _, stock in stocks]),
        "from_cents": min(left, default=None) if night.is_on_sale(now) else None,
    }


def addresses(request: HttpRequest, *, artwork: str) -> dict[str, str]:
    """Return a page's own address and its picture's, as other sites need them."""
    picture = static(f"img/og/{artwork or 'maguey'}.jpg")
    return {"page_url": request.build_absolute_uri(request.path), "image_url": request.build_absolute_uri(picture)}


@require_GET
def event(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a night: what is sold, for how much with everything in, and how much is left."""
    night = get_object_or_404(Event.objects.visible(), slug=slug)
    now = timezone.now()
    types = types_of(night, now)
    typed = promos.tidy(request.GET.get("code", ""))
    form = BuyForm(types=types)
    return show_event(request, night, types, form=form, now=now, code=typed)


def types_of(night: Event, now: datetime) -> list[TicketType]:
    """Return what a night sells, with what is left of each."""
    return list(holds.with_available(night.ticket_types.all(), now=now).order_by("position", "name"))


def show_event(
    request: HttpRequest,
    night: Event,
    types: list[TicketType],
    *,
    form: BuyForm,
    now: datetime,
    code: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render a night's page, with what was typed kept, and prices as a code makes them."""
    promo, code_error = look_up(request, night, code, now=now)
    stocks = [stock_of(type_, now=now) for type_ in types]
    sold_out = is_sold_out(stocks)
    is_on_sale = night.is_on_sale(now)
    about = addresses(request, artwork=night.artwork)
    press = press_of(request)
    context = {
        "event": night,
        "rows": [
            {
                "type": type_,
                "price": promos.price(type_, promo),
                "field": form[PREFIX + type_.slug],
                "can_choose": is_on_sale and not stock.is_gone,
                "stock": stock,
            }
            for type_, stock in zip(types, stocks, strict=True)
        ],
        "form": form,
        "press": press,
        "promo": promo,
        "code": code,
        "code_error": code_error,
        "wait_form": wait_form(types, stocks) if is_on_sale else None,
        "offer_minutes": settings.OFFER_MINUTES,
        "can_buy": is_on_sale and any(stock.left for stock in stocks),
        "sold_out": sold_out,
        "notice": notice_of(night, sold_out=sold_out, now=now),
        "refund_words": telling.tell_policy(night),
        "hold_minutes": settings.HOLD_MINUTES,
        "structured_data": structured_data.describe(night, types, **about),
        **about,
    }
    response = render(request, "tickets/event.html", context, status=status)
    response.set_cookie(PRESS_COOKIE, press, httponly=True, samesite="Lax", secure=settings.CSRF_COOKIE_SECURE)
    return response


def look_up(request: HttpRequest, night: Event, code: str, *, now: datetime) -> tuple[PromoCode | None, str]:
    """Return the code a guest typed, or why it cannot be had; whoever tries many is asked to wait."""
    if not code:
        return None, ""
    try:
        rate_limits.check(CODES_PER_ADDRESS, "code", rate_limits.address_of(request))
        return promos.find(night, code, now=now), ""
    except (RateLimited, PaymentsError) as refusal:
        return None, _(refusal.sentence)


@dataclass(frozen=True, slots=True)
class Stock:
    """How much of a type a guest may have now, and whether that will change."""

    left: int
    most: int
    is_later: bool
    is_over: bool

    @property
    def is_gone(self) -> bool:
        """Say whether none can be had now."""
        return self.left == 0

    @property
    def is_last(self) -> bool:
        """Say whether few are left."""
        return 0 < self.left <= FEW


def stock_of(type_: TicketType, *, now: datetime) -> Stock:
    """Say how much is left of a type, as a guest needs to know it."""
    left = max(getattr(type_, "available", 0), 0) if type_.is_offered(now) else 0
    return Stock(left, min(left, type_.max_per_order), type_.is_later(now), type_.is_over(now))


def is_sold_out(stocks: list[Stock]) -> bool:
    """Say whether nothing is left and nothing is still to come."""
    return bool(stocks) and all(stock.is_gone and not stock.is_later for stock in stocks)


def wait_form(types: list[TicketType], stocks: list[Stock]) -> WaitForm | None:
    """Return the form for waiting, where anything is sold out that may come back."""
    gone = [
        type_
        for type_, stock in zip(types, stocks, strict=True)
        if stock.is_gone and type_.on_sale and not stock.is_later and not stock.is_over
    ]
    return WaitForm(types=gone, auto_id="wait_%s") if gone else None


def notice_of(night: Event, *, sold_out: bool, now: datetime) -> str:
    """Say why nothing can be bought, where nothing can."""
    if night.status == Event.Status.CANCELLED:
        return _("This night is cancelled. Everybody who paid has their money back or on the way.")
    if night.status == Event.Status.PUBLISHED and now < night.sales_start_at:
        opens = night.sales_start_at.astimezone(night.zone)
        words = {"day": times.write_day(opens), "hour": times.write_hour(opens)}
        return _("Tickets go on sale on %(day)s at %(hour)s.") % words
    if not night.is_on_sale(now):
        return _("Tickets are not on sale any more.")
    if sold_out:
        return _("Sold out. Places that are held and not paid for come back: wait for one below.")
    return ""


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
    night = get_object_or_404(Event.objects.visible(), slug=slug)
    now = timezone.now()
    types = types_of(night, now)
    form = BuyForm(request.POST, types=types)
    code = promos.tidy(request.POST.get("code", ""))
    if not form.is_valid():
        return show_event(request, night, types, form=form, now=now, code=code, status=422)
    buyer = Buyer(form.cleaned_data["name"], form.cleaned_data["email"], language=get_language() or "en")
    try:
        rate_limits.check(HOLDS_PER_ADDRESS, "hold", rate_limits.address_of(request))
        placed = purchases.buy_once(
            night, press=press_of(request), quantities=form.quantities(), buyer=buyer, code=code, now=now
        )
    except RateLimited as refusal:
        form.add_error(None, _(refusal.sentence))
        response = show_event(request, night, types, form=form, now=now, code=code, status=429)
        response["Retry-After"] = str(refusal.wait_seconds)
        return response
    except PaymentsError as refusal:
        form.add_error(None, _(refusal.sentence))
        types = types_of(night, now)
        return show_event(request, night, types, form=form, now=now, code=code, status=refusal.status)
    return redirect("payments:pay", placed.reference)


@never_cache
@require_GET
def order(request: HttpRequest, reference: str) -> HttpResponse:
    """Show an order: its tickets, or the truth about its money; one of another product has a page of its own.

    A hold found over is ended first, at the provider too: only then is it known that nothing was
    charged.
    """
    found = get_object_or_404(Order.objects.select_related("event"), reference=reference)
    if found.kind != Order.Kind.GA_TICKET:
        return redirect(products.of(found).page, reference)
    now = timezone.now()
    if found.is_overdue(now):
        expiry.expire_order(found.pk, now=now)
        found.refresh_from_db()
    if orders.waits_for_money(found, now=now):
        return redirect("payments:pay", reference)
    truth = orders.truth(found)
    context = {"order": found, "event": found.event, "truth": truth}
    if truth is Truth.DELIVERED and found.tickets.exclude(status=Ticket.Status.VOID).exists():
        quote = cancelling.quote(found, now=now)
        context |= {**tickets_of(found), "quote": quote, "has_bounced": bounces.bounced(found, found.email)}
    else:
        context |= told(telling.tell(found, now=now), found, now=now)
    response = render(request, "tickets/order.html", context)
    if truth is not Truth.NOT_CHARGED:
        response.delete_cookie(PRESS_COOKIE, samesite="Lax")  # what is bought next is another wish
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "same-origin"
    return response


def tickets_of(found: Order) -> dict[str, object]:
    """Return an order's tickets, and whether any of them lets somebody in."""
    tickets = list(found.tickets.select_related("ticket_type").order_by("position"))
    return {
        "tickets": tickets,
        "has_valid": any(ticket.status != Ticket.Status.VOID and not ticket.is_given for ticket in tickets),
    }


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
