"""What went wrong with money, and its next step."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.forms import ActionForm

from owners import exporting, provider_pages, reasons, resolving
from owners.admin import marks
from owners.admin.base import ReadOnlyAdmin
from owners.admin.dialogs import (
    RefundFailureForm,
    ResolveForm,
    RetryFailureForm,
    WriteFailureForm,
    failure_of,
    lead_back,
    send_back,
    send_letter,
)
from owners.admin.filters import DaysFilter, ProviderFilter
from owners.admin.looking_up import FoundByOrder
from owners.admin.nights_only import NightsOnly
from owners.admin.tables import beside, note_of
from owners.models import Alert
from payments import fulfilment
from payments.models import PaymentFailure
from payments.models.failure import WORST_FIRST
from payments.money import format_cents

LIST = "admin:payments_paymentfailure_changelist"
Failures = QuerySet[PaymentFailure]


class ResolveActionForm(ActionForm):  # type: ignore[misc]  # unfold ships no types
    """What resolving several at once needs to know."""

    note = forms.CharField(max_length=200, required=False, label="", widget=beside("What was done about it", size=28))


def written(moment: datetime) -> str:
    """Write a moment in the venue's time."""
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M}"


EXPORTED: exporting.Columns[PaymentFailure] = {
    "When": lambda failure: written(failure.created_at),
    "Guest": lambda failure: failure.customer_email,
    "Reason": reasons.of_failure,
    "Category": lambda failure: failure.get_category_display(),
    "Severity": lambda failure: failure.severity,
    "Amount": lambda failure: "" if failure.amount_cents is None else f"{failure.amount_cents / 100:.2f}",
    "Currency": lambda failure: failure.currency.upper(),
    "Night": lambda failure: failure.event.title if failure.event else "",
    "Order": lambda failure: failure.order.reference if failure.order else "",
    "Payment": lambda failure: failure.stripe_payment_intent_id,
    "Event": lambda failure: failure.stripe_event_id,
    "Code": lambda failure: failure.error_code,
    "Message": lambda failure: failure.error_message,
    "Resolved": lambda failure: "yes" if failure.resolved else "no",
    "Note": lambda failure: failure.resolution_note,
}


@admin.register(PaymentFailure)
class PaymentFailureAdmin(FoundByOrder, NightsOnly, ReadOnlyAdmin):
    """Failures: the unresolved first, and of those the worst."""

    night_path = "event_id"
    list_display = ("what", "kind", "amount", "when", "state")
    list_filter = (
        *("resolved", "severity", "category", "payment_type", ProviderFilter),
        *(("created_at", DaysFilter), "event"),
    )
    list_filter_submit = True
    list_before_template = "admin/payments/paymentfailure/_export.html"
    list_select_related = ("order", "event")
    own_lookups = ("customer_email__istartswith", "stripe_payment_intent_id", "stripe_event_id")
    search_help_text = "Email, pi_…, evt_… or an order"
    ordering = ("resolved", WORST_FIRST, "-created_at")
    action_form = ResolveActionForm
    actions = ("resolve", "retry_fulfilment")
    actions_row = ("resolve_one", "email_one", "retry_one", "refund_one")
    actions_detail = ("resolve_one", "email_one", "retry_one", "refund_one")
    fieldsets = (
        ("What happened", {"fields": ("reason", "kind", "state", "amount", "when", "night", "its_order")}),
        ("At the provider", {"fields": ("payment", "told_by", "error_code", "error_message")}),
        ("Put right", {"fields": ("resolved", "resolved_at", "resolved_by", "resolution_note")}),
        ("What owners were told", {"fields": ("told",)}),
        ("Beside it", {"fields": ("cause", "details")}),
    )
    readonly_fields = (
        *("reason", "kind", "state", "amount", "when", "night", "its_order", "payment", "told_by", "told", "details"),
    )

    def get_urls(self) -> list[Any]:  # Any: Django's own patterns
        """Add the page of the list as a file."""
        export = self.admin_site.admin_view(self.export)
        return [path("export/", export, name="payments_paymentfailure_export"), *super().get_urls()]

    def export(self, request: HttpRequest) -> StreamingHttpResponse:
        """Answer with the list as it is narrowed down and sorted, as a file."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = self.get_changelist_instance(request).get_queryset(request).select_related("order", "event")
        return exporting.download(rows, EXPORTED, name="payment-failures")

    @admin.action(description="Resolve (say what was done)", permissions=["run"])
    def resolve(self, request: HttpRequest, queryset: Failures) -> None:
        """Mark these as put right by the person who says so, and how."""
        note = note_of(request)
        if not note:
            messages.error(request, "Say what was done about it, in the field beside the action.")
            return
        done = sum(resolving.resolve(row.pk, user=request.user, note=note, now=timezone.now()) for row in queryset)
        messages.success(request, f"Resolved: {done}.")

    @admin.action(description="Retry fulfilment", permissions=["run"])
    def retry_fulfilment(self, request: HttpRequest, queryset: Failures) -> None:
        """Give the orders behind these a fresh set of tries."""
        orders = {failure.order for failure in queryset.select_related("order") if failure.order}
        started = sum(fulfilment.retry(order, now=timezone.now()) for order in orders)
        messages.success(request, f"Started afresh: {started}.")

    @action(  # type: ignore[untyped-decorator]  # unfold ships no types
        description="Resolve…",
        permissions=["run"],
        url_path="resolve",
        icon="task_alt",
        dialog={"title": "Resolve this failure", "form_class": ResolveForm, "form_submit_text": "Resolve"},
    )
    def resolve_one(self, request: HttpRequest, form: ResolveForm, object_id: str) -> HttpResponse:
        """Mark a failure as put right, with how; who and when are kept."""
        note, user = form.cleaned_data["note"], request.user
        if resolving.resolve(UUID(object_id), user=user, note=note, now=timezone.now()):
            messages.success(request, "Resolved.")
        else:
            messages.warning(request, "Somebody, or the guest's own success, had resolved it already.")
        return lead_back(request, LIST)

    @action(  # type: ignore[untyped-decorator]  # unfold ships no types
        description="Retry fulfilment…",
        permissions=["run"],
        url_path="retry",
        icon="replay",
        dialog={"title": "Try to deliver again?", "form_class": RetryFailureForm, "form_submit_text": "Retry now"},
    )
    def retry_one(self, request: HttpRequest, form: RetryFailureForm, object_id: str) -> HttpResponse:
        """Give the order behind a failure a fresh set of tries."""
        if form.order is not None and fulfilment.retry(form.order, now=timezone.now()):
            messages.success(request, f"{form.order.name}: the first of six fresh tries has begun.")
        else:
            messages.warning(request, "Nothing is owed here: there is nothing to try again.")
        return lead_back(request, LIST)

    @action(  # type: ignore[untyped-decorator]  # unfold ships no types
        description="Refund…",
        permissions=["run"],
        url_path="refund",
        icon="undo",
        dialog={"title": "Send the money back?", "form_class": RefundFailureForm, "form_submit_text": "Refund"},
    )
    def refund_one(self, request: HttpRequest, form: RefundFailureForm, object_id: str) -> HttpResponse:
        """Promise back all the money of the order behind a failure."""
        order = failure_of(request, object_id).order
        if order is not None:
            send_back(request, order.pk)
        return lead_back(request, LIST)

    @action(  # type: ignore[untyped-decorator]  # unfold ships no types
        description="Email guest…",
        permissions=["run"],
        url_path="email",
        icon="mail",
        dialog={"title": "Write to the guest", "form_class": WriteFailureForm, "form_submit_text": "Send"},
    )
    def email_one(self, request: HttpRequest, form: WriteFailureForm, object_id: str) -> HttpResponse:
        """Send the guest behind a failure a letter."""
        send_letter(request, form)
        return lead_back(request, LIST)

    @display(description="Guest and reason", header=True)  # type: ignore[untyped-decorator]  # unfold ships no types
    def what(self, failure: PaymentFailure) -> tuple[str, str]:
        """Name the guest, and below the reason in plain words."""
        guest = failure.order.name if failure.order else failure.customer_email or "No guest"
        return guest, reasons.of_failure(failure)

    @admin.display(description="Kind", ordering="category")
    def kind(self, failure: PaymentFailure) -> SafeString:
        """Write the category."""
        return marks.badge(failure.get_category_display(), "plain")

    @admin.display(description="Amount", ordering="amount_cents")
    def amount(self, failure: PaymentFailure) -> str:
        """Write the amount."""
        if failure.amount_cents is None:
            return marks.NOTHING
        return format_cents(failure.amount_cents, failure.currency)

    @admin.display(description="When", ordering="created_at")
    def when(self, failure: PaymentFailure) -> str:
        """Write when it happened, in the venue's time."""
        return marks.moment(failure.created_at)

    @admin.display(description="State", ordering="severity")
    def state(self, failure: PaymentFailure) -> SafeString:
        """Write how bad it is, or that it is put right; what cannot wait has its next step beside it."""
        if failure.resolved:
            return marks.status("resolved")
        badge = marks.status(failure.severity)
        if failure.severity != PaymentFailure.Severity.CRITICAL:
            return badge
        about = failure.customer_email or failure.get_category_display()
        words = ["Resolve"]
        if failure.category == PaymentFailure.Category.FULFILMENT:
            words.insert(0, "Retry")
        page = "payments_paymentfailure"
        buttons = [(marks.dialog_button(f"{page}_{word.lower()}_one", failure.pk, word, about),) for word in words]
        return format_html('<span class="state">{}{}</span>', badge, format_html_join("", "{}", buttons))

    @admin.display(description="Reason")
    def reason(self, failure: PaymentFailure) -> str:
        """Say in plain words why."""
        return f"{reasons.of_failure(failure)} · {failure.customer_email or 'no guest'}"

    @admin.display(description="Night")
    def night(self, failure: PaymentFailure) -> SafeString | str:
        """Link to the night."""
        return marks.link_to("tickets_event", failure.event_id, str(failure.event))

    @admin.display(description="Order")
    def its_order(self, failure: PaymentFailure) -> SafeString | str:
        """Link to the order, where its whole story is."""
        order = failure.order
        words = f"{order.name} · {order.get_kind_display()} · {order.status}" if order else ""
        return marks.link_to("payments_order", failure.order_id, words)

    @admin.display(description="Payment")
    def payment(self, failure: PaymentFailure) -> SafeString | str:
        """Link to the payment in its provider's dashboard."""
        id_ = failure.stripe_payment_intent_id
        return marks.link_out(provider_pages.of_payment(id_), id_)

    @admin.display(description="Told by event")
    def told_by(self, failure: PaymentFailure) -> SafeString | str:
        """Link to the event in its provider's dashboard."""
        return marks.link_out(provider_pages.of_event(failure.stripe_event_id), failure.stripe_event_id)

    @admin.display(description="Alerts")
    def told(self, failure: PaymentFailure) -> SafeString | str:
        """Say who was told, when, and who has seen it."""
        alerts = failure.alerts.select_related("acknowledged_by").order_by("created_at", "channel")
        return marks.lines([history_of(alert) for alert in alerts], "Nobody: no owner has to act on such a failure.")

    @admin.display(description="Details")
    def details(self, failure: PaymentFailure) -> SafeString | str:
        """Show what was kept beside it."""
        return marks.json_box(failure.metadata, "Details")


def history_of(alert: Alert) -> str:
    """Say of one alert how it went out, and who has seen it."""
    sent = f"sent {written(alert.sent_at)}" if alert.sent_at else "not sent yet"
    parts = [f"{alert.channel.capitalize()} {alert.recipient}".strip(), sent]
    if alert.sent_again_at:
        parts.append(f"again {written(alert.sent_again_at)}")
    if alert.acknowledged_at:
        parts.append(f"seen by {alert.acknowledged_by} {written(alert.acknowledged_at)}")
    return " · ".join(parts)
