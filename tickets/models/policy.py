"""What a guest gets back who cancels: as the night says it, and as it was when they bought."""

import uuid
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

from payments.models import Order
from payments.models.rows import Write
from payments.states import frozen, never_deleted
from tickets.models.event import Event

TERMS = ("all_until_hours", "part_until_hours", "part_percent", "fees_come_back", "deposit_comes_back")
KEEP_TERMS = f"""
INSERT INTO order_terms (id, order_id, {", ".join(TERMS)})
SELECT %s, %s, {", ".join(TERMS)} FROM refund_policies WHERE event_id = %s
"""  # noqa: S608 (our own names)


class Terms(models.Model):
    """Everything back until so many hours before the doors, a part until fewer, nothing afterwards."""

    all_until_hours = models.PositiveSmallIntegerField(default=48, help_text="Everything back until so long before.")
    part_until_hours = models.PositiveSmallIntegerField(default=24, help_text="A part back until so long before.")
    part_percent = models.PositiveSmallIntegerField(default=50)
    fees_come_back = models.BooleanField(default=True)
    deposit_comes_back = models.BooleanField(default=True, help_text="A table's deposit, by the same terms.")

    class Meta:
        abstract = True

    def part_at(self, now: datetime, *, doors_at: datetime) -> tuple[int, datetime]:
        """Return how many per cent come back now, and until when that is so."""
        for hours, percent in ((self.all_until_hours, 100), (self.part_until_hours, self.part_percent)):
            until = doors_at - timedelta(hours=hours)
            if now < until:
                return percent, until
        return 0, doors_at


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


class OrderTermsManager(models.Manager["OrderTerms"]):
    """Keep terms with orders."""

    def terms_for(self, order: Order) -> Write:
        """Return the statement that keeps the night's terms with an order; a night without any promises nothing."""
        return Write(KEEP_TERMS, (uuid.uuid4(), order.pk, order.event_id), is_needed=False)


class OrderTerms(Terms):
    """The terms an order was bought under: what changes later changes nothing here."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="terms")

    objects = OrderTermsManager()

    class Meta:
        db_table = "order_terms"
        triggers = [never_deleted(), frozen(*TERMS)]

    def __str__(self) -> str:
        return f"Refunds for {self.order_id}"
