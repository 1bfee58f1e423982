"""What each comparison with a provider found."""

import uuid

from django.db import models
from django.db.models import Q


class ReconcileRun(models.Model):
    """One comparison of a provider's books with ours, from `since` on."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.CharField(max_length=10)
    since = models.DateTimeField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    seen = models.PositiveIntegerField(default=0, help_text="Objects the provider showed.")
    fed = models.PositiveIntegerField(default=0, help_text="Objects our books did not have so.")

    class Meta:
        db_table = "reconcile_runs"
        indexes = [
            models.Index(
                fields=["provider", "-started_at"],
                name="idx_reconcile_runs_good",
                condition=Q(finished_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.started_at:%Y-%m-%d %H:%M}"
