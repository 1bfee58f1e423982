"""Nights, what is sold for them, and who came."""

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from owners.admin.base import ReadOnlyAdmin
from tickets.models import Event, Scan, Ticket, TicketReservation, TicketType


class TicketTypeInline(TabularInline):  # type: ignore[misc]  # unfold ships no types
    """What a night sells; the counters are the database's own."""

    model = TicketType
    fields = ("name", "slug", "price_cents", "fee_cents", "capacity", "held", "sold", "max_per_order", "on_sale")
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
    inlines = (TicketTypeInline,)

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

    list_display = ("order", "ticket_type", "position", "status", "admitted_at")
    list_filter = ("status", "event")
    list_select_related = ("order", "ticket_type")
    search_fields = ("code", "order__reference", "order__email", "stripe_payment_intent_id")
    ordering = ("-created_at",)


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
