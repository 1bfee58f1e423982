"""Codes that make tickets cheaper, and every use of one."""

import uuid
from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

from payments.models import Order
from tickets.models.event import Event, TicketType


class PromoCode(models.Model):
    """A word that takes a percentage or an amount off each ticket; its uses are counted like places."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(
        Event,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="promo_codes",
        help_text="Empty: any night.",
    )
    types = models.ManyToManyField(
        TicketType, blank=True, related_name="promo_codes", help_text="Empty: every kind of ticket."
    )
    code = models.CharField(max_length=40)
    percent = models.PositiveSmallIntegerField(null=True, blank=True)
    amount_cents = models.PositiveIntegerField(null=True, blank=True, help_text="Off each ticket.")
    capacity = models.PositiveIntegerField(null=True, blank=True, help_text="How many orders may use it; empty: any.")
    per_guest = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Orders of one address; empty: any.")
    held = models.IntegerField(default=0)
    used = models.IntegerField(default=0)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        db_table = "promo_codes"
        constraints = [
            models.UniqueConstraint(fields=["event", "code"], name="tickets_promo_code_once", nulls_distinct=False),
            models.CheckConstraint(condition=Q(code=Upper(F("code"))), name="tickets_promo_code_upper_case"),
            models.CheckConstraint(
                condition=Q(percent__range=(1, 90), amount_cents=None) | Q(percent=None, amount_cents__gte=1),
                name="tickets_promo_percent_or_amount",
                violation_error_message="Give a percentage from 1 to 90, or an amount.",
            ),
            models.CheckConstraint(
                condition=Q(capacity=None) | Q(capacity__gte=F("held") + F("used")),
                name="tickets_promo_never_above_capacity",
                violation_error_message="More orders use it than that.",
            ),
            models.CheckConstraint(condition=Q(held__gte=0, used__gte=0), name="tickets_promo_counts_never_negative"),
            models.CheckConstraint(
                condition=Q(starts_at=None) | Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
                name="tickets_promo_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def is_open(self, now: datetime) -> bool:
        """Say whether the code may be used now, as far as the clock knows."""
        begun = self.starts_at is None or self.starts_at <= now
        return self.is_active and begun and (self.ends_at is None or now < self.ends_at)


class PromoUse(models.Model):
    """One order's use of a code."""

    class Status(models.TextChoices):
        HELD = "held"  # counted in the code's `held`
        USED = "used"  # counted in the code's `used`
        RELEASED = "released"  # counted nowhere

    order = models.OneToOneField(Order, primary_key=True, on_delete=models.PROTECT, related_name="promo_use")
    promo = models.ForeignKey(PromoCode, on_delete=models.PROTECT, related_name="uses")
    email = models.EmailField(help_text="In lower case: whose use it is.")
    discount_cents = models.PositiveIntegerField()
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.HELD)

    class Meta:
        db_table = "promo_uses"
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=("held", "used", "released")), name="tickets_promo_use_known_status"
            ),
            models.CheckConstraint(condition=Q(discount_cents__gte=1), name="tickets_promo_use_takes_something_off"),
        ]
        indexes = [models.Index(fields=["promo", "email"], name="idx_promo_uses_guest")]

    def __str__(self) -> str:
        return f"{self.promo_id} for {self.order_id}"
