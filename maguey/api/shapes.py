"""What goes in and out, by name and type."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from maguey.api import examples
from maguey.api.examples import shown
from payments.models import Order
from tickets.models import Event, Ticket, TicketType
from vip import bill, booking
from vip.models import GuestPass, Table, VipReservation

MOST = 1000


class PlainText(serializers.CharField):
    """Text that PostgreSQL can keep."""

    def __init__(self, **options: Any) -> None:  # Any: DRF's own options
        super().__init__(trim_whitespace=True, **options)


class TicketTypeShape(serializers.ModelSerializer[TicketType]):
    """A kind of ticket, its price with every fee, and how many are left."""

    available = serializers.IntegerField(min_value=0)
    all_in_cents = serializers.IntegerField()

    class Meta:
        model = TicketType
        fields = (
            "slug", "name", "description", "price_cents", "fee_cents", "all_in_cents", "available", "max_per_order",
            "on_sale",
        )  # fmt: skip


class TableShape(serializers.ModelSerializer[Table]):
    """A table on the plan of 1000 × 700, and whether it is free."""

    all_in_cents = serializers.SerializerMethodField()
    status = serializers.ChoiceField(source="state", choices=["free", "held", "taken", "blocked"])

    class Meta:
        model = Table
        fields = (
            "code", "tier", "section", "shape", "x", "y", "capacity_min", "capacity_max", "mode", "price_cents",
            "minimum_spend_cents", "deposit_cents", "service_bps", "tax_bps", "gratuity_bps", "all_in_cents", "bottles",
            "status",
        )  # fmt: skip

    def get_all_in_cents(self, table: Table) -> int:
        """Return what is paid to have it, with everything in."""
        return bill.prepaid_of(booking.terms_of(table)).total_cents


@shown(a_night=examples.EVENT)
class EventShape(serializers.ModelSerializer[Event]):
    """A night."""

    class Meta:
        model = Event
        fields = (
            "slug", "title", "tagline", "venue_name", "venue_address", "time_zone", "minimum_age", "doors_at",
            "starts_at", "ends_at", "status", "currency",
        )  # fmt: skip


@shown(a_night=examples.NIGHT)
class NightShape(EventShape):
    """A night with what is sold for it."""

    ticket_types = TicketTypeShape(many=True, source="types_with_available")
    tables = TableShape(many=True, source="tables_in_order")

    class Meta(EventShape.Meta):
        fields = (*EventShape.Meta.fields, "ticket_types", "tables")  # type: ignore[assignment]  # a longer tuple


class ItemShape(serializers.Serializer[Any]):  # Any: no model behind it
    """So many of a kind."""

    ticket_type = serializers.SlugField(max_length=60)
    quantity = serializers.IntegerField(min_value=1, max_value=MOST)


class GuestShape(serializers.Serializer[Any]):  # Any: no model behind it
    """One of a party."""

    name = PlainText(max_length=200)


@shown(tickets=examples.WANTED_TICKETS, a_table=examples.WANTED_TABLE)
class NewOrderShape(serializers.Serializer[Any]):  # Any: no model behind it
    """What a guest wants, tickets or a table; prices are ours and are not read."""

    event = serializers.SlugField(max_length=80)
    items = serializers.ListField(child=ItemShape(), min_length=1, max_length=20, required=False)
    table = PlainText(min_length=1, max_length=8, required=False)
    party_size = serializers.IntegerField(min_value=1, max_value=MOST, required=False)
    guests = serializers.ListField(child=GuestShape(), max_length=100, required=False)
    name = PlainText(min_length=1, max_length=200)
    email = serializers.EmailField(max_length=254)
    code = PlainText(max_length=40, required=False, help_text="A promo code, for tickets.")

    def validate(self, wanted: dict[str, Any]) -> dict[str, Any]:  # Any: JSON
        """Ask for either tickets or a table with its party."""
        if ("items" in wanted) == ("table" in wanted):
            raise serializers.ValidationError({"items": "Send either items or a table."})
        if "table" in wanted and "party_size" not in wanted:
            raise serializers.ValidationError({"party_size": "Say how many are coming."})
        if "table" in wanted and wanted.get("code"):
            raise serializers.ValidationError({"code": "Codes are for tickets."})
        return wanted


class TicketShape(serializers.ModelSerializer[Ticket]):
    """One admission."""

    ticket_type = serializers.CharField(source="ticket_type.slug")

    class Meta:
        model = Ticket
        fields = ("position", "ticket_type", "code", "status", "admitted_at")


class PassShape(serializers.ModelSerializer[GuestPass]):
    """One seat's way in."""

    class Meta:
        model = GuestPass
        fields = ("number", "name", "code", "version", "status", "admitted_at")


class ReservationShape(serializers.ModelSerializer[VipReservation]):
    """A table for a party and, once paid, its passes."""

    table = serializers.CharField(source="table.code")
    passes = PassShape(many=True, source="passes_in_order")

    class Meta:
        model = VipReservation
        fields = ("table", "status", "party_size", "deposit_cents", "balance_cents", "passes")


@shown(held=examples.HELD_TICKETS, tickets_bought=examples.BOUGHT_TICKETS, a_table_bought=examples.BOUGHT_TABLE)
class OrderShape(serializers.ModelSerializer[Order]):
    """An order and, once paid, its tickets or its table's passes."""

    event = serializers.CharField(source="event.slug")
    truth = serializers.CharField()
    tickets = TicketShape(many=True, source="tickets_there")
    reservation = ReservationShape(source="reservation_there", allow_null=True)

    class Meta:
        model = Order
        fields = (
            "reference", "event", "kind", "status", "truth", "expires_at", "lines", "subtotal_cents", "fees_cents",
            "total_cents", "currency", "tickets", "reservation",
        )  # fmt: skip


@shown(on_your_page={"mode": "elements"}, on_stripes_page={"mode": "checkout"})
class NewPaymentShape(serializers.Serializer[Any]):  # Any: no model behind it
    """By which road a guest wants to pay."""

    provider = serializers.ChoiceField(choices=["stripe"], default="stripe")
    mode = serializers.ChoiceField(choices=["elements", "checkout"], default="elements")


@shown(on_your_page=examples.ELEMENTS, on_stripes_page=examples.CHECKOUT)
class PaymentShape(serializers.Serializer[Any]):  # Any: no model behind it
    """What a browser needs to pay."""

    payment_id = serializers.UUIDField()
    client_secret = serializers.CharField(required=False)
    redirect_url = serializers.URLField(required=False)


@extend_schema_serializer(examples=examples.PROBLEMS)
class ProblemShape(serializers.Serializer[Any]):  # Any: no model behind it
    """Why not (RFC 9457): `code` stays the same, `detail` may be shown to a guest."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    errors = serializers.JSONField(required=False)  # type: ignore[assignment]  # a field in place of the property


# Made once, for to make one copies every field of it.
NEW_ORDER, NEW_PAYMENT, ORDER = NewOrderShape(), NewPaymentShape(), OrderShape()


def checked(shape: serializers.Serializer[Any], sent: Any) -> dict[str, Any]:  # Any: JSON
    """Return what was sent as a shape reads it. Raises ValidationError."""
    if sent is None:
        raise serializers.ValidationError({"non_field_errors": ["Send a JSON object."]})
    wanted: dict[str, Any] = shape.run_validation(sent)
    return wanted
