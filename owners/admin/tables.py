"""Tables, who has them, their passes, and what was done to them by hand."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.forms import ActionForm

from owners.admin.base import ReadOnlyAdmin
from owners.admin.nights_only import NightsOnly
from owners.admin.waiting import Waiting
from payments import fulfilment
from payments.exceptions import PaymentsError
from payments.models import Order
from payments.money import format_cents
from payments.orders import Buyer
from vip import cancelling, changing, floor, joining, passes
from vip.booking import Party
from vip.models import GuestPass, Table, TableChange, VipReservation, WaitingParty

Provider = VipReservation.Provider


def beside(words: str, *, type_: str = "text", size: int = 9) -> forms.Widget:
    """Return a field that stands beside the list of actions, named by its placeholder and aloud."""
    look = "bg-white text-base-900 rounded-default px-2 py-1 text-sm"
    attributes = {"placeholder": words, "aria-label": words, "class": look, "size": size}
    return forms.TextInput({**attributes, "type": type_, "inputmode": "numeric" if words == "Party" else "text"})


class TableActionForm(ActionForm):  # type: ignore[misc]  # unfold ships no types
    """What an action on tables needs to know: why, or who sits down."""

    note = forms.CharField(max_length=200, required=False, label="", widget=beside("Reason"))
    name = forms.CharField(max_length=200, required=False, label="", widget=beside("Guest"))
    email = forms.EmailField(required=False, label="", widget=beside("Email", type_="email"))
    party_size = forms.IntegerField(min_value=1, required=False, label="", widget=beside("Party", size=4))


class PartyActionForm(ActionForm):  # type: ignore[misc]  # unfold ships no types
    """What an action on parties needs to know."""

    note = forms.CharField(
        max_length=200, required=False, label="", widget=beside("Reason, new table or new size", size=28)
    )


def each(request: HttpRequest, rows: QuerySet[Any], do: Callable[[Any], str]) -> None:  # Any: rows of either model
    """Do one thing to each row chosen; say what was done, and kindly what was not."""
    for row in rows:
        try:
            messages.success(request, do(row))
        except PaymentsError as refusal:
            messages.error(request, f"{row}: {refusal.sentence}")


def note_of(request: HttpRequest) -> str:
    """Return what was typed beside the action."""
    return request.POST.get("note", "").replace("\x00", "").strip()[:200]


@admin.register(Table)
class TableAdmin(NightsOnly, ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """The tables of each night; blocked and sold by actions only, so that it is known who did it."""

    night_path = "event_id"
    list_display = ("code", "event", "tier", "price", "state")
    list_filter = ("tier", "blocked", "event")
    list_select_related = ("event",)
    search_fields = ("code", "event__title")
    readonly_fields = ("blocked", "blocked_reason", "joined_to")
    ordering = ("event__starts_at", "code")
    action_form = TableActionForm
    actions = ("block", "unblock", "sell_for_cash", "sell_for_card", "give_away")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Table]:
        """Say of each table how it stands."""
        return floor.with_state(super().get_queryset(request), now=timezone.now())

    @admin.action(description="Block (give a reason)", permissions=["change"])
    def block(self, request: HttpRequest, queryset: QuerySet[Table]) -> None:
        """Take tables off sale."""

        def do(table: Table) -> str:
            changing.block(table.pk, reason=note_of(request), by_id=request.user.pk, now=timezone.now())
            return f"{table} is blocked."

        each(request, queryset, do)

    @admin.action(description="Unblock (give a reason)", permissions=["change"])
    def unblock(self, request: HttpRequest, queryset: QuerySet[Table]) -> None:
        """Put tables back on sale."""

        def do(table: Table) -> str:
            changing.unblock(table.pk, reason=note_of(request), by_id=request.user.pk, now=timezone.now())
            return f"{table} is on sale."

        each(request, queryset, do)

    @admin.action(description="Sell to a walk-in, paid in cash", permissions=["change"])
    def sell_for_cash(self, request: HttpRequest, queryset: QuerySet[Table]) -> None:
        """Sell tables to people at the door who pay in cash."""
        self.sell(request, queryset, Provider.CASH)

    @admin.action(description="Sell to a walk-in, paid by card at the door", permissions=["change"])
    def sell_for_card(self, request: HttpRequest, queryset: QuerySet[Table]) -> None:
        """Sell tables to people at the door who pay on the club's own card machine."""
        self.sell(request, queryset, Provider.CARD_AT_DOOR)

    @admin.action(description="Give away (give a reason)", permissions=["change"])
    def give_away(self, request: HttpRequest, queryset: QuerySet[Table]) -> None:
        """Give tables to guests of the house."""

        def do(table: Table) -> str:
            order = changing.give_away(
                table.pk, **who(request), reason=note_of(request), by_id=request.user.pk, now=timezone.now()
            )
            return delivered(table, order)

        each(request, queryset, do)

    def sell(self, request: HttpRequest, queryset: QuerySet[Table], paid_by: Provider) -> None:
        """Sell tables that are paid at the door."""

        def do(table: Table) -> str:
            order = changing.sell_to_walk_in(
                table.pk, **who(request), paid_by=paid_by, by_id=request.user.pk, now=timezone.now()
            )
            return f"{delivered(table, order)} Take {format_cents(order.total_cents, order.currency)}."

        each(request, queryset, do)

    @admin.display(description="State")
    def state(self, table: Table) -> str:
        """Write how a table stands, and why it is blocked if it is."""
        word = str(getattr(table, "state", "")).capitalize()
        return f"{word}: {table.blocked_reason}" if table.blocked else word

    @admin.display(description="Price", ordering="price_cents")
    def price(self, table: Table) -> str:
        """Write the price."""
        return format_cents(table.price_cents, table.event.currency)


def who(request: HttpRequest) -> dict[str, Any]:  # Any: the arguments of a sale
    """Return the party typed beside the action; without an address, the club's own gets the mail."""
    form = TableActionForm(request.POST)
    form.fields["action"].required = False
    form.fields["action"].choices = [(request.POST.get("action", ""), "")]
    data = form.cleaned_data if form.is_valid() else {}
    buyer = Buyer(data.get("name") or "Walk-in", data.get("email") or settings.SUPPORT_EMAIL)
    return {"party": Party(data.get("party_size") or 0), "buyer": buyer}


def delivered(table: Table, order: Order) -> str:
    """Deliver what was sold at once, and say so."""
    fulfilment.try_now(order, now=timezone.now())
    return f"{table} is sold to {order.name}."


@admin.register(VipReservation)
class VipReservationAdmin(NightsOnly, ReadOnlyAdmin):
    """Parties and their tables, the next night first."""

    night_path = "event_id"
    list_display = ("host", "table", "event", "state", "balance")
    list_filter = ("status", "event", "payment_provider")
    list_select_related = ("table", "event", "order")
    search_fields = ("host_name", "host_email", "order__reference", "external_payment_id")
    ordering = ("event__starts_at", "table__code")
    action_form = PartyActionForm
    actions = ("seat", "move", "swap", "join", "part", "resize", "cancel")

    def get_queryset(self, request: HttpRequest) -> QuerySet[VipReservation]:
        """Count who of each party is in."""
        inside = Count("passes", filter=Q(passes__status=GuestPass.Status.ADMITTED))
        found: QuerySet[VipReservation] = super().get_queryset(request).annotate(inside=inside)
        return found

    @admin.action(description="Seated", permissions=["run"])
    def seat(self, request: HttpRequest, queryset: QuerySet[VipReservation]) -> None:
        """Say that parties are at their tables."""

        def do(party: VipReservation) -> str:
            changing.seat(party.pk, by_id=request.user.pk, now=timezone.now())
            return f"{party} is seated."

        each(request, queryset, do)

    @admin.action(description="Move to the table typed beside", permissions=["run"])
    def move(self, request: HttpRequest, queryset: QuerySet[VipReservation]) -> None:
        """Move a party to another table, and show the difference in price."""

        def do(party: VipReservation) -> str:
            moved = changing.move(party.pk, note_of(request), by_id=request.user.pk, now=timezone.now())
            difference, back = (
                format_cents(cents, party.order.currency) for cents in (moved.difference_cents, moved.back_cents)
            )
            money = f"{back} on its way back." if moved.back_cents else "nothing is charged."
            return f"{party}: {moved.was} → {moved.reservation.table}. Difference in price: {difference}; {money}"

        each(request, queryset, do)

    @admin.action(description="Swap the two chosen", permissions=["run"])
    def swap(self, request: HttpRequest, queryset: QuerySet[VipReservation]) -> None:
        """Let two parties change tables."""
        chosen = list(queryset)
        if len(chosen) != 2:
            messages.error(request, "Choose two parties of one night.")
            return
        try:
            moved, _ = changing.swap(chosen[0].pk, chosen[1].pk, by_id=request.user.pk, now=timezone.now())
        except PaymentsError as refusal:
            messages.error(request, refusal.sentence)
            return
        messages.success(request, f"Swapped: {moved.was} and {moved.reservation.table}.")

    @admin.action(description="Add the neighbouring table typed beside", permissions=["run"])
    def join(self, request: HttpRequest, queryset: QuerySet[VipReservation]) -> None:
        """Give a party the table beside its own too."""

        def do(party: VipReservation) -> str:
            joining.join(party.pk, note_of(request), by_id=request.user.pk, now=timezone.now())
            return f"{party}: tables {joining.names_of(party)}."

        each(request, queryset, do)

    @admin.action(description="Part joined tables", permissions=["run"])
    def part(self, request: HttpRequest, queryset: QuerySet[VipReservation]) -> None:
        """Put tables that were joined back on sale."""

        def do(party: VipReservation) -> str:
            parted = joining.part(party.pk, by_id=request.user.pk, now=timezone.now())
            return f"{party}: {parted} back on sale."

        each(request, queryset, do)

    @admin.action(description="Change the party's size to what is typed beside", permissions=["run"])
    def resize(self, request: HttpRequest, queryset: QuerySet[VipReservation]) -> None:
        """Let parties grow or shrink."""
        typed = note_of(request)
        size = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 4 else 0

        def do(party: VipReservation) -> str:
            passes.resize(party.pk, size, by_id=request.user.pk, now=timezone.now())
            return f"{party.host_name} · {size}"

        each(request, queryset, do)

    @admin.action(description="Cancel and refund in full (give a reason)", permissions=["run"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[VipReservation]) -> None:
        """Cancel tables for the club; everything that was paid goes back."""

        def do(party: VipReservation) -> str:
            owed = cancelling.cancel_by_venue(
                party.pk, reason=note_of(request), by_id=request.user.pk, now=timezone.now()
            )
            back = format_cents(sum(refund.amount_cents for refund in owed), party.order.currency)
            return f"{party}: cancelled, {back} on its way back."

        each(request, queryset, do)

    @admin.display(description="Host")
    def host(self, reservation: VipReservation) -> str:
        """Name the host and the party."""
        return f"{reservation.host_name} · {reservation.party_size}"

    @admin.display(description="State", ordering="status")
    def state(self, reservation: VipReservation) -> str:
        """Write the state, and how many of the party are in."""
        return f"{reservation.get_status_display()} · {getattr(reservation, 'inside', 0)}/{reservation.party_size} in"

    @admin.display(description="Paid / due", ordering="balance_cents")
    def balance(self, reservation: VipReservation) -> str:
        """Write what is paid before the night, and what is due on it."""
        currency = reservation.order.currency
        paid, due = (format_cents(cents, currency) for cents in (reservation.deposit_cents, reservation.balance_cents))
        return f"{paid} / {due}"


@admin.register(GuestPass)
class GuestPassAdmin(NightsOnly, ReadOnlyAdmin):
    """Passes, one per seat."""

    night_path = "reservation__event_id"
    list_display = ("reservation", "number", "name", "status", "admitted_at")
    list_filter = ("status", "reservation__event")
    list_select_related = ("reservation__order",)
    search_fields = ("name", "email", "code", "reservation__host_name", "reservation__order__reference")
    ordering = ("-created_at", "number")
    action_form = PartyActionForm
    actions = ("reissue", "refund_share")

    @admin.action(description="New code, the old one is dead", permissions=["run"])
    def reissue(self, request: HttpRequest, queryset: QuerySet[GuestPass]) -> None:
        """Give seats new codes."""

        def do(seat: GuestPass) -> str:
            passes.reissue(seat.reservation_id, seat.number, by_id=request.user.pk, now=timezone.now())
            return f"{seat.reservation}, {seat}: new code."

        each(request, queryset, do)

    @admin.action(description="Refund this guest's share (give a reason)", permissions=["run"])
    def refund_share(self, request: HttpRequest, queryset: QuerySet[GuestPass]) -> None:
        """Send back shares of what was paid, and take the passes back."""

        def do(seat: GuestPass) -> str:
            owed = cancelling.refund_share(
                seat.reservation_id, seat.number, reason=note_of(request), by_id=request.user.pk, now=timezone.now()
            )
            back = format_cents(sum(refund.amount_cents for refund in owed), seat.reservation.order.currency)
            return f"{seat.reservation}, {seat}: {back} on its way back."

        each(request, queryset, do)


@admin.register(TableChange)
class TableChangeAdmin(NightsOnly, ReadOnlyAdmin):
    """What was done by hand, newest first."""

    night_path = "event_id"
    list_display = ("at", "kind", "table", "note", "by")
    list_filter = ("kind", "event")
    list_select_related = ("table", "by")
    search_fields = ("note", "table__code", "reservation__host_name")
    ordering = ("-at",)


@admin.register(WaitingParty)
class WaitingPartyAdmin(Waiting, NightsOnly, ReadOnlyAdmin):
    """The lines for tables, first come first served."""

    night_path = "event_id"
    list_display = ("guest", "party_size", "event", "state", "joined_at")
    list_filter = ("status", "event")
    list_select_related = ("event",)
    fieldsets = (
        ("Who waits", {"fields": ("name", "email", "phone", "language", "joined_at")}),
        ("What for", {"fields": ("event", "party_size")}),
        ("What became of it", {"fields": ("state", "its_order")}),
    )
    readonly_fields = ("state", "its_order")
