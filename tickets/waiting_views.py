"""The line for what is sold out: read the request, make one call, choose the response."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from payments import rate_limits
from payments.exceptions import PaymentsError
from payments.orders import Buyer
from payments.rate_limits import RateLimited
from tickets import waiting
from tickets.forms import WaitForm
from tickets.models import Event, WaitingGuest

WAITS_PER_ADDRESS = "10/minute"


@require_POST
def wait(request: HttpRequest, slug: str) -> HttpResponse:
    """Put a guest in the line."""
    night = get_object_or_404(Event.objects.visible(), slug=slug)
    form = WaitForm(request.POST, types=list(night.ticket_types.order_by("position", "name")))
    if not form.is_valid():
        return show_wait(request, night, form, status=422)
    typed = form.cleaned_data
    buyer = Buyer(typed["name"], typed["email"], language=get_language() or "en")
    try:
        rate_limits.check(WAITS_PER_ADDRESS, "wait", rate_limits.address_of(request))
        guest = waiting.join(typed["type"].pk, buyer=buyer, quantity=typed["quantity"], now=timezone.now())
    except PaymentsError as refusal:
        form.add_error(None, _(refusal.sentence))
        return show_wait(request, night, form, status=refusal.status)
    except RateLimited as refusal:
        form.add_error(None, _(refusal.sentence))
        return show_wait(request, night, form, status=429)
    messages.success(request, _("You are in the line. We have written to %(email)s.") % {"email": guest.email})
    return redirect("tickets:event", slug)


def show_wait(request: HttpRequest, night: Event, form: WaitForm, *, status: int) -> HttpResponse:
    """Show the form with what is not right, and what was typed."""
    context = {"event": night, "form": form, "offer_minutes": settings.OFFER_MINUTES}
    return render(request, "tickets/wait.html", context, status=status)


@never_cache
@require_http_methods(["GET", "POST"])
def waiting_guest(request: HttpRequest, reference: str) -> HttpResponse:
    """Show a guest's place in the line, and let them leave it."""
    guest = get_object_or_404(WaitingGuest.objects.select_related("ticket_type__event", "order"), reference=reference)
    if request.method == "POST":
        waiting.leave(reference)
        return redirect("tickets:waiting", reference)
    if guest.order:
        return redirect("tickets:order", guest.order.reference)
    context = {"guest": guest, "type": guest.ticket_type, "event": guest.ticket_type.event}
    response = render(request, "tickets/waiting.html", context)
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response
