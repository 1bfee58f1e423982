"""Figures for Prometheus, read from PostgreSQL at the scrape: nothing is counted while guests are served."""

import hmac
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from owners import watch
from owners.models import Alert
from payments import identity
from payments.models import Email, Fulfilment, Order, PaymentFailure, Refund
from tickets.models import Scan


class Club(Collector):
    """Everything worth a figure, in one reading."""

    def collect(self) -> Iterator[Metric]:
        """Read each figure."""
        now = timezone.now()
        unresolved = PaymentFailure.objects.unresolved()
        yield by("maguey_orders", "Orders by status.", Order.objects.all(), "status")
        yield from owed(now)
        yield by("maguey_failures_unresolved", "Failures nobody has put right, by category.", unresolved, "category")
        yield by("maguey_refunds", "Refunds by status.", Refund.objects.all(), "status")
        yield by("maguey_scans", "Scans at the door, by kind.", Scan.objects.all(), "kind")
        yield one("maguey_emails_owed", "Messages not sent yet.", Email.objects.filter(sent_at=None).count())
        unseen = Alert.objects.filter(channel="console", acknowledged_at=None).count()
        yield one("maguey_alerts_unacknowledged", "Alerts nobody has seen.", unseen)
        yield from webhooks(now)


def owed(now: datetime) -> Iterator[Metric]:
    """Read what is paid and not delivered, and what is held."""
    waiting = Fulfilment.objects.filter(done_at=None, order__status=Order.Status.PAID).aggregate(
        count=Count("pk"), given_up=Count("pk", filter=Q(given_up_at__isnull=False)), oldest=Min("created_at")
    )
    yield one("maguey_payments_awaiting_tickets", "Orders paid and not delivered.", waiting["count"])
    yield one("maguey_fulfilments_given_up", "Of them, those whose tries are used up.", waiting["given_up"])
    age = (now - waiting["oldest"]).total_seconds() if waiting["oldest"] else 0
    yield one("maguey_payments_awaiting_tickets_oldest_seconds", "Age of the oldest of them.", age)
    held = Order.objects.filter(status=Order.Status.PENDING, expires_at__gt=now).count()
    yield one("maguey_holds", "Orders held and not paid.", held)
    yield one("maguey_holds_overdue", "Orders whose hold should have ended.", Order.objects.overdue(now).count())


def webhooks(now: datetime) -> Iterator[Metric]:
    """Read how each provider's events stand."""
    backlog = GaugeMetricFamily("maguey_webhook_backlog", "Events not applied yet.", labels=["provider"])
    age = GaugeMetricFamily("maguey_webhook_last_received_seconds", "Since the last event.", labels=["provider"])
    for name, found in watch.webhooks(now=now).items():
        backlog.add_metric([name], found.backlog)
        if found.last_received_at:
            age.add_metric([name], (now - found.last_received_at).total_seconds())
    yield backlog
    yield age


@identity.acting(identity.SERVICE)
def by(name: str, says: str, rows: "QuerySet[Any]", label: str) -> Metric:  # Any: rows of any model
    """Return how many rows there are of each value of a column."""
    found = GaugeMetricFamily(name, says, labels=[label])
    for value, count in rows.order_by().values_list(label).annotate(Count("pk")):
        found.add_metric([str(value)], count)
    return found


def one(name: str, says: str, value: float) -> Metric:
    """Return a single figure."""
    return GaugeMetricFamily(name, says, value=value)


REGISTRY = CollectorRegistry()
REGISTRY.register(Club())


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Show the figures, to whoever has the token where there is one; without one, only the demo shows them."""
    token = settings.METRICS_TOKEN
    sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
    allowed = hmac.compare_digest(sent.encode(), token.encode()) if token else settings.MAGUEY_ENV == "demo"
    if not allowed:
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)
