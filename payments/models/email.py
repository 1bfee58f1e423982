"""Messages owed to people, sent by whoever takes the row first."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper

from payments.models.order import Order
from payments.models.retryable import Retryable, owed
from payments.recording import InsertEvent, changed, recorded, tries, where

# Of all kinds the one whose words are somebody's own.
WRITTEN = "written"


@recorded(
    InsertEvent("written", condition=where(f"NEW.kind = '{WRITTEN}'")),
    changed("sent", "sent_at"),
    changed("bounced", "bounced_at"),
    *tries(unless="NEW.sent_at IS NOT NULL"),
    # Not the error: a mail server's names the address.
    fields=("order", "attempts", "next_attempt_at"),
    found_by="order",
)
class Email(Retryable):
    """One message of one kind to one address, owed once per cause."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=60)
    cause = models.CharField(max_length=255, unique=True, help_text="One message per cause.")
    recipient = models.EmailField()
    order = models.ForeignKey(Order, null=True, blank=True, on_delete=models.PROTECT, related_name="emails")
    context = models.JSONField(default=dict, blank=True)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        db_index=False,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Whose own words it is.",
    )
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    bounced_at = models.DateTimeField(null=True, blank=True, help_text="When the mail service said it came back.")
    bounce_reason = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        db_table = "emails"
        constraints = [
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True) | Q(next_attempt_at__isnull=True),
                name="payments_email_sent_owes_nothing",
            ),
            models.CheckConstraint(
                condition=Q(kind=WRITTEN, written_by__isnull=False) | (~Q(kind=WRITTEN) & Q(written_by__isnull=True)),
                name="payments_email_written_exactly_by_somebody",
            ),
        ]
        indexes = [
            owed("idx_emails_owed"),
            models.Index(fields=["created_at"], name="idx_emails_created"),
            models.Index(Upper("recipient"), "sent_at", name="idx_emails_recipient"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.recipient}"
