"""What a provider told us, kept whether or not we could use it."""

import uuid
from datetime import datetime
from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q

from payments.models.retryable import Retryable, owed
from payments.states import Moves, Stateful, legal_moves_only


@legal_moves_only
class WebhookEvent(Stateful, Retryable):
    """One event of one provider, known by its id for good or until it is purged."""

    class Status(models.TextChoices):
        PENDING = "pending"  # kept, to be applied by a worker
        PROCESSING = "processing"  # a worker is at it, under a lease
        PROCESSED = "processed"  # applied: a repeat changes nothing
        FAILED = "failed"  # applying it raised; tried again while next_attempt_at is set
        IGNORED = "ignored"  # nothing of ours depends on it

    MOVES: ClassVar[Moves] = {
        Status.PENDING: frozenset({Status.PROCESSING, Status.PROCESSED, Status.FAILED, Status.IGNORED}),
        Status.PROCESSING: frozenset({Status.PROCESSED, Status.FAILED, Status.IGNORED}),
        Status.FAILED: frozenset({Status.PROCESSING, Status.PROCESSED, Status.IGNORED, Status.PENDING}),
        Status.PROCESSED: frozenset({Status.PENDING}),  # an operator replays it
        Status.IGNORED: frozenset({Status.PENDING}),
    }
    FINISHED = (Status.PROCESSED, Status.IGNORED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.CharField(max_length=10)
    event_id = models.CharField(max_length=255)
    type = models.CharField(max_length=100)
    about = models.CharField(
        max_length=255, blank=True, default="", help_text="The provider's id of the payment it is about."
    )
    payload = models.JSONField()
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PENDING)
    received_at = models.DateTimeField()
    processing_started_at = models.DateTimeField(null=True, blank=True)
    processed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "webhook_events"
        constraints = [
            # The event's id first: by the provider alone one would find nearly all of them.
            models.UniqueConstraint(fields=["event_id", "provider"], name="unique_webhook_event"),
            models.CheckConstraint(
                condition=Q(status__in=("processed", "ignored"), processed_at__isnull=False)
                | (~Q(status__in=("processed", "ignored")) & Q(processed_at__isnull=True)),
                name="payments_webhook_event_finished_exactly_with_processed_at",
            ),
            models.CheckConstraint(
                condition=Q(status__in=("pending", "processing", "processed", "failed", "ignored")),
                name="payments_webhook_event_known_status",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="kept_thirty_days",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Condition(
                    "OLD.status NOT IN ('processed', 'ignored') OR OLD.processed_at > now() - interval '30 days'"
                ),
            )
        ]
        indexes = [
            owed("idx_webhook_events_owed"),
            models.Index(fields=["about"], name="idx_webhook_events_about"),
            models.Index(fields=["received_at"], name="idx_webhook_events_received"),
            models.Index(fields=["provider", "received_at"], name="idx_webhook_events_provider"),
            models.Index(
                fields=["received_at"],
                name="idx_webhook_events_unfinished",
                condition=~Q(status__in=("processed", "ignored")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"

    @property
    def is_finished(self) -> bool:
        """Say whether a repeat of this event has nothing left to do."""
        return self.status in self.FINISHED

    @classmethod
    def on_claim(cls, now: datetime) -> dict[str, object]:
        """Show that a worker is at it."""
        return {"status": cls.Status.PROCESSING, "processing_started_at": now}

    @classmethod
    def on_failure(cls, now: datetime) -> dict[str, object]:
        """Show that it failed."""
        return {"status": cls.Status.FAILED}
