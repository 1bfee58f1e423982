"""The console's sidebar, and the name of the place one works in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from owners import scope
from owners.models import Alert
from payments.models import PaymentFailure

MOST = 99
Count = Callable[[HttpRequest], int]


@dataclass(frozen=True, slots=True)
class Page:
    """One link: a model's list by its name, with the number that asks for attention."""

    title: str
    icon: str
    model: str
    count: Count | None = None


def alerts(request: HttpRequest) -> int:
    """Count the alerts nobody has acknowledged."""
    mine = scope.nights(request.user, "event_id")
    return Alert.objects.filter(mine, channel="console", acknowledged_at=None)[: MOST + 1].count()


def failures(request: HttpRequest) -> int:
    """Count the failures that wait for a person: a declined card does not."""
    mine = scope.nights(request.user, "event_id")
    return PaymentFailure.objects.waiting().filter(mine)[: MOST + 1].count()


GROUPS = (
    (
        "Tonight",
        (
            Page("Nights", "nightlife", "tickets.event"),
            Page("Alerts", "notifications", "owners.alert", alerts),
            Page("Tickets", "confirmation_number", "tickets.ticket"),
            Page("Scans at the door", "qr_code_scanner", "tickets.scan"),
            Page("Holds", "hourglass_top", "tickets.ticketreservation"),
        ),
    ),
    (
        "Money",
        (
            Page("Payment failures", "error", "payments.paymentfailure", failures),
            Page("Orders", "receipt_long", "payments.order"),
            Page("Payments", "credit_card", "payments.payment"),
            Page("Refunds", "undo", "payments.refund"),
            Page("Promo codes", "sell", "tickets.promocode"),
            Page("Uses of promo codes", "loyalty", "tickets.promouse"),
            Page("Nights called off or moved", "event_busy", "tickets.nightchange"),
            Page("Orders given back for them", "currency_exchange", "tickets.nightrefund"),
        ),
    ),
    (
        "Tables",
        (
            Page("Tables", "table_bar", "vip.table"),
            Page("Parties", "groups", "vip.vipreservation"),
            Page("Guest passes", "badge", "vip.guestpass"),
            Page("Changes by hand", "history", "vip.tablechange"),
        ),
    ),
    (
        "People",
        (
            Page("Waiting guests", "schedule", "tickets.waitingguest"),
            Page("Waiting parties", "hourglass_top", "vip.waitingparty"),
            Page("Messages", "mail", "payments.email"),
            Page("Roles", "admin_panel_settings", "owners.ownerassignment"),
            Page("Staff", "person", "auth.user"),
            Page("API keys", "key", "owners.staffkey"),
        ),
    ),
    (
        "Machine",
        (
            Page("Webhook events", "webhook", "payments.webhookevent"),
            Page("Errors", "bug_report", "owners.errorlog"),
            Page("Deliveries", "local_shipping", "payments.fulfilment"),
            Page("Audits of the books", "fact_check", "owners.ledgeraudit"),
            Page("Books compared", "balance", "payments.reconcilerun"),
            Page("Keys from programs", "vpn_key", "payments.idempotencykey"),
            Page("Keys sent to providers", "outgoing_mail", "payments.providercall"),
            Page("Scheduled tasks", "alarm", "django_celery_beat.periodictask"),
            Page("Intervals", "timer", "django_celery_beat.intervalschedule"),
            Page("Times of day", "calendar_clock", "django_celery_beat.crontabschedule"),
        ),
    ),
)


def groups(request: HttpRequest) -> list[dict[str, Any]]:  # Any: unfold's own shape
    """Return the sidebar for whoever asks: what they may not see is not there."""
    home = {"title": "Home", "icon": "home", "link": reverse("admin:index")}
    shown: list[dict[str, Any]] = [{"title": "", "items": [home]}]  # Any: unfold's own shape
    for title, pages in GROUPS:
        items = [item for page in pages if (item := item_of(page, request))]
        if items:
            shown.append({"title": title, "separator": False, "items": items})
    return shown


def item_of(page: Page, request: HttpRequest) -> dict[str, Any] | None:  # Any: unfold's own shape
    """Return one link, or nothing where the page is not theirs or not there."""
    shown = {model._meta.label_lower: model_admin for model, model_admin in admin.site._registry.items()}
    model_admin = shown.get(page.model)
    if model_admin is None or not model_admin.has_view_permission(request):
        return None
    link = reverse(f"admin:{page.model.replace('.', '_')}_changelist")
    item = {"title": page.title, "icon": page.icon, "link": link, "active": request.path.startswith(link)}
    if page.count and (count := page.count(request)):
        item |= {"badge": f"{MOST}+" if count > MOST else str(count), "badge_variant": "danger"}
    return item


def environment(request: HttpRequest) -> list[str] | None:
    """Say beside the name where one is, unless it is the real thing."""
    return {"demo": ["Demo", "info"], "staging": ["Staging", "warning"]}.get(settings.MAGUEY_ENV)
