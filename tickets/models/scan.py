"""What happened at the door, scan by scan."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from tickets.models.event import Event
from tickets.models.ticket import Ticket


class Scan(models.Model):
    """One look at one code at the door."""

    class Kind(models.TextChoices):
        FIRST = "first"  # let in for the first time
        REENTRY = "reentry"  # let in again after going out
        EXIT = "exit"  # went out
        REJECTED = "rejected"  # not let in

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(Event, null=True, blank=True, on_delete=models.PROTECT, related_name="scans")
    ticket = models.ForeignKey(Ticket, null=True, blank=True, on_delete=models.PROTECT, related_name="scans")
    # By name: vip stands above. A scan is of a ticket, a pass, or a code nobody knows.
    guest_pass = models.ForeignKey(
        "vip.GuestPass", null=True, blank=True, on_delete=models.PROTECT, related_name="scans"
    )
    code = models.CharField(max_length=64)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    result = models.CharField(max_length=40)
    gate = models.CharField(max_length=40, blank=True, default="")
    device = models.CharField(max_length=80, blank=True, default="")
    device_scan_id = models.CharField(max_length=80)
    scanned_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    scanned_at = models.DateTimeField()

    class Meta:
        db_table = "scans"
        constraints = [
            models.UniqueConstraint(fields=["device_scan_id"], name="unique_scan_device_scan_id"),
            models.UniqueConstraint(fields=["code"], condition=Q(kind="first"), name="tickets_scan_one_first_per_code"),
            models.CheckConstraint(
                condition=Q(ticket__isnull=True) | Q(guest_pass__isnull=True),
                name="tickets_scan_of_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=("first", "reentry", "exit", "rejected")), name="tickets_scan_known_kind"
            ),
        ]
        indexes = [models.Index(fields=["event", "scanned_at"], name="idx_scans_event")]

    def __str__(self) -> str:
        return f"{self.kind} {self.code}"
