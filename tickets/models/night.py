"""What was done to a whole night, and what that owes to each of its orders."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from payments.models import Order
from payments.models.retryable import Retryable, owed
from payments.states import never_deleted
from tickets.models.event import Event


class NightChange(models.Model):
    """A night called off or moved: who did it, when and why."""

    class Kind(models.TextChoices):
        CANCELLED = "cancelled", "Called off"
        POSTPONED = "postponed", "Postponed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="changes")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    note = models.CharField(max_length=500)
    doors_were_at = models.DateTimeField(help_text="When doors were to open until then.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "night_changes"
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=("cancelled", "postponed")), name="tickets_night_known_change"),
            models.CheckConstraint(condition=~Q(note=""), name="tickets_night_changed_with_a_reason"),
        ]
        indexes = [models.Index(fields=["event", "at"], name="idx_night_changes_event")]
        triggers = [never_deleted()]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.event_id}"


class NightRefund(Retryable):
    """What a night that was called off owes to one order: its places let go, or its money back.

    One row an order, so that one which cannot be helped now holds up no other, and all of it can be shown.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="night_refunds")
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="night_refund")
    back_cents = models.PositiveIntegerField(default=0, help_text="What was promised back.")
    round = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "night_refunds"
        constraints = [
            models.CheckConstraint(
                condition=Q(done_at__isnull=True) | Q(next_attempt_at__isnull=True),
                name="tickets_night_refund_done_owes_nothing",
            ),
        ]
        indexes = [owed("idx_night_refunds_owed"), models.Index(fields=["event"], name="idx_night_refunds_event")]
        triggers = [never_deleted()]

    def __str__(self) -> str:
        return f"night off for {self.order_id}"
