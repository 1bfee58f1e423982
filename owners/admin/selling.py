"""How a night is sold: its terms for guests who cancel, its codes, and who waits for places."""

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, StackedInline
from unfold.decorators import display

from owners.admin import marks
from owners.admin.base import ReadOnlyAdmin
from owners.admin.nights_only import NightsOnly
from owners.admin.waiting import Waiting
from payments.money import format_cents
from tickets.models import PromoCode, PromoUse, RefundPolicy, WaitingGuest


class RefundPolicyInline(NightsOnly, StackedInline):  # type: ignore[misc]  # unfold ships no types
    """A night's terms for guests who cancel; orders keep the terms they were bought under."""

    night_path = "event_id"
    model = RefundPolicy
    extra = 0


@admin.register(PromoCode)
class PromoCodeAdmin(NightsOnly, ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Codes that make tickets cheaper; their uses are counted by the database."""

    night_path = "event_id"
    list_display = ("code", "takes_off", "event", "uses", "is_active")
    list_filter = ("is_active", "event")
    list_select_related = ("event",)
    search_fields = ("code",)
    readonly_fields = ("held", "used")
    ordering = ("code",)

    @admin.display(description="Takes off")
    def takes_off(self, promo: PromoCode) -> str:
        """Write what the code takes off each ticket."""
        currency = promo.event.currency if promo.event else "usd"
        return f"{promo.percent} %" if promo.percent else format_cents(promo.amount_cents or 0, currency)

    @admin.display(description="Used")
    def uses(self, promo: PromoCode) -> str:
        """Write how many orders have used it, of how many may."""
        return f"{promo.used} / {promo.capacity if promo.capacity is not None else '∞'}"


@admin.register(PromoUse)
class PromoUseAdmin(NightsOnly, ReadOnlyAdmin):
    """Every use of a code."""

    night_path = "order__event_id"
    list_display = ("promo", "order", "email", "discount_cents", "status")
    list_filter = ("status",)
    list_select_related = ("promo", "order")
    search_fields = ("promo__code", "email", "order__reference")
    ordering = ("-order__created_at",)


@admin.register(WaitingGuest)
class WaitingGuestAdmin(Waiting, NightsOnly, ReadOnlyAdmin):
    """The lines for what is sold out, first come first served."""

    night_path = "ticket_type__event_id"
    list_display = ("guest", "wanted", "quantity", "state", "joined_at")
    list_filter = ("status", "ticket_type__event")
    list_select_related = ("ticket_type__event",)
    fieldsets = (
        ("Who waits", {"fields": ("name", "email", "language", "joined_at")}),
        ("What for", {"fields": ("night", "ticket_type", "quantity")}),
        ("What became of it", {"fields": ("state", "its_order")}),
    )
    readonly_fields = ("night", "state", "its_order")

    @display(description="For", header=True)  # type: ignore[untyped-decorator]  # unfold ships no types
    def wanted(self, waiting: WaitingGuest) -> tuple[str, str]:
        """Name the night, and below the kind of ticket."""
        return waiting.ticket_type.event.title, waiting.ticket_type.name

    @admin.display(description="Night")
    def night(self, waiting: WaitingGuest) -> SafeString | str:
        """Link to the night."""
        return marks.link_to("tickets_event", waiting.ticket_type.event_id, waiting.ticket_type.event.title)
