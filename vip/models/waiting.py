"""Parties that wait for a table to come back."""

import uuid
from typing import Any

from django.db import models
from django.db.models import Q

from payments.models import Order
from payments.models.order import make_reference
from tickets.models import Event


class WaitingPartyQuerySet(models.QuerySet["WaitingParty"]):
    """Find parties in the line."""

    def in_line(self) -> "WaitingPartyQuerySet":
        """Return those that still wait."""
        return self.filter(status=WaitingParty.Status.WAITING)

    def for_table(
        self,
        event: Any,
        least: Any,
        most: Any,  # Any: values, or an outer query's columns
    ) -> "WaitingPartyQuerySet":
        """Return those that wait for a table with so many seats."""
        return self.in_line().filter(event=event, party_size__gte=least, party_size__lte=most)


class WaitingParty(models.Model):
    """One party's place in a night's line for tables; offered one that fits, once, as an order held for them."""

    class Status(models.TextChoices):
        WAITING = "waiting"  # in the line
        OFFERED = "offered"  # a table was held for them; the order says what became of it
        LEFT = "left"  # wanted no longer

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference = models.CharField(max_length=32, unique=True, default=make_reference, editable=False)
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="waiting_parties")
    name = models.CharField(max_length=200)
    email = models.EmailField(help_text="In lower case.")
    phone = models.CharField(max_length=40)
    language = models.CharField(max_length=5, default="en")
    party_size = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.WAITING)
    joined_at = models.DateTimeField(help_text="And agreed to how tables are sold.")
    order = models.OneToOneField(
        Order,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="waiting_party",
        help_text="What was offered.",
    )

    objects = WaitingPartyQuerySet.as_manager()

    class Meta:
        db_table = "vip_waiting_parties"
        verbose_name_plural = "waiting parties"
        constraints = [
            models.UniqueConstraint(
                fields=["event", "email"], condition=Q(status="waiting"), name="vip_waiting_once_per_night"
            ),
            models.CheckConstraint(condition=Q(party_size__gte=1), name="vip_waiting_party_positive"),
            models.CheckConstraint(
                condition=Q(status="offered", order__isnull=False) | (~Q(status="offered") & Q(order=None)),
                name="vip_waiting_offered_exactly_with_order",
            ),
            models.CheckConstraint(
                condition=Q(status__in=("waiting", "offered", "left")), name="vip_waiting_known_status"
            ),
        ]
        indexes = [models.Index(fields=["event", "joined_at"], name="idx_vip_waiting", condition=Q(status="waiting"))]

    def __str__(self) -> str:
        return f"{self.party_size} · {self.email}"
