"""Who may see which nights, what they were told, and what went wrong in our own code."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from rest_framework_api_key.models import AbstractAPIKey

from payments.models import PaymentFailure
from payments.models.retryable import Retryable, owed
from tickets.models import Event


class OwnerAssignment(models.Model):
    """One person's role for one night, or for all of them."""

    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        ADMIN = "admin", "Admin"
        DOOR = "door", "Door"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="assignments")
    role = models.CharField(max_length=10, choices=Role.choices)
    event = models.ForeignKey(
        Event, null=True, blank=True, on_delete=models.PROTECT, related_name="assignments",
        help_text="Empty: every night.",
    )  # fmt: skip
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "owner_assignments"
        verbose_name = "role"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "role", "event"], nulls_distinct=False, name="unique_owner_assignment"
            ),
            models.CheckConstraint(
                condition=Q(role__in=("owner", "admin", "door")), name="owners_assignment_known_role"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}"


class StaffKey(AbstractAPIKey):
    """A token by which a program does what one person may do; kept as a hash, shown once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="staff_keys")
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(AbstractAPIKey.Meta):
        db_table = "staff_keys"
        verbose_name = "API key"


class Heartbeat(models.Model):
    """When a clock of ours was last seen."""

    name = models.CharField(max_length=20, primary_key=True)
    seen_at = models.DateTimeField()

    class Meta:
        db_table = "heartbeats"

    def __str__(self) -> str:
        return f"{self.name}: {self.seen_at:%Y-%m-%d %H:%M:%S}"


class FailedSignIn(models.Model):
    """One try to sign in that failed: whose name, from where and when; never what was typed."""

    class Step(models.TextChoices):
        PASSWORD = "password"  # noqa: S105 (name and password)
        CODE = "code"  # the second step

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    name_digest = models.CharField(max_length=64, help_text="Keyed: tells one name from another, and names nobody.")
    step = models.CharField(max_length=10, choices=Step.choices)
    address = models.CharField(max_length=45)
    failed_at = models.DateTimeField()

    class Meta:
        db_table = "failed_sign_ins"
        constraints = [
            models.CheckConstraint(condition=Q(step__in=("password", "code")), name="owners_failedsignin_known_step"),
        ]
        indexes = [models.Index(fields=["failed_at"], name="idx_failed_sign_ins_failed")]

    def __str__(self) -> str:
        return f"{self.step} at {self.failed_at:%Y-%m-%d %H:%M:%S}"


class Alert(Retryable):
    """What owners were told about one cause, and who said they saw it."""

    CHANNELS: ClassVar[tuple[str, ...]] = ("console", "email", "chat")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cause = models.CharField(max_length=255)
    channel = models.CharField(max_length=10)
    failure = models.ForeignKey(PaymentFailure, null=True, blank=True, on_delete=models.PROTECT, related_name="alerts")
    event = models.ForeignKey(Event, null=True, blank=True, on_delete=models.PROTECT, related_name="alerts")
    title = models.CharField(max_length=200)
    body = models.TextField(blank=True, default="")
    recipient = models.EmailField(blank=True, default="")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    sent_again_at = models.DateTimeField(null=True, blank=True, help_text="When nobody had seen it for too long.")
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        db_table = "alerts"
        constraints = [
            models.UniqueConstraint(fields=["cause", "channel", "recipient"], name="unique_alert_cause"),
            models.CheckConstraint(
                condition=Q(acknowledged_at__isnull=True, acknowledged_by__isnull=True)
                | Q(acknowledged_at__isnull=False, acknowledged_by__isnull=False),
                name="owners_alert_acknowledged_by_whom_and_when",
            ),
        ]
        indexes = [
            owed("idx_alerts_owed"),
            models.Index(
                fields=["created_at"], name="idx_alerts_unseen", condition=Q(channel="console", acknowledged_at=None)
            ),
        ]

    def __str__(self) -> str:
        return self.title


class LedgerAudit(models.Model):
    """What one audit of all the books found."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    audited_at = models.DateTimeField()
    findings = models.JSONField(help_text="Each invariant's number, sentence and what breaks it.")
    broken = models.PositiveSmallIntegerField()

    class Meta:
        db_table = "ledger_audits"
        indexes = [models.Index(fields=["-audited_at"], name="idx_ledger_audits_latest")]

    def __str__(self) -> str:
        return f"{self.audited_at:%Y-%m-%d %H:%M}: {'holds' if not self.broken else f'{self.broken} broken'}"


class ErrorLog(models.Model):
    """One error of ours, however often it came; written by the log's handler alone."""

    class Severity(models.TextChoices):
        ERROR = "error"  # one request or one try of a task failed
        CRITICAL = "critical"  # a process could not go on

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    fingerprint = models.CharField(max_length=64, help_text="The same for errors that are the same.")
    error_type = models.CharField(max_length=200, blank=True)
    message = models.TextField()
    function = models.CharField(max_length=200, help_text="The innermost function of ours.")
    severity = models.CharField(max_length=10, choices=Severity.choices)
    logger = models.CharField(max_length=200)
    stack = models.TextField(blank=True)
    context = models.JSONField(default=dict, help_text="What the process was doing the last time.")
    count = models.PositiveIntegerField()
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    recurred_at = models.DateTimeField(null=True, blank=True, help_text="When it last came back after it was resolved.")
    resolved = models.BooleanField(default=False)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        db_table = "error_logs"
        verbose_name = "error"
        constraints = [
            models.UniqueConstraint(fields=["fingerprint"], name="unique_error_fingerprint"),
            models.CheckConstraint(
                condition=Q(resolved=False, resolved_at__isnull=True, resolved_by__isnull=True)
                | Q(resolved=True, resolved_at__isnull=False, resolved_by__isnull=False),
                name="owners_error_resolved_with_who_and_when",
            ),
            models.CheckConstraint(condition=Q(severity__in=("error", "critical")), name="owners_error_known_severity"),
            models.CheckConstraint(condition=Q(count__gte=1), name="owners_error_counted"),
        ]
        indexes = [models.Index(fields=["resolved", "-last_seen_at"], name="idx_error_logs_latest")]

    def __str__(self) -> str:
        return f"{self.error_type}: {self.message}" if self.error_type else self.message


class ErrorCount(models.Model):
    """How often one error came on one day of the venue."""

    id = models.BigAutoField(primary_key=True)
    error = models.ForeignKey(ErrorLog, on_delete=models.CASCADE, related_name="days")
    day = models.DateField()
    count = models.PositiveIntegerField()

    class Meta:
        db_table = "error_counts"
        constraints = [
            models.UniqueConstraint(fields=["error", "day"], name="unique_error_day"),
            models.CheckConstraint(condition=Q(count__gte=1), name="owners_error_day_counted"),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.count}"
