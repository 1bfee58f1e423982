"""Nights, what is sold for them, and who came."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from owners.admin import marks
from owners.admin.base import ReadOnlyAdmin, lead_to
from owners.admin.looking_up import FoundByOrder
from owners.admin.night_forms import CallOffForm, DuplicateForm, PostponeForm
from owners.admin.nights_only import ITSELF, NightsOnly
from owners.admin.selling import RefundPolicyInline
from payments import refunds
from payments.exceptions import NothingToRefund, PaymentsError, RefundTooLarge
from payments.models import Refund
from payments.money import format_cents
from tickets import nights, programme
from tickets.models import Event, Scan, Ticket, TicketReservation, TicketType
from vip import floor, floor_plan, summary, tables


class TicketTypeInline(NightsOnly, TabularInline):  # type: ignore[misc]  # unfold ships no types
    """What a night sells; the counters are the database's own."""

    night_path = "event_id"
    model = TicketType
    fields = (
        *("name", "slug", "price_cents", "fee_cents", "capacity", "held", "sold", "max_per_order"),
        *("sales_start_at", "sales_end_at", "on_sale"),
    )
    readonly_fields = ("held", "sold")
    extra = 0
    can_delete = False

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:  # Any: Django's own signature
        """Name each field aloud: what is written above a column is no label."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field:
            field.widget.attrs["aria-label"] = field.label
        return field


@admin.register(Event)
class EventAdmin(NightsOnly, ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Nights."""

    night_path = ITSELF
    list_display = ("title", "starts_at", "status", "sold")
    list_filter = ("status",)
    search_fields = ("title", "slug")
    readonly_fields = ("status", "cancelled_at", "postponed_at", "refunds_until", "idempotency_key")
    ordering = ("-starts_at",)
    actions_detail = ("reservations", "put_on_again", "postpone", "call_off")
    inlines = (TicketTypeInline, RefundPolicyInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        """Read what each night sells at one go."""
        found: QuerySet[Event] = super().get_queryset(request)
        return found.prefetch_related("ticket_types")

    @action(description="Tables", permissions=["view"])  # type: ignore[untyped-decorator]  # unfold ships no types
    def reservations(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show a night's tables in figures and on the plan of the room."""
        event = get_object_or_404(self.get_queryset(request), pk=object_id)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Tables of {event}",
            "event": event,
            "summary": summary.of_night(event),
            "places": floor.of_night(event, now=timezone.now()),
            "decor": floor_plan.DECOR,
        }
        return TemplateResponse(request, "admin/tickets/event/reservations.html", context)

    @action(  # type: ignore[untyped-decorator]  # unfold ships no types
        description="Put on again…",
        permissions=["put_on"],
        dialog={
            "title": "Put this night on again",
            "description": "Its words, types, terms and tables are copied to a draft at another date; no sale is.",
            "form_class": DuplicateForm,
            "form_submit_text": "Make the draft",
        },
    )
    def put_on_again(self, request: HttpRequest, form: DuplicateForm, object_id: str) -> HttpResponse:
        """Copy a night with its types and tables to another date, and lead to the copy."""
        source, typed = Event.objects.get(pk=object_id), form.cleaned_data
        try:
            copy = programme.duplicate(source, slug=typed["slug"], doors_at=typed["doors_at"])
        except PaymentsError as refusal:
            messages.error(request, refusal.sentence)
            return lead_to(request, "admin:tickets_event_change", object_id)
        tables.copy(source, copy)
        messages.success(request, "A draft: look it over, then publish it.")
        return lead_to(request, "admin:tickets_event_change", copy.pk)

    @action(  # type: ignore[untyped-decorator]  # unfold ships no types
        description="Call off…",
        permissions=["change"],
        dialog={
            "title": "Call this night off?",
            "description": "Nothing more is sold, and every order gets all its money back. This cannot be undone.",
            "form_class": CallOffForm,
            "form_submit_text": "Call off and refund everybody",
        },
    )
    def call_off(self, request: HttpRequest, form: CallOffForm, object_id: str) -> HttpResponse:
        """Call a night off; every order's money goes home by itself from here."""
        reason, now = form.cleaned_data["reason"], timezone.now()
        orders = nights.cancel_night(UUID(object_id), reason=reason, by_id=request.user.pk, now=now)
        messages.success(request, f"Called off. Orders to give back: {orders}.")
        return lead_to(request, "admin:tickets_nightchange_changelist")

    @action(  # type: ignore[untyped-decorator]  # unfold ships no types
        description="Postpone…",
        permissions=["change"],
        dialog={
            "title": "Move this night to another date",
            "description": "What is sold stays valid; guests are told, and may have all their money back for a while.",
            "form_class": PostponeForm,
            "form_submit_text": "Move the night and tell everybody",
        },
    )
    def postpone(self, request: HttpRequest, form: PostponeForm, object_id: str) -> HttpResponse:
        """Move a night and tell its guests."""
        typed, now = form.cleaned_data, timezone.now()
        try:
            told = nights.postpone(
                UUID(object_id),
                form.dates(),
                refunds_until=typed["refunds_until"],
                reason=typed["reason"],
                by_id=request.user.pk,
                now=now,
            )
            messages.success(request, f"Moved. Guests who are told by email: {told}.")
        except PaymentsError as refusal:
            messages.error(request, refusal.sentence)
        return lead_to(request, "admin:tickets_event_change", object_id)

    def has_put_on_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow who may add nights to put one on again."""
        return bool(self.has_add_permission(request))

    @admin.display(description="Sold")
    def sold(self, event: Event) -> str:
        """Write how many places are sold, of how many."""
        types = event.ticket_types.all()
        return f"{sum(type_.sold for type_ in types)} / {sum(type_.capacity for type_ in types)}"


@admin.register(Ticket)
class TicketAdmin(FoundByOrder, NightsOnly, ReadOnlyAdmin):
    """Admissions."""

    night_path = "event_id"
    list_display = ("whose", "ticket_type", "event", "state", "admitted_at")
    list_filter = ("status", ("order__disputed_at", admin.EmptyFieldListFilter), "event")
    list_select_related = ("order", "ticket_type", "event")
    own_lookups = ("code", "holder_email__iexact")
    ordering = ("-order__created_at",)
    actions = ("refund",)

    @display(description="Guest and order", header=True)  # type: ignore[untyped-decorator]  # unfold ships no types
    def whose(self, ticket: Ticket) -> tuple[str, str]:
        """Name who holds it, and below the order it is of."""
        return ticket.holder_name or ticket.order.name, ticket.order.reference

    @admin.display(description="State", ordering="status")
    def state(self, ticket: Ticket) -> SafeString:
        """Write the state, and whether the cardholder's bank wants the money back."""
        badge = marks.status(ticket.status)
        return format_html("{} {}", badge, marks.badge("Disputed", "bad")) if ticket.order.disputed_at else badge

    @admin.action(description="Refund these tickets", permissions=["run"])
    def refund(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> None:
        """Promise back what these tickets cost; they let nobody in once the money goes."""
        by_order: dict[UUID, list[UUID]] = {}
        for ticket in queryset:
            by_order.setdefault(ticket.order_id, []).append(ticket.pk)
        for order_id, ticket_ids in by_order.items():
            try:
                owed = refunds.refund_goods(order_id, ticket_ids, reason=Refund.Reason.OWNER, now=timezone.now())
            except (NothingToRefund, RefundTooLarge) as refusal:
                messages.warning(request, refusal.sentence)
                continue
            messages.success(request, f"On its way back: {format_cents(owed.amount_cents, owed.payment.currency)}.")


@admin.register(TicketReservation)
class TicketReservationAdmin(FoundByOrder, NightsOnly, ReadOnlyAdmin):
    """Holds."""

    night_path = "order__event_id"
    list_display = ("whose", "ticket_type", "quantity", "state", "expires_at")
    list_filter = ("status",)
    list_select_related = ("order", "ticket_type")
    ordering = ("-order__created_at",)

    @admin.display(description="State", ordering="status")
    def state(self, hold: TicketReservation) -> SafeString:
        """Write the state."""
        return marks.status(hold.status)


@admin.register(Scan)
class ScanAdmin(NightsOnly, ReadOnlyAdmin):
    """Scans at the door."""

    night_path = "event_id"
    list_display = ("scanned_at", "kind", "result", "code", "scanned_by")
    list_filter = ("kind", "event")
    search_fields = ("code",)
    ordering = ("-scanned_at",)
