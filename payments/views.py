"""The pages of paying: read the request, make one call, choose the response."""

import logging
from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from payments import checkout, expiry, fulfilment, orders, presses, products, rate_limits
from payments.checkout import Started
from payments.exceptions import GatewayUnavailable, PaymentsError
from payments.models import Order
from payments.presses import Lead
from payments.rate_limits import RateLimited

logger = logging.getLogger(__name__)

STARTS_PER_ADDRESS = "60/minute"
STARTS_PER_ORDER = "30/minute"
QUESTIONS_PER_ORDER = "30/minute"
PROBLEM = "application/problem+json"


def order_or_404(reference: str) -> Order:
    """Return the order a guest holds the reference of."""
    found = orders.find(reference)
    if found is None:
        raise Http404
    return found


def page_of(order: Order) -> str:
    """Return the address of an order's own page."""
    return reverse(products.of(order).page, args=[order.reference])


@never_cache
@require_GET
def pay(request: HttpRequest, reference: str) -> HttpResponse:
    """Show the countdown, the summary and the card field."""
    order, now = order_or_404(reference), timezone.now()
    if not orders.waits_for_money(order, now=now):
        return private(redirect(page_of(order)))
    context = {
        "order": order,
        "lines": [{**line, "cents": line_cents(line)} for line in order.lines],
        "discount_cents": sum(line["quantity"] * line.get("unit_discount_cents", 0) for line in order.lines),
        "now": now,
        "stripe_js_url": settings.STRIPE_JS_URL,
        "publishable_key": settings.STRIPE_PUBLISHABLE_KEY,
        "is_hosted": settings.STRIPE_MODE == "checkout",
    }
    return private(render(request, "payments/pay.html", context))


def line_cents(line: dict[str, int]) -> int:
    """Return what a line costs with every fee in it."""
    return line["quantity"] * (line["unit_price_cents"] + line["unit_fee_cents"])


@require_POST
def start(request: HttpRequest, reference: str) -> JsonResponse:
    """Open the way to pay on our own page, or find the one that is open."""
    try:
        begun = begin(request, order_or_404(reference), mode="elements")
    except PaymentsError as refusal:
        return problem(refusal)
    except RateLimited as refusal:
        return too_fast(refusal)
    return JsonResponse({"payment_id": str(begun.payment_id), "client_secret": begun.client_secret})


@require_POST
def start_hosted(request: HttpRequest, reference: str) -> HttpResponse:
    """Lead a guest to the provider's own page: the road without JavaScript."""
    order = order_or_404(reference)
    try:
        begun = begin(request, order, mode="checkout")
    except PaymentsError as refusal:
        messages.error(request, _(refusal.sentence))
        return redirect("payments:pay", reference)
    except RateLimited as refusal:
        context = {"sentence": _(refusal.sentence), "way_back": reverse("payments:pay", args=[reference])}
        headers = {"Retry-After": str(refusal.wait_seconds)}
        return private(HttpResponse(render(request, "429.html", context).content, status=429, headers=headers))
    response = redirect(begun.redirect_url)
    response.status_code = 303
    return response


def begin(request: HttpRequest, order: Order, *, mode: str) -> Started:
    """Open the way to pay, unless somebody tries that too often: cards are tested by machines."""
    rate_limits.check(STARTS_PER_ADDRESS, "start", rate_limits.address_of(request))
    rate_limits.check(STARTS_PER_ORDER, "start-order", order.reference)
    return checkout.start_payment(order.pk, provider="stripe", mode=mode, now=timezone.now())


@require_POST
def extend(request: HttpRequest, reference: str) -> HttpResponse:
    """Give ten more minutes, once."""
    order, now = order_or_404(reference), timezone.now()
    back = reverse("payments:pay", args=[reference])

    def extend_hold(lead: Lead) -> None:
        orders.extend_hold(order.pk, now=now, remember=lambda _: lead(back))

    return go(request, extend_hold, back=back)


@require_POST
def cancel(request: HttpRequest, reference: str) -> HttpResponse:
    """Let a guest give their places back."""
    order, now = order_or_404(reference), timezone.now()

    def let_go(lead: Lead) -> None:
        expiry.cancel_order(order.pk, now=now, remember=lambda _: lead(page_of(order)))

    return go(request, let_go, back=reverse("payments:pay", args=[reference]))


def go(request: HttpRequest, act: Callable[[Lead], object], *, back: str) -> HttpResponse:
    """Do once what a form asks for and follow where it leads; or say kindly why not, and go back."""
    try:
        return redirect(presses.act_once(request.POST, act, path=request.path, now=timezone.now()))
    except PaymentsError as refusal:
        messages.error(request, _(refusal.sentence))
        return redirect(back)


@never_cache
@require_GET
def come_back(request: HttpRequest, reference: str) -> HttpResponse:
    """Ask the provider how it stands, deliver at once, and show the truth."""
    order = settle(order_or_404(reference))
    if not orders.waits_for_money(order, now=timezone.now()):
        return private(redirect(page_of(order)))
    if request.GET.get("redirect_status") == "failed":
        messages.error(request, _("Payment failed. Please try again."))
    return private(redirect("payments:pay", reference))


@never_cache
@require_GET
def state(request: HttpRequest, reference: str) -> HttpResponse:
    """Say how an order stands; with `ask=1`, as the provider sees it now."""
    order = order_or_404(reference)
    is_known = True
    if request.GET.get("ask") == "1":
        try:
            rate_limits.check(QUESTIONS_PER_ORDER, "ask", order.reference)
            order = settle(order, quietly=False)
        except (GatewayUnavailable, RateLimited):
            is_known = False
    answer = {
        "truth": orders.truth(order),
        "status": order.status,
        "is_known": is_known and not orders.is_deciding(order),
        "expires_at": order.expires_at.isoformat(),
        "now": timezone.now().isoformat(),
        "page": page_of(order),
    }
    return private(JsonResponse(answer))


def settle(order: Order, *, quietly: bool = True) -> Order:
    """Converge to what the provider says and deliver what is owed.

    Raises GatewayUnavailable unless quietly: then what our own books say is shown.
    """
    now = timezone.now()
    try:
        checkout.ask_provider(order, now=now)
    except GatewayUnavailable:
        if not quietly:
            raise
        logger.warning("The provider did not answer for order %s", order.pk)
    fulfilment.try_now(order, now=now)
    return orders.again(order)


def problem(refusal: PaymentsError) -> JsonResponse:
    """Answer with a problem document: a stable code and a kind sentence."""
    body = {"code": refusal.code, "status": refusal.status, "detail": _(refusal.sentence)}
    return JsonResponse(body, status=refusal.status, content_type=PROBLEM)


def too_fast(refusal: RateLimited) -> JsonResponse:
    """Answer that this is too often, and when it no longer is."""
    body = {"code": "too_many_requests", "status": 429, "detail": _(refusal.sentence)}
    return JsonResponse(body, status=429, content_type=PROBLEM, headers={"Retry-After": str(refusal.wait_seconds)})


def private(response: HttpResponse) -> HttpResponse:
    """Keep an order's address out of search engines and other sites' logs.

    Not `no-referrer`: browsers would then send our own forms with `Origin: null`, which the check
    against forged requests refuses.
    """
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "same-origin"
    return response
