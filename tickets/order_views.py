"""What a guest may do with an order they have: give a ticket away, cancel, mend the address."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from payments import presses, rate_limits
from payments.exceptions import PaymentsError
from payments.models import Order
from payments.presses import Lead
from payments.rate_limits import RateLimited
from payments.views import go
from tickets import addresses, cancelling, transfers
from tickets.forms import CancelForm, FindForm, GiveForm
from tickets.models import Ticket

CHANGES_PER_ORDER = "20/hour"


def order_or_404(reference: str) -> Order:
    """Return a delivered order."""
    delivered = Order.objects.filter(kind=Order.Kind.GA_TICKET, status=Order.Status.FULFILLED)
    return get_object_or_404(delivered.select_related("event"), reference=reference)


@never_cache
@require_http_methods(["GET", "POST"])
def give(request: HttpRequest, reference: str, position: int) -> HttpResponse:
    """Give one ticket of an order to a friend."""
    order = order_or_404(reference)
    mine = Ticket.objects.filter(order=order, position=position)
    return give_from(request, mine, giver=None, back=reverse("tickets:order", args=[reference]))


@never_cache
@require_http_methods(["GET", "POST"])
def give_on(request: HttpRequest, reference: str) -> HttpResponse:
    """Give a ticket one was given to somebody else."""
    mine = Ticket.objects.filter(holder_reference=reference)
    return give_from(request, mine, giver=reference, back=reverse("tickets:home"))


def give_from(request: HttpRequest, mine: QuerySet[Ticket], *, giver: str | None, back: str) -> HttpResponse:
    """Ask for a friend's name and address, then give them the ticket.

    It is looked for only where it has to be given: to a second press it is no longer the giver's.
    """
    form = GiveForm(request.POST if request.method == "POST" else None)

    def give(lead: Lead) -> None:
        ticket, typed = get_object_or_404(mine), form.cleaned_data
        rate_limits.check(CHANGES_PER_ORDER, "give", str(ticket.order_id))
        friend = {"name": typed["name"], "email": typed["email"]}
        transfers.give(ticket.pk, **friend, giver=giver, now=timezone.now(), remember=lambda _: lead(back))

    if form.is_valid():
        try:
            where = presses.act_once(request.POST, give, path=request.path, now=timezone.now())
        except (PaymentsError, RateLimited) as refusal:
            form.add_error(None, _(refusal.sentence))
        else:
            words = {"name": form.cleaned_data["name"]}
            messages.success(request, _("The ticket is %(name)s’s now. We have written to them.") % words)
            return redirect(where)
    ticket = get_object_or_404(mine.select_related("ticket_type", "event"))
    context = {"form": form, "ticket": ticket, "event": ticket.event, "back": back}
    return private(render(request, "tickets/give.html", context, status=422 if form.is_bound else 200))


@never_cache
@require_http_methods(["GET"])
def ticket(request: HttpRequest, reference: str) -> HttpResponse:
    """Show a ticket to whom it was given."""
    found = get_object_or_404(Ticket.objects.select_related("ticket_type", "event"), holder_reference=reference)
    return private(render(request, "tickets/ticket.html", {"ticket": found, "event": found.event}))


@never_cache
@require_http_methods(["GET", "POST"])
def cancel(request: HttpRequest, reference: str) -> HttpResponse:
    """Show exactly what comes back, then cancel for exactly that."""
    bought = Order.objects.filter(kind=Order.Kind.GA_TICKET).select_related("event")
    order, now = get_object_or_404(bought, reference=reference), timezone.now()
    form = CancelForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        back = reverse("tickets:order", args=[reference])
        shown_cents = form.cleaned_data["shown_cents"]

        def call_off(lead: Lead) -> None:
            cancelling.cancel(order.pk, shown_cents=shown_cents, now=now, remember=lambda _: lead(back))

        return go(request, call_off, back=back)
    quote = cancelling.quote(order, now=now)
    if quote is None:
        return redirect("tickets:order", reference)
    return private(render(request, "tickets/cancel.html", {"order": order, "event": order.event, "quote": quote}))


@require_POST
def mend(request: HttpRequest, reference: str) -> HttpResponse:
    """Send an order's tickets to the address that was meant."""
    order = order_or_404(reference)
    form = FindForm(request.POST)
    if not form.is_valid():
        messages.error(request, str(form.errors["email"][0]))
        return redirect("tickets:order", reference)
    email = form.cleaned_data["email"]
    try:
        rate_limits.check(CHANGES_PER_ORDER, "mend", str(order.pk))
        addresses.mend(order.pk, email=email, now=timezone.now())
        messages.success(request, _("Your tickets are on their way to %(email)s.") % {"email": email})
    except (PaymentsError, RateLimited) as refusal:
        messages.error(request, _(refusal.sentence))
    return redirect("tickets:order", reference)


def private(response: HttpResponse) -> HttpResponse:
    """Keep a page's address out of search engines and other sites' logs."""
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "same-origin"
    return response
