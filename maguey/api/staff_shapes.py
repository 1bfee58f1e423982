"""What staff's programs send and get, by name and type."""

from typing import Any

from rest_framework import serializers

from maguey.api import examples
from maguey.api.examples import shown
from maguey.api.shapes import OrderShape, PlainText, ReservationShape, TicketShape
from payments.models import Order, PaymentFailure, Refund

SLUG = 60
MOST_CENTS = 10_000_000


class NewTypeShape(serializers.Serializer[Any]):  # Any: no model behind it
    """A kind of ticket that is to be sold."""

    slug = serializers.SlugField(max_length=SLUG)
    name = PlainText(min_length=1, max_length=80)
    description = PlainText(max_length=200, required=False)
    price_cents = serializers.IntegerField(min_value=0, max_value=MOST_CENTS)
    fee_cents = serializers.IntegerField(min_value=0, max_value=MOST_CENTS, required=False)
    capacity = serializers.IntegerField(min_value=1, max_value=100_000)
    max_per_order = serializers.IntegerField(min_value=1, max_value=100, required=False)


@shown(a_night=examples.NEW_NIGHT)
class NewNightShape(serializers.Serializer[Any]):  # Any: no model behind it
    """A night that is to be put on; moments carry their offset."""

    slug = serializers.SlugField(max_length=80)
    title = PlainText(min_length=1, max_length=120)
    tagline = PlainText(max_length=200, required=False)
    description = PlainText(max_length=5000, required=False)
    line_up = PlainText(max_length=300, required=False)
    minimum_age = serializers.IntegerField(min_value=0, max_value=99, required=False)
    doors_at = serializers.DateTimeField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    sales_start_at = serializers.DateTimeField()
    sales_end_at = serializers.DateTimeField()
    status = serializers.ChoiceField(choices=["draft", "published"], default="draft")
    ticket_types = serializers.ListField(child=NewTypeShape(), max_length=20)
    with_tables = serializers.BooleanField(default=True, help_text="Copy the room's tables to the night.")

    def validate_ticket_types(self, types: list[dict[str, Any]]) -> list[dict[str, Any]]:  # Any: JSON
        """Refuse one slug for two types."""
        if len({type_["slug"] for type_ in types}) < len(types):
            raise serializers.ValidationError("Each type needs a slug of its own.")
        return types


@shown(tickets_bought=examples.STAFF_ORDER)
class StaffOrderShape(OrderShape):
    """An order as those who run its night see it."""

    tickets = TicketShape(many=True)
    reservation = ReservationShape(source="vip_reservation", allow_null=True, default=None)
    truth = None  # type: ignore[assignment]  # what a guest is told; whoever runs the night reads the status

    class Meta(OrderShape.Meta):
        fields = (  # type: ignore[assignment]  # a longer tuple
            *(name for name in OrderShape.Meta.fields if name != "truth"),
            "name", "email", "created_at", "paid_at", "disputed_at",
        )  # fmt: skip


class OrderFilters(serializers.Serializer[Any]):  # Any: no model behind it
    """Which orders are wanted."""

    event = serializers.SlugField(max_length=80, required=False, help_text="A night's slug.")
    status = serializers.ChoiceField(choices=Order.Status.choices, required=False)
    kind = serializers.ChoiceField(choices=Order.Kind.choices, required=False)
    email = serializers.EmailField(max_length=254, required=False)
    created_from = serializers.DateTimeField(required=False)
    created_to = serializers.DateTimeField(required=False)


class RefundFilters(serializers.Serializer[Any]):  # Any: no model behind it
    """Which refunds are wanted."""

    event = serializers.SlugField(max_length=80, required=False, help_text="A night's slug.")
    status = serializers.ChoiceField(choices=Refund.Status.choices, required=False)


class FailureFilters(serializers.Serializer[Any]):  # Any: no model behind it
    """Which failures are wanted; the unresolved come first."""

    event = serializers.SlugField(max_length=80, required=False, help_text="A night's slug.")
    resolved = serializers.ChoiceField(choices=["true", "false"], required=False)
    category = serializers.ChoiceField(choices=PaymentFailure.Category.choices, required=False)
    payment_type = serializers.ChoiceField(choices=Order.Kind.choices, required=False)


@shown(one_ticket=examples.REFUND)
class RefundShape(serializers.ModelSerializer[Refund]):
    """Money on its way back; cents."""

    order = serializers.CharField(source="payment.order.reference")
    currency = serializers.CharField(source="payment.currency")

    class Meta:
        model = Refund
        fields = ("id", "order", "amount_cents", "currency", "reason", "status", "created_at", "succeeded_at")


@shown(one_ticket={"tickets": [2]}, all_that_is_left={})
class NewRefundShape(serializers.Serializer[Any]):  # Any: no model behind it
    """What is to go back: single tickets by their positions, or without any all that is left."""

    tickets = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=1000), min_length=1, max_length=100, required=False
    )


@shown(one_ticket={"refunds": [examples.REFUND], "amount_cents": 2850})
class RefundsShape(serializers.Serializer[Any]):  # Any: no model behind it
    """What is now on its way back."""

    refunds = RefundShape(many=True)
    amount_cents = serializers.IntegerField()


@shown(paid_without_tickets=examples.FAILURE)
class FailureShape(serializers.ModelSerializer[PaymentFailure]):
    """What went wrong with one order's money."""

    order = serializers.CharField(source="order.reference", default=None, allow_null=True)
    event = serializers.CharField(source="event.slug", default=None, allow_null=True)

    class Meta:
        model = PaymentFailure
        fields = (
            "id", "category", "severity", "error_code", "error_message", "payment_type", "order", "event",
            "customer_email", "amount_cents", "currency", "stripe_payment_intent_id", "stripe_event_id", "created_at",
            "resolved", "resolved_at", "resolution_note",
        )  # fmt: skip


@shown(with_a_note={"note": "Called the guest; the tickets are there."})
class ResolveShape(serializers.Serializer[Any]):  # Any: no model behind it
    """How a failure was put right."""

    note = PlainText(min_length=1, max_length=1000)


@shown(tried_again={"started": True})
class StartedShape(serializers.Serializer[Any]):  # Any: no model behind it
    """Whether there was anything to start afresh."""

    started = serializers.BooleanField()


class TableRowShape(serializers.Serializer[Any]):  # Any: no model behind it
    """One table of a night in figures; cents."""

    table = serializers.CharField(source="table.code")
    status = serializers.CharField(source="reservation.status", default=None, allow_null=True)
    host = serializers.CharField(source="reservation.host_name", default=None, allow_null=True)
    party_size = serializers.IntegerField()
    arrived = serializers.IntegerField()
    revenue_cents = serializers.IntegerField()
    deposit_cents = serializers.IntegerField()
    balance_due_cents = serializers.IntegerField()


@shown(two_tables=examples.TABLES)
class TablesShape(serializers.Serializer[Any]):  # Any: no model behind it
    """A night's tables and their sums; cents."""

    revenue_cents = serializers.IntegerField()
    deposit_cents = serializers.IntegerField()
    balance_due_cents = serializers.IntegerField()
    arrived = serializers.IntegerField()
    expected = serializers.IntegerField()
    tables = TableRowShape(many=True, source="rows")
