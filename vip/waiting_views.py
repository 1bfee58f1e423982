"""The line for tables: read the request, make one call, choose the response."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from payments import rate_limits
from payments.exceptions import PaymentsError
from payments.rate_limits import RateLimited
from tickets.models import Event
from tickets.telling import tell_policy
from vip import waiting
from vip.forms import WaitForm
from vip.models import WaitingParty
from vip.views import party_of, private

WAITS_PER_ADDRESS = "10/minute"


@never_cache
@require_http_methods(["GET", "POST"])
def wait(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask who waits for a table, and put them in the line."""
    night = get_object_or_404(Event.objects.visible(), slug=slug)
    if request.method == "GET":
        return show_wait(request, night, WaitForm(initial={"party_size": party_of(request)}))
    form = WaitForm(request.POST)
    if not form.is_valid():
        return show_wait(request, night, form, status=422)
    buyer, size = form.buyer(get_language() or "en"), form.cleaned_data["party_size"]
    try:
        rate_limits.check(WAITS_PER_ADDRESS, "wait", rate_limits.address_of(request))
        party = waiting.join(night.pk, buyer=buyer, size=size, now=timezone.now())
    except PaymentsError as refusal:
        form.add_error(None, _(refusal.sentence))
        return show_wait(request, night, form, status=refusal.status)
    except RateLimited as refusal:
        form.add_error(None, _(refusal.sentence))
        return show_wait(request, night, form, status=429)
    messages.success(request, _("You are in the line. We have written to %(email)s.") % {"email": party.email})
    return redirect("vip:floor", slug)


def show_wait(request: HttpRequest, night: Event, form: WaitForm, *, status: int = 200) -> HttpResponse:
    """Show the form, with what is not right and what was typed."""
    context = {
        "event": night,
        "form": form,
        "policy": tell_policy(night),
        "offer_minutes": settings.OFFER_MINUTES,
        "is_on_sale": night.is_on_sale(timezone.now()),
    }
    return render(request, "vip/wait.html", context, status=status)


@never_cache
@require_http_methods(["GET", "POST"])
def waiting_party(request: HttpRequest, reference: str) -> HttpResponse:
    """Show a party's place in the line, and let them leave it."""
    party = get_object_or_404(WaitingParty.objects.select_related("event", "order"), reference=reference)
    if request.method == "POST":
        waiting.leave(reference)
        return redirect("vip:waiting", reference)
    if party.order:
        return redirect("vip:order", party.order.reference)
    return private(render(request, "vip/waiting.html", {"party": party, "event": party.event}))
