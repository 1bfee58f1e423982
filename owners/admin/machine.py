"""What providers told us, what clients sent us, and what owners were told."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from owners import facts, provider_pages, reasons
from owners.admin import marks
from owners.admin.base import MismatchFilter, ReadOnlyAdmin
from owners.admin.dialogs import AcknowledgeForm, ReplayForm, find, home_if_asked, lead_back
from owners.admin.filters import KnownFilter
from owners.admin.nights_only import EveryNightOnly, NightsOnly
from owners.models import Alert
from payments import webhooks
from payments.gateways import stripe_events
from payments.models import IdempotencyKey, Order, Payment, WebhookEvent

REFUSED = 400


class TypeFilter(KnownFilter):
    """Events of one type we listen to."""

    title = "type"
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # Any: Django's own signature
        """Name the types we listen to."""
        return [(type_, type_) for type_ in sorted(stripe_events.EVENTS)]


class FromFilter(KnownFilter):
    """Events of one provider."""

    title = "provider"
    parameter_name = "provider"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # Any: Django's own signature
        """Name the providers."""
        return [(str(value), str(label)) for value, label in Payment.Provider.choices]


class ChannelFilter(KnownFilter):
    """Alerts by the way they go."""

    title = "channel"
    parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # Any: Django's own signature
        """Name the ways there are."""
        return [(channel, channel.capitalize()) for channel in Alert.CHANNELS]


@admin.register(WebhookEvent)
class WebhookEventAdmin(EveryNightOnly, ReadOnlyAdmin):
    """What providers told us."""

    list_display = ("type", "event_id", "state", "received_at")
    list_filter = ("status", FromFilter, TypeFilter)
    search_fields = ("event_id__exact", "about__exact")
    search_help_text = "An event or what it is about, whole"
    ordering = ("-received_at",)
    actions = ("replay",)
    actions_row = ("replay_one",)
    actions_detail = ("replay_one",)
    fieldsets = (
        ("What was said", {"fields": ("type", "provider", "event", "its_payment", "its_order")}),
        ("What became of it", {"fields": ("state", "received_at", "processed_at")}),
        ("Tries", {"fields": ("attempts", "next_attempt_at", "processing_started_at", "error")}),
        ("As it came, without its secrets", {"fields": ("as_it_came",)}),
    )
    readonly_fields = ("event", "its_payment", "its_order", "state", "error", "as_it_came")

    @admin.action(description="Replay", permissions=["run"])
    def replay(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> None:
        """Have these applied once more."""
        for event in queryset:
            self.replay_event(request, event)
        messages.success(request, f"Replayed: {len(queryset)}.")

    @action(  # type: ignore[untyped-decorator]  # unfold ships no types
        description="Replay…",
        permissions=["run"],
        url_path="replay",
        icon="replay",
        dialog={"title": "Apply this event once more?", "form_class": ReplayForm, "form_submit_text": "Replay"},
    )
    def replay_one(self, request: HttpRequest, form: ReplayForm, object_id: str) -> HttpResponse:
        """Have an event applied once more."""
        event = find(self.get_queryset(request), object_id)
        self.replay_event(request, event)
        messages.success(request, f"{event.type} is applied once more.")
        return lead_back(request, "admin:payments_webhookevent_changelist")

    def replay_event(self, request: HttpRequest, event: WebhookEvent) -> None:
        """Replay one event, and keep who asked for it in its history."""
        webhooks.replay(event, now=timezone.now())
        self.log_change(request, event, facts.REPLAYED)

    @admin.display(description="State", ordering="status")
    def state(self, event: WebhookEvent) -> SafeString:
        """Write what became of it."""
        return marks.status(event.status)

    @admin.display(description="Event")
    def event(self, event: WebhookEvent) -> SafeString | str:
        """Link to the event in its provider's dashboard."""
        return marks.link_out(provider_pages.of_event(event.event_id), event.event_id)

    @admin.display(description="About")
    def its_payment(self, event: WebhookEvent) -> SafeString | str:
        """Link to the payment it is about, in its provider's dashboard."""
        return marks.link_out(provider_pages.of_payment(event.about), event.about)

    @admin.display(description="Order")
    def its_order(self, event: WebhookEvent) -> SafeString | str:
        """Link to the order it is about, where its whole story is."""
        named = Q(payments__external_payment_id=event.about) | Q(payments__external_session_id=event.about)
        order = Order.objects.filter(named).first() if event.about else None
        return marks.link_to("payments_order", order and order.pk, order.name if order else "")

    @admin.display(description="Last error")
    def error(self, event: WebhookEvent) -> str:
        """Say in plain words what the last try died of."""
        return reasons.of_error(event.last_error) if event.last_error else marks.NOTHING

    @admin.display(description="Payload")
    def as_it_came(self, event: WebhookEvent) -> SafeString | str:
        """Show what was sent."""
        return marks.json_box(event.payload, "Payload", is_open=False)


@admin.register(Alert)
class AlertAdmin(NightsOnly, ReadOnlyAdmin):
    """What owners were told."""

    night_path = "event_id"
    list_display = ("title", "channel", "created_at", "sent_at", "acknowledged_at")
    list_filter = (ChannelFilter,)
    list_select_related = ("failure",)
    ordering = ("-created_at",)
    actions = ("acknowledge",)
    actions_detail = ("acknowledge_one",)
    fieldsets = (
        ("What happened", {"fields": ("state", "title", "said", "its_failure", "event")}),
        ("Who was told", {"fields": ("channel", "recipient", "created_at", "sent_at", "sent_again_at")}),
        ("Who has seen it", {"fields": ("acknowledged_by", "acknowledged_at")}),
        ("Sending", {"fields": ("attempts", "next_attempt_at", "error")}),
    )
    readonly_fields = ("state", "said", "its_failure", "error")

    @admin.action(description="Acknowledge", permissions=["run"])
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[Alert]) -> HttpResponse | None:
        """Say that somebody has seen these."""
        messages.success(request, f"Acknowledged: {self.see(request, queryset)}.")
        return home_if_asked(request)

    @action(  # type: ignore[untyped-decorator]  # unfold ships no types
        description="Acknowledge…",
        permissions=["run"],
        url_path="acknowledge",
        icon="visibility",
        dialog={"title": "Have you seen this?", "form_class": AcknowledgeForm, "form_submit_text": "Acknowledge"},
    )
    def acknowledge_one(self, request: HttpRequest, form: AcknowledgeForm, object_id: str) -> HttpResponse:
        """Say that somebody has seen an alert."""
        alert = find(self.get_queryset(request), object_id)
        if self.see(request, Alert.objects.filter(pk=alert.pk)):
            messages.success(request, "Acknowledged.")
        else:
            messages.warning(request, "Somebody had acknowledged it already.")
        return lead_back(request, "admin:owners_alert_changelist")

    def see(self, request: HttpRequest, alerts: QuerySet[Alert]) -> int:
        """Write down who has seen alerts, and when; return how many nobody had."""
        unseen = alerts.filter(acknowledged_at=None)
        return unseen.update(acknowledged_at=timezone.now(), acknowledged_by_id=request.user.pk)

    @admin.display(description="State")
    def state(self, alert: Alert) -> SafeString:
        """Write whether anybody has seen it; until then, how bad it is."""
        if alert.acknowledged_at:
            return marks.badge("Acknowledged", "good")
        return marks.status(alert.failure.severity if alert.failure else "critical")

    @admin.display(description="In plain words")
    def said(self, alert: Alert) -> str:
        """Say in plain words what happened."""
        return reasons.of_error(alert.body) if alert.body else marks.NOTHING

    @admin.display(description="Failure")
    def its_failure(self, alert: Alert) -> SafeString | str:
        """Link to what it tells of, where the next step is."""
        return marks.link_to("payments_paymentfailure", alert.failure_id, str(alert.failure or ""))

    @admin.display(description="Last error")
    def error(self, alert: Alert) -> str:
        """Say in plain words why it could not be sent."""
        return reasons.of_error(alert.last_error) if alert.last_error else marks.NOTHING


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(EveryNightOnly, ReadOnlyAdmin):
    """Keys clients sent us."""

    list_display = ("asked", "answered", "replays", "mismatches", "created_at")
    list_filter = (MismatchFilter,)
    search_fields = ("key",)
    search_help_text = "A key, or a part of it"
    ordering = ("-created_at",)
    fieldsets = (
        ("What was asked", {"fields": ("key", "scope", "method", "path", "fingerprint", "created_at")}),
        ("What it was used for again", {"fields": ("replays", "mismatches")}),
        ("What was answered, without its secrets", {"fields": ("answered", "answer", "headers")}),
    )
    readonly_fields = ("answered", "answer", "headers")

    @display(description="Request and key", header=True)  # type: ignore[untyped-decorator]  # unfold ships no types
    def asked(self, key: IdempotencyKey) -> tuple[str, str]:
        """Write what was asked for, and below the key it came with."""
        return f"{key.method} {key.path}", key.key

    @admin.display(description="Answered", ordering="response_status")
    def answered(self, key: IdempotencyKey) -> SafeString:
        """Write the status of the answer; a key without one is at work, or its answer held a secret."""
        if key.response_status is None:
            return marks.badge("Nothing kept", "dull")
        return marks.badge(str(key.response_status), "good" if key.response_status < REFUSED else "odd")

    @admin.display(description="Answer")
    def answer(self, key: IdempotencyKey) -> SafeString | str:
        """Show what the first request was answered."""
        return marks.json_box(key.response_body, "Answer")

    @admin.display(description="Headers")
    def headers(self, key: IdempotencyKey) -> SafeString | str:
        """Show the headers of that answer."""
        return marks.json_box(key.response_headers, "Headers", is_open=False)
