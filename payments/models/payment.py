"""One object at a provider by which money may come, written before the provider is asked."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from payments.models.order import Order
from payments.recording import InsertEvent, recorded, when
from payments.states import Moves, Stateful, frozen, legal_moves_only, never_deleted


@recorded(
    InsertEvent("started"),
    # That the provider has it is no news: every payment that is started is opened a moment later.
    when("moved", "OLD.status <> NEW.status AND NOT (OLD.status = 'started' AND NEW.status = 'open')"),
    fields=("order", "status", "received_cents"),
    found_by="order",
)
@legal_moves_only
class Payment(Stateful):
    """One attempt to be paid for an order, by one provider, in one way."""

    class Provider(models.TextChoices):
        STRIPE = "stripe", "Stripe"
        PAYPAL = "paypal", "PayPal"

    class Mode(models.TextChoices):
        ELEMENTS = "elements"  # the card field on our own page
        CHECKOUT = "checkout"  # the provider's hosted page

    class Status(models.TextChoices):
        STARTED = "started"  # promised in our books, the provider may not know it yet
        OPEN = "open"  # the provider waits for the guest
        PROCESSING = "processing"  # the provider has not decided
        SUCCEEDED = "succeeded"  # the money is ours
        CANCELLED = "cancelled"  # it can no longer succeed

    MOVES: ClassVar[Moves] = {
        Status.STARTED: frozenset({Status.OPEN, Status.PROCESSING, Status.SUCCEEDED, Status.CANCELLED}),
        Status.OPEN: frozenset({Status.PROCESSING, Status.SUCCEEDED, Status.CANCELLED}),
        Status.PROCESSING: frozenset({Status.OPEN, Status.SUCCEEDED, Status.CANCELLED}),
        # A hosted page that was closed can still turn out to have been paid a moment before.
        Status.CANCELLED: frozenset({Status.SUCCEEDED}),
        Status.SUCCEEDED: frozenset(),
    }
    STAMPS: ClassVar[dict[str, str]] = {Status.SUCCEEDED: "processed_at"}
    LIVE = (Status.STARTED, Status.OPEN, Status.PROCESSING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments")
    provider = models.CharField(max_length=10, choices=Provider.choices)
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.ELEMENTS)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.STARTED)
    idempotency_key = models.CharField(max_length=255, unique=True)
    external_payment_id = models.CharField(max_length=255, null=True, blank=True)
    external_session_id = models.CharField(max_length=255, null=True, blank=True)
    amount_cents = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    received_cents = models.PositiveIntegerField(default=0, help_text="What came, as the provider says.")
    refunded_cents = models.PositiveIntegerField(
        default=0, help_text="Promised back: refunds that succeeded or are under way."
    )
    created_at = models.DateTimeField()
    told_by = models.CharField(max_length=255, blank=True, default="", help_text="The event that told of its success.")
    processed_at = models.DateTimeField(null=True, blank=True)
    disputed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "payments"
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "external_payment_id"], name="payments_payment_provider_id_once"
            ),
            models.UniqueConstraint(
                fields=["provider", "external_session_id"], name="payments_payment_provider_session_once"
            ),
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(status__in=("started", "open", "processing")),
                name="payments_payment_one_live_per_order",
            ),
            models.CheckConstraint(
                condition=Q(status="succeeded", processed_at__isnull=False)
                | (~Q(status="succeeded") & Q(processed_at__isnull=True)),
                name="payments_payment_succeeded_exactly_with_processed_at",
            ),
            models.CheckConstraint(
                condition=Q(refunded_cents__lte=F("received_cents")),
                name="payments_payment_never_refunds_more_than_paid",
            ),
            models.CheckConstraint(
                condition=Q(refunded_cents=0) | Q(status="succeeded"),
                name="payments_payment_refunds_only_what_came",
            ),
            models.CheckConstraint(
                condition=Q(provider__in=("stripe", "paypal")), name="payments_payment_known_provider"
            ),
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="payments_payment_amount_positive"),
        ]
        indexes = [
            models.Index(fields=["processed_at"], name="idx_payments_processed", condition=Q(status="succeeded")),
        ]
        triggers = [
            never_deleted(),
            frozen("order", "provider", "mode", "amount_cents", "currency", "idempotency_key"),
        ]

    def __str__(self) -> str:
        return self.external_payment_id or str(self.pk)

    @property
    def is_live(self) -> bool:
        """Say whether money may still come by this road."""
        return self.status in self.LIVE
