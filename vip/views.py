"""The guest's pages about tables: read the request, make one call, choose the response."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from payments import expiry, orders, presses, products, rate_limits
from payments.exceptions import PaymentsError
from payments.models import Order
from payments.rate_limits import RateLimited
from tickets.models import Event
from tickets.telling import tell_policy
from vip import bill, booking, floor, telling
from vip import floor_plan as room
from vip.exceptions import TableBlocked, TableTaken
from vip.floor import Place
from vip.forms import BookForm, SizeForm
from vip.models import Table, TableChange, VipReservation

HOLDS_PER_ADDRESS = "30/minute"


@never_cache
@require_GET
def floor_plan(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the room: a map and an equal list, each table with all it costs."""
    night = get_object_or_404(Event.objects.visible(), slug=slug)
    now = timezone.now()
    party = party_of(request)
    places = floor.of_night(night, now=now)
    is_for_them = [place for place in places if place.is_free and (party is None or place.seats(party))]
    context = {
        "event": night,
        "can_wait": not is_for_them,
        "places": places,
        "groups": grouped(places),
        "decor": room.DECOR,
        "party": party,
        "form": SizeForm(initial={"party": party}),
        "is_on_sale": night.is_on_sale(now),
        "free": sum(place.is_free for place in places),
    }
    return render(request, "vip/floor.html", context)


def party_of(request: HttpRequest) -> int | None:
    """Return how many a guest said are coming, if they said so."""
    form = SizeForm(request.GET)
    return form.cleaned_data["party"] if form.is_valid() else None


def grouped(places: list[Place]) -> list[tuple[str, list[Place]]]:
    """Return the tables by tier, the dearest first."""
    tiers = [(str(tier.label), [place for place in places if place.table.tier == tier]) for tier in Table.Tier]
    return [(label, sorted(those, key=by_code)) for label, those in tiers if those]


def by_code(place: Place) -> tuple[int, str]:
    """Sort F2 before F10."""
    return len(place.table.code), place.table.code


@never_cache
@require_GET
def floor_state(request: HttpRequest, slug: str) -> JsonResponse:
    """Say how every table stands, for a page that is open."""
    night = get_object_or_404(Event.objects.visible(), slug=slug)
    places = floor.of_night(night, now=timezone.now())
    found = [
        {"code": place.table.code, "state": place.state, "word": place.word, "sign": place.sign} for place in places
    ]
    return JsonResponse({"tables": found, "free": sum(place.is_free for place in places)})


@never_cache
@require_http_methods(["GET", "POST"])
def book(request: HttpRequest, slug: str, code: str) -> HttpResponse:
    """Ask who comes, hold the table and lead the guest to paying; or offer others where it is gone."""
    night = get_object_or_404(Event.objects.visible(), slug=slug)
    table = get_object_or_404(Table.objects.select_related("event"), event=night, code=code)
    now = timezone.now()
    if request.method == "POST":
        return hold(request, table, now=now)
    places = floor.of_night(night, now=now)
    place = next(place for place in places if place.table.pk == table.pk)
    if not place.is_free:
        return show_taken(request, table, now=now, party_size=party_of(request) or table.capacity_min)
    typed = {key: request.GET[key] for key in ("name", "email", "phone") if key in request.GET}
    return show_form(request, table, BookForm(table=table, initial={"party_size": party_of(request), **typed}))


def hold(request: HttpRequest, table: Table, *, now: datetime) -> HttpResponse:
    """Hold a table for what was typed."""
    form = BookForm(request.POST, table=table)
    if not form.is_valid():
        return show_form(request, table, form, status=422)
    buyer = form.buyer(get_language() or "en")
    try:
        rate_limits.check(HOLDS_PER_ADDRESS, "hold", rate_limits.address_of(request))
        press = presses.tidy(request.POST.get("press", ""))
        order = booking.book_once(table.event, press=press, code=table.code, party=form.party(), buyer=buyer, now=now)
    except RateLimited as refusal:
        form.add_error(None, _((type(refusal).__doc__ or "").strip()))
        return show_form(request, table, form, status=429)
    except (TableTaken, TableBlocked):
        return show_taken(request, table, now=now, party_size=form.cleaned_data["party_size"], form=form)
    except PaymentsError as refusal:
        form.add_error(None, _(refusal.sentence))
        return show_form(request, table, form, status=refusal.status)
    if not order.is_payable:
        return redirect(products.of(order).page, order.reference)
    return redirect("payments:pay", order.reference)


def show_form(request: HttpRequest, table: Table, form: BookForm, *, status: int = 200) -> HttpResponse:
    """Render the booking form, with what is paid when."""
    terms = booking.terms_of(table)
    context = {
        "event": table.event,
        "table": table,
        "form": form,
        "bill": bill.work_out(terms),
        "prepaid": bill.prepaid_of(terms),
        "policy": tell_policy(table.event),
        "is_on_sale": table.event.is_on_sale(timezone.now()),
        "press": presses.tidy(request.POST.get("press", "")),
    }
    return render(request, "vip/book.html", context, status=status)


def show_taken(
    request: HttpRequest, table: Table, *, now: datetime, party_size: int, form: BookForm | None = None
) -> HttpResponse:
    """Say that a table is gone, and offer the nearest free ones of like price, with what was typed kept."""
    places = floor.of_night(table.event, now=now)
    place = next(place for place in places if place.table.pk == table.pk)
    typed = form.cleaned_data if form else request.GET
    context = {
        "event": table.event,
        "table": table,
        "place": place,
        "others": floor.like(place, places, party_size=party_size),
        "party_size": party_size,
        "typed": {key: typed.get(key, "") for key in ("name", "email", "phone")},
    }
    return render(request, "vip/taken.html", context, status=409)


@never_cache
@require_GET
def order(request: HttpRequest, reference: str) -> HttpResponse:
    """Show an order of a table to whoever paid: the way to its passes, or the truth about its money.

    As with tickets, a hold found over is ended first, at the provider too.
    """
    found = get_object_or_404(
        Order.objects.select_related("event", "vip_reservation__table"),
        reference=reference,
        kind=Order.Kind.VIP_RESERVATION,
    )
    now = timezone.now()
    if found.is_overdue(now):
        expiry.expire_order(found.pk, now=now)
        found.refresh_from_db()
    if orders.waits_for_money(found, now=now):
        return redirect("payments:pay", reference)
    reservation: VipReservation = found.vip_reservation
    is_delivered = orders.truth(found) is orders.Truth.DELIVERED
    has_other_host = reservation.changes.filter(kind=TableChange.Kind.HOST_CHANGED).exists()
    if is_delivered and reservation.is_live and not has_other_host:
        return redirect("vip:host", reservation.host_code)
    words = telling.tell(reservation, now=now)
    context = {
        "order": found,
        "event": found.event,
        "truth": orders.truth(found),
        "words": words,
        "again": again(reservation) if words.can_have_again and found.event.is_on_sale(now) else None,
        "table": reservation.table,
    }
    return private(render(request, "vip/order.html", context))


def again(reservation: VipReservation) -> dict[str, object]:
    """Return what was chosen and typed, to take the same table in one tap."""
    found, arrives_at = reservation.order, reservation.arrives_at
    typed = {
        # The order itself is the mark: two tabs of this page take the table once.
        "press": f"again-{found.reference}",
        "party_size": reservation.party_size,
        "name": found.name,
        "email": found.email,
        "phone": found.phone,
        "arrives_at": arrives_at.astimezone(found.event.zone).isoformat() if arrives_at else "",
        "occasion": reservation.occasion,
        "celebrated": reservation.celebrated,
        "bottle_wishes": reservation.bottle_wishes,
        "requests": reservation.requests,
        "accepts_terms": "on" if reservation.terms_accepted_at else "",
    }
    return {name: value for name, value in typed.items() if value}


def private(response: HttpResponse) -> HttpResponse:
    """Keep an address that is a key out of search engines and other sites' logs."""
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "same-origin"
    return response
