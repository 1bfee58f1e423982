"""Keys that make a repeat harmless: those clients send us, and those we send providers."""

import uuid

from django.db import models
from django.db.models import Q


class IdempotencyKey(models.Model):
    """One key one client sent us, with the answer it got; without one where that holds a secret."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    scope = models.CharField(max_length=100, help_text="Whose key it is: nobody reads another's answer.")
    key = models.CharField(max_length=255)
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the request's body.")
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    response_body = models.JSONField(null=True, blank=True)
    response_headers = models.JSONField(default=dict, blank=True)
    replays = models.PositiveIntegerField(default=0, help_text="How often the first answer was given again.")
    mismatches = models.PositiveIntegerField(default=0, help_text="How often it came with another request.")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "idempotency_keys"
        constraints = [
            models.UniqueConstraint(fields=["scope", "key"], name="unique_idempotency_key"),
            models.CheckConstraint(
                condition=Q(response_status__isnull=True) | Q(response_status__lt=500),
                name="payments_idempotency_key_never_keeps_our_own_error",
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="idx_idempotency_keys_created")]

    def __str__(self) -> str:
        return self.key


class ProviderCall(models.Model):
    """One write to a provider, saved with its key before it is sent."""

    class State(models.TextChoices):
        STARTED = "started"  # committed here, perhaps sent
        SUCCEEDED = "succeeded"  # the provider made or changed `resource_id`
        FAILED = "failed"  # the provider refused, or will repeat an error for this key
        UNKNOWN = "unknown"  # no answer: only the same key may ask again

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    operation_type = models.CharField(max_length=40)
    operation_id = models.CharField(max_length=100)
    key = models.CharField(max_length=255)
    state = models.CharField(max_length=10, choices=State.choices, default=State.STARTED)
    resource_id = models.CharField(max_length=255, blank=True, default="")
    uses = models.PositiveIntegerField(default=0, help_text="How often the key was sent and something was heard.")
    mismatches = models.PositiveIntegerField(default=0, help_text="How often with other parameters than at first.")
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField()

    class Meta:
        db_table = "stripe_idempotency_keys"
        constraints = [
            models.UniqueConstraint(fields=["operation_type", "operation_id"], name="unique_provider_operation"),
            models.UniqueConstraint(fields=["key"], name="unique_provider_key"),
        ]

    def __str__(self) -> str:
        return self.key
