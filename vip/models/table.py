"""One table of a night."""

import uuid

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from tickets.models import Event

# The row is locked by now: whoever takes the table meanwhile waits, and finds it blocked.
JOINED_WHEN_FREE = """
    IF NEW.joined_to_id IS NOT NULL AND NEW.joined_to_id IS DISTINCT FROM OLD.joined_to_id AND (
        EXISTS (
            SELECT FROM vip_reservations r
            WHERE r.table_id = NEW.id AND r.status IN ('held', 'confirmed', 'arrived', 'seated')
        ) OR NOT EXISTS (
            SELECT FROM vip_reservations r WHERE r.id = NEW.joined_to_id AND r.event_id = NEW.event_id
            AND r.status IN ('confirmed', 'arrived', 'seated')
        )
    ) THEN
        RAISE EXCEPTION 'vip_table_joined_only_when_free' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'vip_table_joined_only_when_free';
    END IF;
    RETURN NEW;
"""


class Table(models.Model):
    """One table on one night, copied from the floor template so that edits never touch a sold night.

    Free, held or taken is derived from reservations, never kept here.
    """

    class Tier(models.TextChoices):
        PREMIUM = "premium", _("Premium")
        FRONT_ROW = "front_row", _("Front row")
        STANDARD = "standard", _("Standard")

    class Mode(models.TextChoices):
        PACKAGE = "package"  # a fixed price with named bottles
        DEPOSIT = "deposit"  # a deposit now, a minimum spend on the night
        FULL_PREPAY = "full_prepay"  # the whole minimum now

    class Shape(models.TextChoices):
        ROUND = "round"
        RECTANGLE = "rectangle"
        BOOTH = "booth"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="tables")
    code = models.CharField(max_length=8)
    tier = models.CharField(max_length=12, choices=Tier.choices)
    section = models.CharField(max_length=40)
    shape = models.CharField(max_length=12, choices=Shape.choices)
    x = models.PositiveSmallIntegerField(help_text="0–1000, from the left of the plan.")
    y = models.PositiveSmallIntegerField(help_text="0–700, from the top of the plan.")
    capacity_min = models.PositiveSmallIntegerField(default=1)
    capacity_max = models.PositiveSmallIntegerField()
    mode = models.CharField(max_length=12, choices=Mode.choices)
    price_cents = models.PositiveIntegerField()
    minimum_spend_cents = models.PositiveIntegerField(default=0)
    deposit_cents = models.PositiveIntegerField(default=0)
    service_bps = models.PositiveSmallIntegerField(default=0, help_text="Service charge, in hundredths of a per cent.")
    tax_bps = models.PositiveSmallIntegerField(default=0, help_text="Tax, in hundredths of a per cent.")
    gratuity_bps = models.PositiveSmallIntegerField(default=0, help_text="Gratuity, in hundredths of a per cent.")
    bottles = models.JSONField(default=list, blank=True)
    blocked = models.BooleanField(default=False)
    blocked_reason = models.CharField(max_length=200, blank=True, default="")
    joined_to = models.ForeignKey(
        "vip.VipReservation",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="joined_tables",
        help_text="The party at the table beside it that has this one too.",
    )

    class Meta:
        db_table = "vip_tables"
        constraints = [
            models.UniqueConstraint(fields=["event", "code"], name="unique_vip_table_code"),
            models.CheckConstraint(
                condition=Q(deposit_cents__lte=F("price_cents")), name="vip_table_deposit_never_above_price"
            ),
            models.CheckConstraint(
                condition=Q(capacity_min__gte=1, capacity_max__gte=F("capacity_min")),
                name="vip_table_capacity_min_to_max",
            ),
            models.CheckConstraint(condition=Q(x__lte=1000, y__lte=700), name="vip_table_stands_on_the_plan"),
            models.CheckConstraint(
                condition=Q(blocked=False) | ~Q(blocked_reason=""), name="vip_table_blocked_with_a_reason"
            ),
            models.CheckConstraint(
                condition=Q(joined_to__isnull=True) | Q(blocked=True), name="vip_table_joined_is_blocked"
            ),
            models.CheckConstraint(
                condition=Q(service_bps__lte=10_000, tax_bps__lte=10_000, gratuity_bps__lte=10_000),
                name="vip_table_charges_at_most_whole",
            ),
            models.CheckConstraint(
                condition=Q(mode__in=("package", "deposit", "full_prepay")), name="vip_table_known_mode"
            ),
            models.CheckConstraint(
                condition=Q(tier__in=("premium", "front_row", "standard")), name="vip_table_known_tier"
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="joined_when_free",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=JOINED_WHEN_FREE,
            ),
        ]

    def __str__(self) -> str:
        return self.code
