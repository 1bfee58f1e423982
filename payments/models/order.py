"""What a guest is buying, at the price it was shown."""

import secrets
import uuid
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from payments.models.looking_up import begins_with
from payments.recording import InsertEvent, changed, recorded
from payments.states import Moves, Stateful, frozen, legal_moves_only, never_deleted

PAID = ("paid", "fulfilled", "refunded")


def make_reference() -> str:
    """Return 128 random bits as the guest's key to the order; a hyphen in front would be a command's option."""
    reference = "-"
    while reference.startswith("-"):
        reference = secrets.token_urlsafe(16)
    return reference


class OrderQuerySet(models.QuerySet["Order"]):
    """Find orders by what they still need."""

    def overdue(self, now: datetime) -> "OrderQuerySet":
        """Return unpaid orders whose hold has ended."""
        return self.filter(status=Order.Status.PENDING, expires_at__lte=now)

    def awaiting_goods(self) -> "OrderQuerySet":
        """Return orders whose money is here and whose goods are not."""
        return self.filter(status=Order.Status.PAID)


@recorded(
    InsertEvent("placed"),
    changed("moved", "status"),
    changed("extended", "extended_at"),
    changed("readdressed", "email"),
    changed("disputed", "disputed_at"),
    fields=("status", "expires_at", "disputed_at"),
)
@legal_moves_only
class Order(Stateful):
    """One guest's purchase of one kind of thing for one night, held, then paid, then delivered."""

    class Kind(models.TextChoices):
        GA_TICKET = "ga_ticket", "Tickets"
        VIP_RESERVATION = "vip_reservation", "VIP table"

    class Status(models.TextChoices):
        PENDING = "pending"  # places are held, no money yet
        PAID = "paid"  # money is here, goods are not
        FULFILLED = "fulfilled"  # money is here, and so are tickets or the table
        EXPIRED = "expired"  # the hold ended unpaid, places went back
        CANCELLED = "cancelled"  # the guest let go before paying
        REFUNDED = "refunded"  # all the money went back

    MOVES: ClassVar[Moves] = {
        Status.PENDING: frozenset({Status.PAID, Status.EXPIRED, Status.CANCELLED}),
        Status.EXPIRED: frozenset({Status.PAID}),  # late money is kept on the record
        Status.CANCELLED: frozenset({Status.PAID}),
        Status.PAID: frozenset({Status.FULFILLED, Status.REFUNDED}),
        Status.FULFILLED: frozenset({Status.REFUNDED}),
        Status.REFUNDED: frozenset({Status.PAID}),  # a refund that failed after it had succeeded
    }
    STAMPS: ClassVar[dict[str, str]] = {
        Status.PAID: "paid_at",
        Status.FULFILLED: "fulfilled_at",
        Status.EXPIRED: "closed_at",
        Status.CANCELLED: "closed_at",
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference = models.CharField(max_length=32, unique=True, default=make_reference, editable=False)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    event = models.ForeignKey("tickets.Event", on_delete=models.PROTECT, related_name="orders")
    name = models.CharField(max_length=200)
    email = models.EmailField()
    phone = models.CharField(max_length=40, blank=True, default="")
    language = models.CharField(max_length=5, default="en")
    lines = models.JSONField(help_text="What was bought, as it was shown and priced.")
    subtotal_cents = models.PositiveIntegerField()
    fees_cents = models.PositiveIntegerField(default=0)
    total_cents = models.PositiveIntegerField()
    currency = models.CharField(max_length=3, default="usd")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PENDING)
    stripe_session_id = models.CharField(max_length=255, null=True, blank=True)
    expires_at = models.DateTimeField()
    extended_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)
    fulfilled_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    disputed_at = models.DateTimeField(null=True, blank=True)
    may_have_declines = models.BooleanField(
        default=False, db_default=False, help_text="Whether declined attempts may wait to be resolved."
    )

    objects = OrderQuerySet.as_manager()

    class Meta:
        db_table = "orders"
        constraints = [
            models.UniqueConstraint(fields=["stripe_session_id"], name="unique_order_stripe_session"),
            models.CheckConstraint(
                condition=Q(total_cents=F("subtotal_cents") + F("fees_cents")),
                name="payments_order_total_is_the_sum",
            ),
            models.CheckConstraint(
                condition=Q(status__in=PAID, paid_at__isnull=False) | (~Q(status__in=PAID) & Q(paid_at__isnull=True)),
                name="payments_order_paid_exactly_with_paid_at",
            ),
            models.CheckConstraint(
                condition=~Q(status="fulfilled") | Q(fulfilled_at__isnull=False),
                name="payments_order_fulfilled_with_fulfilled_at",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=("expired", "cancelled")) | Q(closed_at__isnull=False),
                name="payments_order_closed_with_closed_at",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=("ga_ticket", "vip_reservation")), name="payments_order_known_kind"
            ),
            models.CheckConstraint(
                condition=Q(status__in=("pending", "paid", "fulfilled", "expired", "cancelled", "refunded")),
                name="payments_order_known_status",
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at"], name="idx_orders_expires", condition=Q(status="pending")),
            models.Index(fields=["paid_at"], name="idx_orders_awaiting", condition=Q(status="paid")),
            models.Index(fields=["event", "created_at"], name="idx_orders_event"),
            models.Index(fields=["created_at"], name="idx_orders_created"),
            begins_with("email", name="idx_orders_guest_email"),
            begins_with("name", name="idx_orders_guest_name"),
        ]
        triggers = [
            never_deleted(),
            frozen("kind", "event", "lines", "subtotal_cents", "fees_cents", "total_cents", "currency", "reference"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def is_payable(self) -> bool:
        """Say whether money may still be asked for."""
        return self.status == self.Status.PENDING

    def is_overdue(self, now: datetime) -> bool:
        """Say whether the hold has ended unpaid."""
        return self.is_payable and self.expires_at <= now
