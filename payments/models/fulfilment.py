"""The promise that a paid order gets its goods."""

import uuid

from django.db import models
from django.db.models import Q

from payments.models.order import Order
from payments.models.retryable import Retryable, owed
from payments.recording import recorded, tries
from payments.states import never_deleted


@recorded(
    *tries(unless="NEW.done_at IS NOT NULL"),
    fields=("order", "attempts", "next_attempt_at", "last_error"),
    found_by="order",
)
class Fulfilment(Retryable):
    """What is owed to one paid order; `round` counts the fresh starts a person has given it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="fulfilment")
    round = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "fulfilments"
        constraints = [
            models.CheckConstraint(
                condition=Q(done_at__isnull=True) | Q(next_attempt_at__isnull=True),
                name="payments_fulfilment_done_owes_nothing",
            ),
        ]
        indexes = [owed("idx_fulfilments_owed")]
        triggers = [never_deleted()]

    def __str__(self) -> str:
        return f"fulfilment of {self.order_id}"

    @property
    def was_given_up(self) -> bool:
        """Say whether every try had failed once, so that a failure told of it."""
        return self.given_up_at is not None or self.round > 1
