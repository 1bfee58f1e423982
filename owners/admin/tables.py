"""Tables, who has them, their passes, and what was done to them by hand."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from owners.admin.base import ReadOnlyAdmin
from payments.money import format_cents
from vip.models import GuestPass, Table, TableChange, VipReservation


@admin.register(Table)
class TableAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """The tables of each night."""

    list_display = ("code", "event", "tier", "price", "blocked")
    list_filter = ("tier", "blocked", "event")
    list_select_related = ("event",)
    search_fields = ("code", "event__title")

    @admin.display(description="Price", ordering="price_cents")
    def price(self, table: Table) -> str:
        """Write the price."""
        return format_cents(table.price_cents, table.event.currency)


@admin.register(VipReservation)
class VipReservationAdmin(ReadOnlyAdmin):
    """Parties and their tables, the next night first."""

    list_display = ("host", "table", "event", "status", "balance")
    list_filter = ("status", "event", "payment_provider")
    list_select_related = ("table", "event", "order")
    search_fields = ("host_name", "host_email", "order__reference", "external_payment_id")
    ordering = ("event__starts_at", "table__code")

    @admin.display(description="Host")
    def host(self, reservation: VipReservation) -> str:
        """Name the host and the party."""
        return f"{reservation.host_name} · {reservation.party_size}"

    @admin.display(description="Paid / due", ordering="balance_cents")
    def balance(self, reservation: VipReservation) -> str:
        """Write what is paid before the night, and what is due on it."""
        currency = reservation.order.currency
        paid, due = (format_cents(cents, currency) for cents in (reservation.deposit_cents, reservation.balance_cents))
        return f"{paid} / {due}"


@admin.register(GuestPass)
class GuestPassAdmin(ReadOnlyAdmin):
    """Passes, one per seat."""

    list_display = ("reservation", "number", "name", "status", "admitted_at")
    list_filter = ("status", "reservation__event")
    list_select_related = ("reservation",)
    search_fields = ("name", "email", "code", "reservation__host_name", "reservation__order__reference")
    ordering = ("-created_at", "number")


@admin.register(TableChange)
class TableChangeAdmin(ReadOnlyAdmin):
    """What was done by hand, newest first."""

    list_display = ("at", "kind", "table", "reservation", "by")
    list_filter = ("kind", "event")
    list_select_related = ("table", "reservation", "by")
    search_fields = ("note", "table__code", "reservation__host_name")
    ordering = ("-at",)
