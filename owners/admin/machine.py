"""What providers told us, what clients sent us, and what owners were told."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from owners.admin.base import MismatchFilter, ReadOnlyAdmin
from owners.admin.dialogs import home_if_asked
from owners.admin.nights_only import EveryNightOnly, NightsOnly
from owners.models import Alert
from payments import webhooks
from payments.models import IdempotencyKey, WebhookEvent


@admin.register(WebhookEvent)
class WebhookEventAdmin(EveryNightOnly, ReadOnlyAdmin):
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
class AlertAdmin(NightsOnly, ReadOnlyAdmin):
    """What owners were told."""

    night_path = "event_id"
    list_display = ("title", "channel", "created_at", "sent_at", "acknowledged_at")
    list_filter = ("channel",)
    ordering = ("-created_at",)
    actions = ("acknowledge",)

    @admin.action(description="Acknowledge", permissions=["run"])
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[Alert]) -> HttpResponse | None:
        """Say that somebody has seen these."""
        done = queryset.filter(acknowledged_at=None).update(
            acknowledged_at=timezone.now(), acknowledged_by_id=request.user.pk
        )
        messages.success(request, f"Acknowledged: {done}.")
        return home_if_asked(request)


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(EveryNightOnly, ReadOnlyAdmin):
    """Keys clients sent us."""

    list_display = ("key", "path", "response_status", "replays", "mismatches")
    list_filter = (MismatchFilter,)
    search_fields = ("key",)
    ordering = ("-created_at",)
