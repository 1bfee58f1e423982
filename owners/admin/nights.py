"""Nights, what is sold for them, and who came."""

from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline

from owners.admin.base import ReadOnlyAdmin
from owners.admin.selling import RefundPolicyInline
from payments import refunds
from payments.exceptions import NothingToRefund, RefundTooLarge
from payments.models import Refund
from payments.money import format_cents
from tickets.models import Event, Scan, Ticket, TicketReservation, TicketType


class TicketTypeInline(TabularInline):  # type: ignore[misc]  # unfold ships no types
    """What a night sells; the counters are the database's own."""

    model = TicketType
    fields = (
        *("name", "slug", "price_cents", "fee_cents", "capacity", "held", "sold", "max_per_order"),
        *("sales_start_at", "sales_end_at", "on_sale"),
    )
    readonly_fields = ("held", "sold")
    extra = 0
    can_delete = False


@admin.register(Event)
class EventAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Nights."""

    list_display = ("title", "starts_at", "status", "sold")
    list_filter = ("status",)
    search_fields = ("title", "slug")
    readonly_fields = ("status", "cancelled_at", "idempotency_key")
    ordering = ("-starts_at",)
    inlines = (TicketTypeInline, RefundPolicyInline)

    @admin.display(description="Sold")
    def sold(self, event: Event) -> str:
        """Write how many places are sold, of how many."""
        types = event.ticket_types.all()
        return f"{sum(type_.sold for type_ in types)} / {sum(type_.capacity for type_ in types)}"

    def has_delete_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        """Refuse: a night that was sold is cancelled, not deleted."""
        return False


@admin.register(Ticket)
class TicketAdmin(ReadOnlyAdmin):
    """Admissions."""

    list_display = ("order", "ticket_type", "status", "disputed", "admitted_at")
    list_filter = ("status", ("order__disputed_at", admin.EmptyFieldListFilter), "event")
    list_select_related = ("order", "ticket_type")
    search_fields = ("code", "order__reference", "order__email", "stripe_payment_intent_id")
    ordering = ("-created_at",)
    actions = ("refund",)

    @admin.display(description="Disputed", boolean=True)
    def disputed(self, ticket: Ticket) -> bool:
        """Say whether the cardholder's bank wants the money back."""
        return ticket.order.disputed_at is not None

    @admin.action(description="Refund these tickets", permissions=["view"])
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
class TicketReservationAdmin(ReadOnlyAdmin):
    """Holds."""

    list_display = ("order", "ticket_type", "quantity", "status", "expires_at")
    list_filter = ("status",)
    list_select_related = ("order", "ticket_type")
    search_fields = ("order__reference", "order__email")
    ordering = ("-expires_at",)


@admin.register(Scan)
class ScanAdmin(ReadOnlyAdmin):
    """Scans at the door."""

    list_display = ("scanned_at", "kind", "result", "code", "scanned_by")
    list_filter = ("kind", "event")
    search_fields = ("code",)
    ordering = ("-scanned_at",)
