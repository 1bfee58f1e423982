"""The console's first page: what is wrong, and its next step."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Count, Max, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from owners import scope
from owners.models import Alert
from payments.models import Order, PaymentFailure, WebhookEvent
from payments.money import format_cents
from tickets.models import Event

SHOWN = 10
DOORS = time(18)
DAWN = time(5)
SEES = ("owners.view_alert", "payments.view_order", "payments.view_paymentfailure", "tickets.view_event")
FAILED = (
    PaymentFailure.Category.DECLINED,
    PaymentFailure.Category.AUTHENTICATION,
    PaymentFailure.Category.PROVIDER,
)
REASONS = {
    "insufficient_funds": "Not enough money on the card",
    "expired_card": "The card has expired",
    "incorrect_cvc": "The security code was wrong",
    "incorrect_number": "The card number was wrong",
    "lost_card": "The card was reported lost",
    "stolen_card": "The card was reported stolen",
    "generic_decline": "The bank refused, without a reason",
    "card_declined": "The bank refused, without a reason",
    "processing_error": "The bank could not be reached",
    "payment_intent_authentication_failure": "The bank's check was not passed",
}

Context = dict[str, Any]  # Any: a template's context holds anything


def dashboard(request: HttpRequest, context: Context) -> Context:
    """Add what the home shows, for those who may see all of it."""
    if request.user.has_perms(SEES):
        context["home"] = gather(request.user, now=timezone.now())
    return context


def gather(user: User | AnonymousUser, *, now: datetime) -> Context:
    """Gather the home's sections for the nights this person runs."""
    owed = without_goods(user)
    return {
        "alerts": unacknowledged(user)[:SHOWN],
        "owed_count": owed.count(),
        "owed": [{"order": order, "amount": amount(order)} for order in owed[:SHOWN]],
        "failed": failed_today(user, now=now),
        "tonight": tonight(user, now=now),
        "webhooks": webhooks(),
    }


def unacknowledged(user: User | AnonymousUser) -> QuerySet[Alert]:
    """Return the alerts nobody has seen, newest first."""
    mine = Alert.objects.filter(scope.nights(user, "event_id"), channel="console", acknowledged_at=None)
    return mine.order_by("-created_at")


def without_goods(user: User | AnonymousUser) -> QuerySet[Order]:
    """Return the orders whose money is here and whose goods are not, the longest waiting first."""
    mine = Order.objects.awaiting_goods().filter(scope.nights(user, "event_id"))
    return mine.select_related("event", "fulfilment").order_by("paid_at")


def amount(order: Order) -> str:
    """Write what the guest paid."""
    return format_cents(order.total_cents, order.currency)


def failed_today(user: User | AnonymousUser, *, now: datetime) -> list[tuple[str, int]]:
    """Count today's failed payments by reason in plain words, the most frequent first."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    mine = PaymentFailure.objects.filter(scope.nights(user, "event_id"), created_at__gte=midnight, category__in=FAILED)
    return by_reason(mine.values_list("category", "error_code").annotate(times=Count("pk")))


def by_reason(rows: Iterable[tuple[str, str, int]]) -> list[tuple[str, int]]:
    """Add up the codes that mean the same to a person."""
    counts: dict[str, int] = {}
    for category, code, times in rows:
        reason = REASONS.get(code, str(PaymentFailure.Category(category).label))
        counts[reason] = counts.get(reason, 0) + times
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def tonight(user: User | AnonymousUser, *, now: datetime) -> QuerySet[Event]:
    """Return the nights that start between this evening's doors and dawn, with what they sell."""
    doors, dawn = evening(now)
    mine = Event.objects.visible().filter(scope.nights(user, "pk"), starts_at__gte=doors, starts_at__lt=dawn)
    return mine.order_by("starts_at").prefetch_related("ticket_types")


def evening(now: datetime) -> tuple[datetime, datetime]:
    """Return when tonight begins and ends at the venue; until dawn it is still last evening's night."""
    here = timezone.localtime(now)
    day = here.date() - timedelta(days=1) if here.time() < DAWN else here.date()
    zone = here.tzinfo
    return datetime.combine(day, DOORS, zone), datetime.combine(day + timedelta(days=1), DAWN, zone)


def webhooks() -> Context:
    """Say when a provider was last heard, and how many events wait to be applied."""
    last = WebhookEvent.objects.aggregate(last=Max("received_at"))["last"]
    return {"last": last, "backlog": WebhookEvent.objects.filter(next_attempt_at__isnull=False).count()}
