"""Places taken off the shelf for an order, until it is paid or its time is up."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from payments.models import Order
from payments.recording import became, recorded
from payments.states import Moves, Stateful, legal_moves_only
from tickets.models.event import TicketType


@recorded(
    became("moved", "released", "pending"),
    fields=("order", "ticket_type", "quantity", "status"),
    found_by="order",
)
@legal_moves_only
class TicketReservation(Stateful):
    """The hold: some places of one type for one order."""

    class Status(models.TextChoices):
        PENDING = "pending"  # counted in the type's `held`
        FULFILLED = "fulfilled"  # counted in the type's `sold`, as tickets
        RELEASED = "released"  # counted nowhere

    MOVES: ClassVar[Moves] = {
        Status.PENDING: frozenset({Status.FULFILLED, Status.RELEASED}),
        Status.RELEASED: frozenset({Status.PENDING}),  # regained for money that came late
        Status.FULFILLED: frozenset({Status.RELEASED}),  # refunded
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="ticket_reservations")
    ticket_type = models.ForeignKey(TicketType, on_delete=models.PROTECT, related_name="reservations")
    quantity = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    expires_at = models.DateTimeField()
    extended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "ticket_reservations"
        constraints = [
            models.UniqueConstraint(fields=["order", "ticket_type"], name="tickets_hold_one_per_order_and_type"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="tickets_hold_quantity_positive"),
            models.CheckConstraint(
                condition=Q(status__in=("pending", "fulfilled", "released")), name="tickets_hold_known_status"
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at"], name="idx_reservations_expires", condition=Q(status="pending")),
            models.Index(
                fields=["ticket_type", "expires_at"],
                name="idx_reservations_type_expires",
                condition=Q(status="pending"),
            ),
        ]

    def __str__(self) -> str:
        return f"Hold of {self.quantity}"
