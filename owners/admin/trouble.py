"""What went wrong, what owners were told, and what providers said."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from owners import resolving
from owners.admin.base import MismatchFilter, ReadOnlyAdmin
from owners.models import Alert
from payments import fulfilment, webhooks
from payments.models import IdempotencyKey, PaymentFailure, WebhookEvent
from payments.money import format_cents


@admin.register(PaymentFailure)
class PaymentFailureAdmin(ReadOnlyAdmin):
    """Failures, the unresolved first."""

    list_display = ("what", "category", "severity", "amount", "resolved")
    list_filter = ("resolved", "severity", "category", "payment_type", "event")
    search_fields = ("customer_email", "stripe_payment_intent_id", "stripe_event_id", "order__reference")
    ordering = ("resolved", "-created_at")
    actions = ("resolve", "retry_fulfilment")

    @admin.action(description="Resolve", permissions=["run"])
    def resolve(self, request: HttpRequest, queryset: QuerySet[PaymentFailure]) -> None:
        """Mark these as put right by the person who says so."""
        done = sum(resolving.resolve(failure.pk, user=request.user, now=timezone.now()) for failure in queryset)
        messages.success(request, f"Resolved: {done}.")

    @admin.action(description="Retry fulfilment", permissions=["run"])
    def retry_fulfilment(self, request: HttpRequest, queryset: QuerySet[PaymentFailure]) -> None:
        """Give the orders behind these a fresh set of tries."""
        orders = {failure.order for failure in queryset.select_related("order") if failure.order}
        started = sum(fulfilment.retry(order, now=timezone.now()) for order in orders)
        messages.success(request, f"Started afresh: {started}.")

    @admin.display(description="Guest and reason")
    def what(self, failure: PaymentFailure) -> str:
        """Name the guest and the reason."""
        return f"{failure.customer_email or '—'} · {failure.error_message or failure.error_code}"

    @admin.display(description="Amount", ordering="amount_cents")
    def amount(self, failure: PaymentFailure) -> str:
        """Write the amount."""
        return format_cents(failure.amount_cents, failure.currency) if failure.amount_cents is not None else "—"


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin):
    """What providers told us."""

    list_display = ("type", "event_id", "status", "deliveries", "received_at")
    list_filter = ("status", "provider", "type")
    search_fields = ("event_id",)
    ordering = ("-received_at",)
    actions = ("replay",)

    @admin.action(description="Replay", permissions=["run"])
    def replay(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> None:
        """Have these applied once more."""
        for event in queryset:
            webhooks.replay(event, now=timezone.now())
        messages.success(request, f"Replayed: {len(queryset)}.")


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """What owners were told."""

    list_display = ("title", "channel", "created_at", "sent_at", "acknowledged_at")
    list_filter = ("channel",)
    ordering = ("-created_at",)
    actions = ("acknowledge",)

    @admin.action(description="Acknowledge", permissions=["run"])
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        """Say that somebody has seen these."""
        done = queryset.filter(acknowledged_at=None).update(
            acknowledged_at=timezone.now(), acknowledged_by_id=request.user.pk
        )
        messages.success(request, f"Acknowledged: {done}.")


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    """Keys clients sent us."""

    list_display = ("key", "path", "response_status", "replays", "mismatches")
    list_filter = (MismatchFilter,)
    search_fields = ("key",)
    ordering = ("-created_at",)
