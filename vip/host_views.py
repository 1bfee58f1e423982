"""The host's page: their party, seat by seat."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from payments import bounces, presses, rate_limits
from payments.exceptions import PaymentsError
from payments.presses import Lead
from payments.rate_limits import RateLimited
from payments.views import go
from tickets.documents import qr
from vip import addresses, cancelling, documents, joining, passes, policy, reservations
from vip.forms import EmailForm, GuestForm
from vip.models import VipReservation
from vip.views import private

CHANGES_PER_TABLE = "20/hour"


def reservation_or_404(host_code: str) -> VipReservation:
    """Return the reservation whose host holds this key."""
    found = VipReservation.objects.select_related("order", "event", "table")
    return get_object_or_404(found.exclude(confirmed_at=None), host_code=host_code)


@never_cache
@require_GET
def host(request: HttpRequest, host_code: str) -> HttpResponse:
    """Show a party: every seat with its pass, and the ways to fill them."""
    reservation = reservation_or_404(host_code)
    seats = list(reservation.passes.living().order_by("number"))
    context = {
        "reservation": reservation,
        "order": reservation.order,
        "event": reservation.event,
        "table": reservation.table,
        "tables": joining.names_of(reservation),
        "room": reservations.room_of(reservation),
        "seats": [{"pass": seat, "link": absolute("vip:pass", seat.link)} for seat in seats],
        "free_seats": reservation.passes.unclaimed().count(),
        "invite": absolute("vip:invite", reservation.invite_code),
        "is_live": reservation.is_live,
        "has_bounced": bounces.bounced(reservation.order, reservation.host_email),
        "all_back_cents": policy.all_back_cents(reservation, now=timezone.now()),
    }
    return private(render(request, "vip/host.html", context))


def absolute(name: str, key: str) -> str:
    """Return an address that can be sent to somebody."""
    return settings.SITE_URL + reverse(name, args=[key])


@never_cache
@require_GET
def pdf_file(request: HttpRequest, host_code: str) -> HttpResponse:
    """Serve a party's passes as one PDF."""
    reservation = live_or_404(host_code)
    name = f'inline; filename="maguey-{reservation.event.slug}.pdf"'
    return private(HttpResponse(documents.passes_pdf(reservation), "application/pdf", headers=named(name)))


@never_cache
@require_GET
def calendar_file(request: HttpRequest, host_code: str) -> HttpResponse:
    """Serve a party's night as a calendar file."""
    reservation = live_or_404(host_code)
    name = f'attachment; filename="maguey-{reservation.event.slug}.ics"'
    return private(HttpResponse(documents.night(reservation), "text/calendar; charset=utf-8", headers=named(name)))


def live_or_404(host_code: str) -> VipReservation:
    """Return a party that has its table."""
    reservation = reservation_or_404(host_code)
    if not reservation.is_live:
        raise Http404
    return reservation


def named(disposition: str) -> dict[str, str]:
    """Return the header that names a file."""
    return {"Content-Disposition": disposition}


def act(request: HttpRequest, host_code: str, do: Callable[[VipReservation], str]) -> HttpResponse:
    """Do one thing to a party and say so, or say kindly why not; then show the page again."""
    reservation = reservation_or_404(host_code)
    try:
        messages.success(request, do(reservation))
    except (PaymentsError, RateLimited) as refusal:
        messages.error(request, _(refusal.sentence))
    return redirect("vip:host", host_code)


@require_POST
def seat(request: HttpRequest, host_code: str, number: int) -> HttpResponse:
    """Name a seat."""
    form = GuestForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Type a name, and an address only if it is a whole one."))
        return redirect("vip:host", host_code)

    def name(reservation: VipReservation) -> str:
        named = passes.name_seat(reservation.pk, number, now=timezone.now(), **form.cleaned_data)
        if named.email:
            return _("%(name)s has seat %(number)s, and an email with their pass.") % {
                "name": named.name,
                "number": number,
            }
        return _("%(name)s has seat %(number)s.") % {"name": named.name, "number": number}

    return act(request, host_code, name)


@require_POST
def reissue(request: HttpRequest, host_code: str, number: int) -> HttpResponse:
    """Give a seat a new code."""

    def renew(reservation: VipReservation) -> str:
        def reissue(lead: Lead) -> None:
            where = reverse("vip:host", args=[host_code])
            passes.reissue(reservation.pk, number, now=timezone.now(), remember=lambda _: lead(where))

        presses.act_once(request.POST, reissue, path=request.path, now=timezone.now())
        return _("Seat %(number)s has a new code. The old one lets nobody in.") % {"number": number}

    return act(request, host_code, renew)


@require_POST
def revoke(request: HttpRequest, host_code: str, number: int) -> HttpResponse:
    """Take a seat back."""

    def take_back(reservation: VipReservation) -> str:
        passes.revoke(reservation.pk, number, now=timezone.now())
        return _("Seat %(number)s is free again. The old code lets nobody in.") % {"number": number}

    return act(request, host_code, take_back)


@require_POST
def rotate_invite(request: HttpRequest, host_code: str) -> HttpResponse:
    """Give the party a new invitation."""

    def rotate(reservation: VipReservation) -> str:
        passes.rotate_invite(reservation.pk)
        return _("There is a new invitation. The old link invites nobody.")

    return act(request, host_code, rotate)


@require_POST
def resize(request: HttpRequest, host_code: str) -> HttpResponse:
    """Let the party grow or shrink."""
    typed = request.POST.get("size", "")
    size = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 4 else 0

    def change(reservation: VipReservation) -> str:
        passes.resize(reservation.pk, size, now=timezone.now())
        return _("You are %(size)s now.") % {"size": size}

    return act(request, host_code, change)


@require_POST
def mend(request: HttpRequest, host_code: str) -> HttpResponse:
    """Send a party's passes to the address that was meant."""
    form = EmailForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("That is not a whole email address."))
        return redirect("vip:host", host_code)

    def send(reservation: VipReservation) -> str:
        rate_limits.check(CHANGES_PER_TABLE, "mend", str(reservation.order_id))
        addresses.mend(reservation.pk, now=timezone.now(), **form.cleaned_data)
        return _("Your passes are on their way to %(email)s.") % form.cleaned_data

    return act(request, host_code, send)


@require_POST
def offer_host(request: HttpRequest, host_code: str) -> HttpResponse:
    """Ask somebody else to be the host."""
    form = EmailForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("That is not a whole email address."))
        return redirect("vip:host", host_code)

    def offer(reservation: VipReservation) -> str:
        def ask(lead: Lead) -> None:
            where = reverse("vip:host", args=[host_code])
            passes.offer_host(reservation.pk, now=timezone.now(), **form.cleaned_data, remember=lambda _: lead(where))

        presses.act_once(request.POST, ask, path=request.path, now=timezone.now())
        return _("We asked %(email)s. You stay the host until they accept.") % form.cleaned_data

    return act(request, host_code, offer)


@never_cache
@require_http_methods(["GET", "POST"])
def cancel(request: HttpRequest, host_code: str) -> HttpResponse:
    """Show to the cent what comes back, and cancel once that is confirmed."""
    reservation = reservation_or_404(host_code)
    now = timezone.now()
    back = policy.on_cancelling(reservation, now=now)
    if request.method == "POST":
        where = reverse("vip:order", args=[reservation.order.reference])
        shown_cents = request.POST.get("shown", "")

        def call_off(lead: Lead) -> None:
            cancelling.cancel_by_guest(reservation.pk, shown_cents=shown_cents, now=now, remember=lambda _: lead(where))

        return go(request, call_off, back=reverse("vip:cancel", args=[host_code]))
    context = {
        "reservation": reservation,
        "order": reservation.order,
        "event": reservation.event,
        "table": reservation.table,
        "back": back,
    }
    return private(render(request, "vip/cancel.html", context))


@never_cache
@require_GET
def qr_svg(request: HttpRequest, host_code: str, number: int) -> HttpResponse:
    """Serve one seat's QR code to the host."""
    seats = reservation_or_404(host_code).passes.living()
    return HttpResponse(qr.svg(get_object_or_404(seats, number=number).code), content_type="image/svg+xml")
