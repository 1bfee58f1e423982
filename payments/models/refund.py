"""Money on its way back."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from payments.models.payment import Payment
from payments.models.retryable import Retryable, owed
from payments.recording import InsertEvent, changed, recorded, tries
from payments.states import Moves, Stateful, frozen, legal_moves_only, never_deleted


@recorded(
    InsertEvent("promised"),
    changed("moved", "status"),
    *tries(unless="NEW.status <> 'pending' OR NEW.external_refund_id IS NOT NULL"),
    fields=("payment", "status", "attempts", "next_attempt_at", "last_error"),
    found_by="payment",
)
@legal_moves_only
class Refund(Stateful, Retryable):
    """One amount owed back on one payment, saved with its key before the provider is asked."""

    class Status(models.TextChoices):
        PENDING = "pending"  # promised, not yet accepted by the provider
        SUBMITTED = "submitted"  # the provider has it
        SUCCEEDED = "succeeded"  # the provider says it is done
        FAILED = "failed"  # the provider could not: a person must act

    class Reason(models.TextChoices):
        REQUESTED = "requested", "Asked for by the guest"
        LATE_PAYMENT = "late_payment", "Paid after the hold ended"
        DOUBLE_PAYMENT = "double_payment", "Paid twice"
        NIGHT_CANCELLED = "night_cancelled", "The night was cancelled"
        OWNER = "owner", "By the owner"
        PROVIDER = "provider", "Made in the provider's dashboard"

    MOVES: ClassVar[Moves] = {
        Status.PENDING: frozenset({Status.SUBMITTED, Status.SUCCEEDED, Status.FAILED}),
        Status.SUBMITTED: frozenset({Status.SUCCEEDED, Status.FAILED}),
        Status.SUCCEEDED: frozenset({Status.FAILED}),  # Stripe: a refund can fail after it succeeded
        Status.FAILED: frozenset(),  # a person tries again with a new one
    }
    STAMPS: ClassVar[dict[str, str]] = {Status.SUCCEEDED: "succeeded_at", Status.FAILED: "failed_at"}

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    amount_cents = models.PositiveIntegerField()
    reason = models.CharField(max_length=20, choices=Reason.choices)
    cause = models.CharField(max_length=255, unique=True, help_text="One refund per cause.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    external_refund_id = models.CharField(max_length=255, null=True, blank=True)
    created_at = models.DateTimeField()
    succeeded_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "refunds"
        constraints = [
            models.UniqueConstraint(fields=["external_refund_id"], name="payments_refund_provider_id_once"),
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="payments_refund_amount_positive"),
            models.CheckConstraint(
                condition=~Q(status="succeeded") | Q(succeeded_at__isnull=False),
                name="payments_refund_succeeded_with_succeeded_at",
            ),
        ]
        indexes = [owed("idx_refunds_owed"), models.Index(fields=["created_at"], name="idx_refunds_created")]
        triggers = [never_deleted(), frozen("payment", "amount_cents", "cause")]

    def __str__(self) -> str:
        return self.external_refund_id or str(self.pk)


class RefundItem(models.Model):
    """One of an order's goods that goes back for a refund: a ticket, say. Nothing is refunded twice."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    refund = models.ForeignKey(Refund, on_delete=models.PROTECT, related_name="items")
    item = models.UUIDField(help_text="The product's own id of it.")
    amount_cents = models.PositiveIntegerField()
    taken_back_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "refund_items"
        constraints = [
            models.UniqueConstraint(fields=["item"], name="payments_refund_item_refunded_once"),
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="payments_refund_item_amount_positive"),
        ]
        triggers = [never_deleted(), frozen("item", "amount_cents")]

    def __str__(self) -> str:
        return str(self.item)
