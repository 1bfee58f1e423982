"""A guest's own page, the invitation, and becoming the host."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from payments import presses, rate_limits
from payments.exceptions import PaymentsError
from payments.presses import Lead
from payments.rate_limits import RateLimited
from tickets.documents import qr
from vip import passes
from vip.forms import GuestForm, HostForm
from vip.models import GuestPass, VipReservation
from vip.views import private

CLAIMS_PER_ADDRESS = "30/minute"


@never_cache
@require_GET
def one_pass(request: HttpRequest, link: str) -> HttpResponse:
    """Show one guest their own pass, and nobody else's."""
    found = get_object_or_404(GuestPass.objects.select_related("reservation__table", "reservation__event"), link=link)
    context = {
        "pass": found,
        "reservation": found.reservation,
        "event": found.reservation.event,
        "table": found.reservation.table,
    }
    return private(render(request, "vip/pass.html", context))


@never_cache
@require_GET
def qr_svg(request: HttpRequest, link: str) -> HttpResponse:
    """Serve a pass's QR code to its guest."""
    found = get_object_or_404(GuestPass.objects.living(), link=link)
    return HttpResponse(qr.svg(found.code), content_type="image/svg+xml")


@never_cache
@require_http_methods(["GET", "POST"])
def invite(request: HttpRequest, invite_code: str) -> HttpResponse:
    """Let a guest take one of the seats that are left."""
    found = VipReservation.objects.select_related("event", "table").filter(invite_code=invite_code).first()
    if found is None or found.status not in passes.SOLD:
        return private(render(request, "vip/invite_over.html", status=404))
    form = GuestForm(request.POST or None)
    status = 200

    def claim(lead: Lead) -> None:
        def show(seat: GuestPass) -> None:
            lead(reverse("vip:pass", args=[seat.link]))

        passes.claim_seat(invite_code, now=timezone.now(), **form.cleaned_data, remember=show)

    if request.method == "POST":
        try:
            rate_limits.check(CLAIMS_PER_ADDRESS, "claim", rate_limits.address_of(request))
            if form.is_valid():
                return redirect(presses.act_once(request.POST, claim, path=request.path, now=timezone.now()))
            status = 422
        except PaymentsError as refusal:
            form.add_error(None, _(refusal.sentence))
            status = refusal.status
        except RateLimited as refusal:
            form.add_error(None, _((type(refusal).__doc__ or "").strip()))
            status = 429
    context = {
        "reservation": found,
        "event": found.event,
        "table": found.table,
        "left": found.passes.unclaimed().count(),
        "form": form,
    }
    return private(render(request, "vip/invite.html", context, status=status))


@never_cache
@require_http_methods(["GET", "POST"])
def accept_host(request: HttpRequest, transfer_code: str) -> HttpResponse:
    """Let whoever was asked become the host."""
    form = HostForm(request.POST or None)

    def accept(lead: Lead) -> None:
        def show(mine: VipReservation) -> None:
            lead(reverse("vip:host", args=[mine.host_code]))

        passes.accept_host(transfer_code, now=timezone.now(), **form.cleaned_data, remember=show)

    if request.method == "POST" and form.is_valid():
        try:
            where = presses.act_once(request.POST, accept, path=request.path, now=timezone.now())
        except PaymentsError as refusal:
            form.add_error(None, _(refusal.sentence))
        else:
            messages.success(request, _("The table is yours to host. Keep this page's address: it is the key to it."))
            return redirect(where)
    found = VipReservation.objects.select_related("event", "table").filter(transfer_code=transfer_code).first()
    if found is None or found.status not in passes.SOLD:
        return private(render(request, "vip/invite_over.html", status=404))
    context = {"reservation": found, "event": found.event, "table": found.table, "form": form}
    return private(render(request, "vip/accept.html", context, status=422 if form.errors else 200))
