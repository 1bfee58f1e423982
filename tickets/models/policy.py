"""What a guest gets back who cancels: as the night says it, and as it was when they bought."""

import uuid

from django.db import models
from django.db.models import Q

from payments.models import Order
from payments.states import frozen, never_deleted
from tickets.models.event import Event


class Terms(models.Model):
    """Everything back until so many hours before the doors, a part until fewer, nothing afterwards."""

    all_until_hours = models.PositiveSmallIntegerField(default=48, help_text="Everything back until so long before.")
    part_until_hours = models.PositiveSmallIntegerField(default=24, help_text="A part back until so long before.")
    part_percent = models.PositiveSmallIntegerField(default=50)
    fees_come_back = models.BooleanField(default=True)

    class Meta:
        abstract = True


class RefundPolicy(Terms):
    """A night's terms for guests who cancel; a night without any gives nothing back."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.OneToOneField(Event, on_delete=models.PROTECT, related_name="refund_policy")

    class Meta:
        db_table = "refund_policies"
        constraints = [
            models.CheckConstraint(condition=Q(part_percent__range=(0, 100)), name="tickets_policy_percent_to_hundred"),
            models.CheckConstraint(
                condition=Q(all_until_hours__gte=models.F("part_until_hours")),
                name="tickets_policy_all_ends_before_part",
                violation_error_message="Everything comes back for longer than a part.",
            ),
        ]

    def __str__(self) -> str:
        return f"Refunds for {self.event_id}"


class OrderTerms(Terms):
    """The terms an order was bought under: what changes later changes nothing here."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="terms")

    class Meta:
        db_table = "order_terms"
        triggers = [
            never_deleted(),
            frozen("all_until_hours", "part_until_hours", "part_percent", "fees_come_back"),
        ]

    def __str__(self) -> str:
        return f"Refunds for {self.order_id}"
