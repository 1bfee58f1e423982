"""Guests who wait for places to come back."""

import uuid

from django.db import models
from django.db.models import Q

from payments.models import Order
from payments.models.order import make_reference
from tickets.models.event import TicketType


class WaitingGuest(models.Model):
    """One guest's place in the line for one kind of ticket; offered once, as an order held for them."""

    class Status(models.TextChoices):
        WAITING = "waiting"  # in the line
        OFFERED = "offered"  # places were held for them; the order says what became of it
        LEFT = "left"  # wanted no longer

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference = models.CharField(max_length=32, unique=True, default=make_reference, editable=False)
    ticket_type = models.ForeignKey(TicketType, on_delete=models.PROTECT, related_name="waiting_guests")
    name = models.CharField(max_length=200)
    email = models.EmailField(help_text="In lower case.")
    language = models.CharField(max_length=5, default="en")
    quantity = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.WAITING)
    joined_at = models.DateTimeField()
    order = models.OneToOneField(
        Order,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="waiting_guest",
        help_text="What was offered.",
    )

    class Meta:
        db_table = "waiting_guests"
        constraints = [
            models.UniqueConstraint(
                fields=["ticket_type", "email"], condition=Q(status="waiting"), name="tickets_waiting_once_per_guest"
            ),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="tickets_waiting_quantity_positive"),
            models.CheckConstraint(
                condition=Q(status="offered", order__isnull=False) | (~Q(status="offered") & Q(order=None)),
                name="tickets_waiting_offered_exactly_with_order",
            ),
            models.CheckConstraint(
                condition=Q(status__in=("waiting", "offered", "left")), name="tickets_waiting_known_status"
            ),
        ]
        indexes = [models.Index(fields=["ticket_type", "joined_at"], name="idx_waiting", condition=Q(status="waiting"))]

    def __str__(self) -> str:
        return f"{self.quantity} · {self.email}"
