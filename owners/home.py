"""The console's first page: what is wrong, and its next step; then how the night and the money stand."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Count, F, Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone

from owners import evening, funnel, pulse, reasons, scope, takings
from owners.models import Alert
from owners.takings import Mine
from payments.models import Order, Payment, PaymentFailure
from payments.money import format_cents
from vip import floor_plan

SHOWN = 10
FAILED = (
    PaymentFailure.Category.DECLINED,
    PaymentFailure.Category.AUTHENTICATION,
    PaymentFailure.Category.PROVIDER,
)

Context = dict[str, Any]  # Any: a template's context holds anything


def dashboard(request: HttpRequest, context: Context) -> Context:
    """Add what the home shows, for those who run a night."""
    if scope.runs_nights(request.user):
        context["home"] = gather(request.user, now=timezone.now())
    return context


def gather(user: User | AnonymousUser, *, now: datetime) -> Context:
    """Gather the home's sections for the nights this person runs."""
    mine = scope.conditions(user)
    alerts = unacknowledged(mine)
    is_tonight, nights = evening.nights(mine, now=now)
    return {
        "now": now,
        "alerts": [said_plainly(alert) for alert in alerts[:SHOWN]],
        "alerts_more": alerts.count() - SHOWN,
        **owed(mine),
        "failed": failed_today(mine, now=now),
        "is_tonight": is_tonight,
        "nights": nights,
        "decor": floor_plan.DECOR,
        "takings": takings.of_nights(mine, now=now),
        "funnels": funnel.of_nights(mine, now=now),
        "pulse": pulse.feel(now=now) if scope.runs_every_night(user) else None,
    }


def unacknowledged(mine: Mine) -> QuerySet[Alert]:
    """Return the alerts nobody has seen, newest first."""
    alerts = Alert.objects.filter(mine("event_id"), channel="console", acknowledged_at=None)
    return alerts.select_related("failure", "event").order_by("-created_at")


def said_plainly(alert: Alert) -> Alert:
    """Lay beside an alert what it says, in plain words."""
    setattr(alert, "said", reasons.of_error(alert.body) if alert.body else "")  # noqa: B010 (for the template)
    return alert


def owed(mine: Mine) -> Context:
    """Return the orders whose money is here and whose goods are not, the longest waiting first."""
    waiting = without_goods(mine)
    sums = waiting.aggregate(count=Count("pk"), oldest=Min("paid_at"))
    rows = [row_of(order) for order in with_money(waiting)[:SHOWN]]
    return {"owed": rows, "owed_count": sums["count"], "owed_since": sums["oldest"]}


def without_goods(mine: Mine) -> QuerySet[Order]:
    """Return the orders whose money is here and whose goods are not."""
    return Order.objects.awaiting_goods().filter(mine("event_id"))


def with_money(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Read with each order what of its money is still here, and how its delivery stands; the oldest first."""
    came = Q(payments__status=Payment.Status.SUCCEEDED)
    here = Sum(F("payments__received_cents") - F("payments__refunded_cents"), filter=came)
    return orders.select_related("event", "fulfilment").annotate(here_cents=Coalesce(here, 0)).order_by("paid_at")


def row_of(order: Order) -> Context:
    """Return what the home says of one order."""
    fulfilment, here = getattr(order, "fulfilment", None), int(getattr(order, "here_cents", 0))
    return {
        "order": order,
        "fulfilment": fulfilment,
        "amount": format_cents(order.total_cents, order.currency),
        "refundable": format_cents(here, order.currency) if here else "",
        "error": reasons.of_error(fulfilment.last_error if fulfilment else ""),
    }


def failed_today(mine: Mine, *, now: datetime) -> list[tuple[str, int]]:
    """Count today's failed payments by reason in plain words, the most frequent first."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    failed = PaymentFailure.objects.filter(mine("event_id"), created_at__gte=midnight, category__in=FAILED)
    return by_reason(failed.order_by().values_list("category", "error_code").annotate(times=Count("pk")))


def by_reason(rows: Iterable[tuple[str, str, int]]) -> list[tuple[str, int]]:
    """Add up the codes that mean the same to a person."""
    counts: dict[str, int] = {}
    for category, code, times in rows:
        reason = reasons.of_code(category, code)
        counts[reason] = counts.get(reason, 0) + times
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
