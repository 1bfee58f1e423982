"""What was done to a table or its party by hand: who, when, why."""

import uuid

from django.conf import settings
from django.db import models

from payments.states import never_deleted
from tickets.models import Event
from vip.models.reservation import VipReservation
from vip.models.table import Table


class TableChange(models.Model):
    """One change, written in the transaction that made it; `by` is empty where the guest did it."""

    class Kind(models.TextChoices):
        MOVED = "moved"
        SWAPPED = "swapped"
        BLOCKED = "blocked"
        UNBLOCKED = "unblocked"
        WALK_IN = "walk_in"
        COMPLIMENTARY = "complimentary"
        CANCELLED = "cancelled"
        REFUNDED = "refunded"
        RESIZED = "resized"
        SEATED = "seated"
        HOST_CHANGED = "host_changed"
        REISSUED = "reissued"
        JOINED = "joined"
        PARTED = "parted"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="table_changes")
    table = models.ForeignKey(Table, on_delete=models.PROTECT, related_name="changes")
    reservation = models.ForeignKey(
        VipReservation, null=True, blank=True, on_delete=models.PROTECT, related_name="changes"
    )
    note = models.CharField(max_length=500, blank=True, default="")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "vip_table_changes"
        indexes = [models.Index(fields=["event", "at"], name="idx_vip_table_changes_event")]
        triggers = [never_deleted()]

    def __str__(self) -> str:
        return f"{self.kind} {self.table_id}"
