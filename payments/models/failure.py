"""Everything about money that went wrong, until somebody or something puts it right."""

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When

from payments.models.looking_up import begins_with
from payments.models.order import Order
from payments.recording import InsertEvent, changed, recorded
from payments.states import never_deleted

NO_MONEY_MOVED = 2
WORST_FIRST = Case(
    When(severity="critical", then=Value(0)), When(severity="warning", then=Value(1)), default=Value(NO_MONEY_MOVED)
)


class PaymentFailureQuerySet(models.QuerySet["PaymentFailure"]):
    """Find failures by what they still need."""

    def unresolved(self) -> "PaymentFailureQuerySet":
        """Return failures nobody has put right."""
        return self.filter(resolved=False)

    def waiting(self) -> "PaymentFailureQuerySet":
        """Return unresolved failures a person should see to: not where no money moved.

        They are asked for as their index has them, or all the cards that were ever declined would be read.
        """
        return self.unresolved().alias(rank=WORST_FIRST).filter(rank__lt=NO_MONEY_MOVED)


@recorded(
    InsertEvent("recorded"),
    changed("resolved", "resolved"),
    fields=("order", "resolved"),
    found_by="order",
)
class PaymentFailure(models.Model):
    """One thing that went wrong with one order's money, known by its cause."""

    class Category(models.TextChoices):
        DECLINED = "declined", "Card declined"
        AUTHENTICATION = "authentication", "Bank's check not passed"
        PROVIDER = "provider", "Provider's own error"
        FULFILMENT = "fulfilment", "Paid, no tickets"
        MISMATCH = "mismatch", "Amount differs from the order"
        LATE_PAYMENT = "late_payment", "Paid after the hold ended"
        DOUBLE_PAYMENT = "double_payment", "Paid twice"
        UNKNOWN_PAYMENT = "unknown_payment", "Payment without an order"
        REFUND = "refund", "Refund failed"
        DISPUTE = "dispute", "Disputed by the cardholder"
        WEBHOOK = "webhook", "Event could not be applied"
        LEDGER = "ledger", "The books do not add up"
        SIGN_IN = "sign_in", "Somebody tries to get in"

    class Severity(models.TextChoices):
        INFO = "info"  # no money moved
        WARNING = "warning"  # money moved and was put right by itself
        CRITICAL = "critical"  # a person must act

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cause = models.CharField(max_length=255, unique=True, help_text="One row per cause, however often it is told.")
    category = models.CharField(max_length=20, choices=Category.choices)
    severity = models.CharField(max_length=10, choices=Severity.choices)
    stripe_event_id = models.CharField(max_length=255, blank=True, default="")
    stripe_payment_intent_id = models.CharField(max_length=255, blank=True, default="")
    customer_email = models.EmailField(blank=True, default="")
    amount_cents = models.PositiveIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, default="usd")
    error_code = models.CharField(max_length=100, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    payment_type = models.CharField(max_length=20, choices=Order.Kind.choices)
    event = models.ForeignKey("tickets.Event", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    order = models.ForeignKey(Order, null=True, blank=True, on_delete=models.PROTECT, related_name="failures")
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()
    resolved = models.BooleanField(default=False)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    resolution_note = models.TextField(blank=True, default="")

    objects = PaymentFailureQuerySet.as_manager()

    class Meta:
        db_table = "payment_failures"
        constraints = [
            models.CheckConstraint(
                condition=Q(payment_type__in=("ga_ticket", "vip_reservation")),
                name="payments_failure_known_payment_type",
            ),
            # Who: a person, or the order itself once the guest succeeded; a note says how in either case.
            models.CheckConstraint(
                condition=Q(resolved=False, resolved_at__isnull=True, resolved_by__isnull=True)
                | (Q(resolved=True, resolved_at__isnull=False) & ~Q(resolution_note="")),
                name="payments_failure_resolved_with_who_and_when",
            ),
            models.CheckConstraint(
                condition=Q(severity__in=("info", "warning", "critical")), name="payments_failure_known_severity"
            ),
        ]
        indexes = [
            models.Index(fields=["resolved"], name="idx_payment_failures_resolved"),
            models.Index(fields=["created_at"], name="idx_payment_failures_created"),
            models.Index(fields=["event"], name="idx_payment_failures_event"),
            models.Index("resolved", WORST_FIRST, F("created_at").desc(), name="idx_payment_failures_worst"),
            begins_with("customer_email", name="idx_payment_failures_guest"),
            models.Index(fields=["stripe_payment_intent_id"], name="idx_payment_failures_payment"),
            models.Index(fields=["stripe_event_id"], name="idx_payment_failures_told_by"),
        ]
        triggers = [never_deleted()]

    def __str__(self) -> str:
        return f"{self.get_category_display()}: {self.customer_email}"

    def age(self, now: datetime) -> float:
        """Return how long it has been waiting, in seconds."""
        return (now - self.created_at).total_seconds()
