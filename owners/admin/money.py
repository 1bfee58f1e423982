"""Orders, payments, refunds and what is owed for them."""

from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.decorators import action

from owners.admin.base import MismatchFilter, ReadOnlyAdmin
from owners.admin.dialogs import RefundForm, RetryForm, home_if_asked, lead_back, send_back
from owners.admin.nights_only import EveryNightOnly, NightsOnly
from payments import fulfilment, refunds
from payments.exceptions import RefundTooLarge
from payments.models import Email, Fulfilment, Order, Payment, ProviderCall, ReconcileRun, Refund
from payments.money import format_cents


@admin.register(Order)
class OrderAdmin(NightsOnly, ReadOnlyAdmin):
    """Orders, newest first."""

    night_path = "event_id"
    list_display = ("reference", "guest", "event", "total", "status")
    list_filter = ("status", "kind", "event")
    list_select_related = ("event",)
    search_fields = ("reference", "email", "name", "payments__external_payment_id")
    ordering = ("-created_at",)
    actions = ("retry_fulfilment", "refund")
    actions_detail = ("retry_one", "refund_one")

    @admin.action(description="Retry fulfilment", permissions=["run"])
    def retry_fulfilment(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Give these orders a fresh set of tries."""
        started = sum(fulfilment.retry(order, now=timezone.now()) for order in queryset)
        messages.success(request, f"Started afresh: {started}.")
        return home_if_asked(request)

    @action(  # type: ignore[untyped-decorator]  # unfold ships no types
        description="Retry fulfilment…",
        permissions=["run"],
        url_path="retry",
        dialog={"title": "Try to deliver again?", "form_class": RetryForm, "form_submit_text": "Retry now"},
    )
    def retry_one(self, request: HttpRequest, form: RetryForm, object_id: str) -> HttpResponse:
        """Give an order a fresh set of tries."""
        if form.order is not None and fulfilment.retry(form.order, now=timezone.now()):
            messages.success(request, f"{form.order.name}: the first of six fresh tries has begun.")
        else:
            messages.warning(request, "Nothing is owed to this order: there is nothing to try again.")
        return lead_back(request, "admin:payments_order_changelist")

    @action(  # type: ignore[untyped-decorator]  # unfold ships no types
        description="Refund…",
        permissions=["run"],
        url_path="refund",
        dialog={"title": "Send the money back?", "form_class": RefundForm, "form_submit_text": "Refund"},
    )
    def refund_one(self, request: HttpRequest, form: RefundForm, object_id: str) -> HttpResponse:
        """Promise back all the money of an order."""
        send_back(request, UUID(object_id))
        return lead_back(request, "admin:payments_order_changelist")

    @admin.action(description="Refund in full", permissions=["run"])
    def refund(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        """Promise back all the money of these orders."""
        owed = [
            refund
            for order in queryset
            for refund in refunds.refund_order(
                order.pk, reason=Refund.Reason.OWNER, cause=f"console:{request.user.pk}", now=timezone.now()
            )
        ]
        messages.success(request, f"On their way back: {len(owed)}.")

    @admin.display(description="Guest")
    def guest(self, order: Order) -> str:
        """Name the guest."""
        return f"{order.name} · {order.email}"

    @admin.display(description="Total", ordering="total_cents")
    def total(self, order: Order) -> str:
        """Write the total."""
        return format_cents(order.total_cents, order.currency)


@admin.register(Payment)
class PaymentAdmin(NightsOnly, ReadOnlyAdmin):
    """Payments: every intent there ever was."""

    night_path = "order__event_id"
    list_display = ("external_payment_id", "order", "amount", "status", "created_at")
    list_filter = ("status", "provider", "mode")
    list_select_related = ("order",)
    search_fields = ("external_payment_id", "external_session_id", "order__reference", "order__email")
    ordering = ("-created_at",)

    @admin.display(description="Amount", ordering="amount_cents")
    def amount(self, payment: Payment) -> str:
        """Write the amount."""
        return format_cents(payment.amount_cents, payment.currency)


@admin.register(Refund)
class RefundAdmin(NightsOnly, ReadOnlyAdmin):
    """Money on its way back."""

    night_path = "payment__order__event_id"
    list_display = ("external_refund_id", "payment", "amount", "reason", "status")
    list_filter = ("status", "reason")
    list_select_related = ("payment",)
    search_fields = ("external_refund_id", "payment__external_payment_id", "payment__order__reference")
    ordering = ("-created_at",)
    actions = ("try_again",)

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


@admin.register(Fulfilment)
class FulfilmentAdmin(NightsOnly, ReadOnlyAdmin):
    """What is owed to paid orders."""

    night_path = "order__event_id"
    list_display = ("order", "attempts", "next_attempt_at", "done_at", "given_up_at")
    list_select_related = ("order",)
    search_fields = ("order__reference", "order__email")
    ordering = ("-created_at",)


@admin.register(Email)
class EmailAdmin(NightsOnly, ReadOnlyAdmin):
    """Messages to guests."""

    night_path = "order__event_id"
    list_display = ("kind", "recipient", "attempts", "next_attempt_at", "sent_at")
    list_filter = ("kind", ("bounced_at", admin.EmptyFieldListFilter))
    search_fields = ("recipient", "order__reference")
    ordering = ("-created_at",)


@admin.register(ProviderCall)
class ProviderCallAdmin(EveryNightOnly, ReadOnlyAdmin):
    """Keys we sent to providers."""

    list_display = ("operation_type", "resource_id", "state", "uses", "mismatches")
    list_filter = ("operation_type", "state", MismatchFilter)
    search_fields = ("key", "resource_id", "operation_id")
    ordering = ("-created_at",)


@admin.register(ReconcileRun)
class ReconcileRunAdmin(EveryNightOnly, ReadOnlyAdmin):
    """Comparisons with the provider's books."""

    list_display = ("provider", "started_at", "finished_at", "seen", "fed")
    ordering = ("-started_at",)
