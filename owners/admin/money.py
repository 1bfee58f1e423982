"""Payments, refunds and what is owed for them."""

from typing import Any, get_args

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.decorators import display

from owners import provider_pages, reasons
from owners.admin import marks
from owners.admin.base import MismatchFilter, ReadOnlyAdmin
from owners.admin.filters import KnownFilter
from owners.admin.looking_up import FoundByOrder
from owners.admin.nights_only import EveryNightOnly, NightsOnly
from payments import refunds
from payments.exceptions import RefundTooLarge
from payments.models import Fulfilment, Payment, ProviderCall, ReconcileRun, Refund
from payments.money import format_cents
from payments.provider_calls import Operation


@admin.register(Payment)
class PaymentAdmin(FoundByOrder, NightsOnly, ReadOnlyAdmin):
    """Payments: every intent there ever was."""

    night_path = "order__event_id"
    list_display = ("whose", "external_payment_id", "amount", "state", "created_at")
    list_filter = ("status", "provider", "mode")
    list_select_related = ("order",)
    ordering = ("-order__created_at",)
    fieldsets = (
        ("How it stands", {"fields": ("state", "amount", "received", "refunded", "its_order")}),
        ("At the provider", {"fields": ("provider", "mode", "payment", "external_session_id", "told")}),
        ("When", {"fields": ("created_at", "processed_at", "disputed_at")}),
        ("The key it was asked for with", {"fields": ("idempotency_key",)}),
    )
    readonly_fields = ("state", "amount", "received", "refunded", "its_order", "payment", "told")

    @admin.display(description="Amount", ordering="amount_cents")
    def amount(self, payment: Payment) -> str:
        """Write the amount."""
        return format_cents(payment.amount_cents, payment.currency)

    @admin.display(description="Came")
    def received(self, payment: Payment) -> str:
        """Write what came."""
        return format_cents(payment.received_cents, payment.currency)

    @admin.display(description="Went back, or will")
    def refunded(self, payment: Payment) -> str:
        """Write what was promised back."""
        return format_cents(payment.refunded_cents, payment.currency)

    @admin.display(description="State", ordering="status")
    def state(self, payment: Payment) -> SafeString:
        """Write the state."""
        return marks.status(payment.status)

    @admin.display(description="Order")
    def its_order(self, payment: Payment) -> SafeString | str:
        """Link to the order, where its whole story is."""
        return marks.link_to("payments_order", payment.order_id, payment.order.name)

    @admin.display(description="Payment")
    def payment(self, payment: Payment) -> SafeString | str:
        """Link to the payment in its provider's dashboard."""
        id_ = payment.external_payment_id or ""
        return marks.link_out(provider_pages.of_payment(id_), id_)

    @admin.display(description="Told by event")
    def told(self, payment: Payment) -> SafeString | str:
        """Link to the event that told of its success, in its provider's dashboard."""
        return marks.link_out(provider_pages.of_event(payment.told_by), payment.told_by)


@admin.register(Refund)
class RefundAdmin(FoundByOrder, NightsOnly, ReadOnlyAdmin):
    """Money on its way back."""

    night_path = "payment__order__event_id"
    list_display = ("whose", "amount", "reason", "state", "created_at")
    list_filter = ("status", "reason")
    list_select_related = ("payment__order",)
    order_path = "payment__order"
    own_lookups = ("external_refund_id",)
    ordering = ("-created_at",)
    actions = ("try_again",)
    fieldsets = (
        ("How it stands", {"fields": ("state", "amount", "reason", "its_order", "its_payment")}),
        ("When", {"fields": ("created_at", "succeeded_at", "failed_at")}),
        ("Tries", {"fields": ("attempts", "next_attempt_at", "error")}),
        ("Its names", {"fields": ("external_refund_id", "cause")}),
    )
    readonly_fields = ("state", "amount", "its_order", "its_payment", "error")

    @admin.action(description="Try again", permissions=["run"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Refund]) -> None:
        """Send money back that could not go."""
        for refund in queryset:
            try:
                again = refunds.retry(refund.pk, now=timezone.now())
            except RefundTooLarge:
                messages.warning(request, f"{refund}: the money has gone back by another way.")
                continue
            said = "is on its way again" if again else "needs nothing: it is under way or done"
            messages.success(request, f"{refund} {said}.")

    @admin.display(description="Amount", ordering="amount_cents")
    def amount(self, refund: Refund) -> str:
        """Write the amount."""
        return format_cents(refund.amount_cents, refund.payment.currency)

    @admin.display(description="State", ordering="status")
    def state(self, refund: Refund) -> SafeString:
        """Write the state."""
        return marks.status(refund.status)

    @admin.display(description="Order")
    def its_order(self, refund: Refund) -> SafeString | str:
        """Link to the order, where its whole story is."""
        return marks.link_to("payments_order", refund.payment.order_id, refund.payment.order.name)

    @admin.display(description="Payment")
    def its_payment(self, refund: Refund) -> SafeString | str:
        """Link to the payment in its provider's dashboard, where its refunds are."""
        id_ = refund.payment.external_payment_id or ""
        return marks.link_out(provider_pages.of_payment(id_), id_)

    @admin.display(description="Last error")
    def error(self, refund: Refund) -> str:
        """Say in plain words what the last try died of."""
        return reasons.of_error(refund.last_error) if refund.last_error else marks.NOTHING


@admin.register(Fulfilment)
class FulfilmentAdmin(FoundByOrder, NightsOnly, ReadOnlyAdmin):
    """What is owed to paid orders."""

    night_path = "order__event_id"
    list_display = ("whose", "attempts", "next_attempt_at", "done_at", "given_up_at")
    list_select_related = ("order",)
    ordering = ("-order__created_at",)
    fieldsets = (
        ("What is owed", {"fields": ("its_order", "created_at", "done_at", "given_up_at")}),
        ("Tries", {"fields": ("round", "attempts", "next_attempt_at", "locked_until", "error")}),
    )
    readonly_fields = ("its_order", "error")

    @admin.display(description="Order")
    def its_order(self, promised: Fulfilment) -> SafeString | str:
        """Link to the order, where its whole story is."""
        return marks.link_to("payments_order", promised.order_id, promised.order.name)

    @admin.display(description="Last error")
    def error(self, promised: Fulfilment) -> str:
        """Say in plain words what the last try died of."""
        return reasons.of_error(promised.last_error) if promised.last_error else marks.NOTHING


class OperationFilter(KnownFilter):
    """Keys of one kind of operation."""

    title = "operation"
    parameter_name = "operation_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # Any: Django's own signature
        """Name the operations there are."""
        return [(operation, marks.in_words(operation)) for operation in get_args(Operation)]


@admin.register(ProviderCall)
class ProviderCallAdmin(EveryNightOnly, ReadOnlyAdmin):
    """Keys we sent to providers."""

    list_display = ("operation", "outcome", "uses", "mismatches", "created_at")
    list_filter = (OperationFilter, "state", MismatchFilter)
    search_fields = ("key", "resource_id", "operation_id")
    ordering = ("-created_at",)
    fieldsets = (
        ("What was asked", {"fields": ("operation_type", "operation_id", "key", "created_at")}),
        ("What became of it", {"fields": ("outcome", "resource_id", "last_used_at", "uses", "mismatches")}),
        ("Beside it", {"fields": ("details",)}),
    )
    readonly_fields = ("outcome", "details")

    @display(description="Operation", header=True)  # type: ignore[untyped-decorator]  # unfold ships no types
    def operation(self, call: ProviderCall) -> tuple[str, str]:
        """Name what was asked for, and below what it is about at the provider."""
        return marks.in_words(call.operation_type), call.resource_id or marks.NOTHING

    @admin.display(description="State", ordering="state")
    def outcome(self, call: ProviderCall) -> SafeString:
        """Write what became of it."""
        return marks.status(call.state)

    @admin.display(description="Details")
    def details(self, call: ProviderCall) -> SafeString | str:
        """Show what was kept beside it."""
        return marks.json_box(call.metadata, "Details")


@admin.register(ReconcileRun)
class ReconcileRunAdmin(EveryNightOnly, ReadOnlyAdmin):
    """Comparisons with the provider's books."""

    list_display = ("provider", "started_at", "finished_at", "seen", "fed")
    ordering = ("-started_at",)
