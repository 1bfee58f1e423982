"""A table taken for a party on a night, from the hold to the end of the night."""

import secrets
import uuid
from typing import TYPE_CHECKING, ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q

from payments.models import Order
from payments.recording import recorded, when
from payments.states import Moves, Stateful, legal_moves_only, never_deleted
from tickets.models import Event
from vip.models.table import Table

if TYPE_CHECKING:
    from vip.models.guest_pass import GuestPass

LIVE = ("held", "confirmed", "arrived", "seated")

# A share lock on the table and its night: whoever blocks or closes them meanwhile waits, or is seen.
MAY_BE_TAKEN = """
    IF NEW.status IN ('held', 'confirmed', 'arrived', 'seated') AND NOT (
        TG_OP = 'UPDATE' AND OLD.status IN ('held', 'confirmed', 'arrived', 'seated')
        AND OLD.table_id = NEW.table_id AND OLD.party_size = NEW.party_size
    ) THEN
        SELECT t.blocked, t.capacity_max, t.event_id, e.status INTO place
            FROM vip_tables t JOIN events e ON e.id = t.event_id WHERE t.id = NEW.table_id FOR SHARE;
        IF place.event_id <> NEW.event_id THEN
            RAISE EXCEPTION 'vip_reservation_on_its_own_night' USING ERRCODE = 'check_violation',
                CONSTRAINT = 'vip_reservation_on_its_own_night';
        ELSIF place.blocked THEN
            RAISE EXCEPTION 'vip_reservation_never_on_a_blocked_table' USING ERRCODE = 'check_violation',
                CONSTRAINT = 'vip_reservation_never_on_a_blocked_table';
        ELSIF place.status <> 'published' THEN
            RAISE EXCEPTION 'vip_reservation_never_on_a_closed_night' USING ERRCODE = 'check_violation',
                CONSTRAINT = 'vip_reservation_never_on_a_closed_night';
        ELSIF NEW.party_size > place.capacity_max + (
            SELECT coalesce(sum(j.capacity_max), 0) FROM vip_tables j WHERE j.joined_to_id = NEW.id
        ) THEN
            RAISE EXCEPTION 'vip_reservation_party_within_capacity' USING ERRCODE = 'check_violation',
                CONSTRAINT = 'vip_reservation_party_within_capacity';
        END IF;
    END IF;
    IF TG_OP = 'UPDATE' AND EXISTS (
        SELECT FROM vip_guest_passes p
        WHERE p.reservation_id = NEW.id AND p.status <> 'void' AND p.number > NEW.party_size
    ) THEN
        RAISE EXCEPTION 'vip_reservation_party_covers_its_passes' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'vip_reservation_party_covers_its_passes';
    END IF;
    RETURN NEW;
"""
NEVER_PARKED = """
    IF EXISTS (SELECT FROM vip_reservations r WHERE r.id = NEW.id AND r.parked) THEN
        RAISE EXCEPTION 'vip_reservation_never_left_parked' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'vip_reservation_never_left_parked';
    END IF;
    RETURN NULL;
"""


def make_code() -> str:
    """Return 128 random bits, as the key to a page or a door."""
    return secrets.token_urlsafe(16)


class VipReservationQuerySet(models.QuerySet["VipReservation"]):
    """Find reservations."""

    def live(self) -> "VipReservationQuerySet":
        """Return those that have their table: held, or sold and not over."""
        return self.filter(status__in=LIVE)


@recorded(
    # Confirmed is what its order's fulfilment says.
    when("moved", "OLD.status <> NEW.status AND NEW.status <> 'confirmed'"),
    fields=("order", "status"),
    found_by="order",
)
@legal_moves_only
class VipReservation(Stateful):
    """One party's table on one night. A refund is a fact beside it, not a state of it."""

    class Status(models.TextChoices):
        HELD = "held"  # the party has a few minutes to pay
        CONFIRMED = "confirmed"  # paid, with a pass for every seat
        ARRIVED = "arrived"  # the first of the party is in
        SEATED = "seated"  # the host's desk has led them to the table
        COMPLETED = "completed"  # the night is over and they were there
        EXPIRED = "expired"  # the hold ended unpaid
        RELEASED = "released"  # let go before paying, or all the money went back
        CANCELLED_BY_GUEST = "cancelled_by_guest"
        CANCELLED_BY_VENUE = "cancelled_by_venue"
        NO_SHOW = "no_show"  # the night is over and nobody of them came

    OVER = (
        Status.COMPLETED, Status.EXPIRED, Status.RELEASED, Status.CANCELLED_BY_GUEST, Status.CANCELLED_BY_VENUE,
        Status.NO_SHOW,
    )  # fmt: skip
    ENDED_EARLY = frozenset({Status.RELEASED, Status.CANCELLED_BY_GUEST, Status.CANCELLED_BY_VENUE})
    MOVES: ClassVar[Moves] = {
        Status.HELD: frozenset({Status.CONFIRMED, Status.EXPIRED, Status.RELEASED, Status.CANCELLED_BY_VENUE}),
        Status.CONFIRMED: ENDED_EARLY | {Status.ARRIVED, Status.NO_SHOW},
        Status.ARRIVED: ENDED_EARLY | {Status.SEATED, Status.COMPLETED},
        Status.SEATED: ENDED_EARLY | {Status.COMPLETED},
        Status.COMPLETED: frozenset({Status.RELEASED}),  # refunded after the night
        Status.NO_SHOW: frozenset({Status.RELEASED, Status.ARRIVED}),  # they came after all
        Status.EXPIRED: frozenset({Status.HELD}),  # regained for money that came late
        Status.RELEASED: frozenset({Status.HELD}),
        Status.CANCELLED_BY_GUEST: frozenset(),
        Status.CANCELLED_BY_VENUE: frozenset({Status.HELD}),  # refused by the database while the night is off
    }
    STAMPS: ClassVar[dict[str, str]] = {
        Status.CONFIRMED: "confirmed_at",
        Status.ARRIVED: "arrived_at",
        Status.SEATED: "seated_at",
        **dict.fromkeys(OVER, "closed_at"),
    }

    class Provider(models.TextChoices):
        STRIPE = "stripe", "Stripe"
        PAYPAL = "paypal", "PayPal"
        CASH = "cash", "Cash at the door"
        CARD_AT_DOOR = "card_at_door", "Card at the door"
        NONE = "none", "Nothing to pay"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="vip_reservation")
    table = models.ForeignKey(Table, on_delete=models.PROTECT, related_name="reservations")
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="vip_reservations")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.HELD)
    party_size = models.PositiveSmallIntegerField()
    host_name = models.CharField(max_length=200)
    host_email = models.EmailField()
    host_code = models.CharField(max_length=32, unique=True, default=make_code, editable=False)
    invite_code = models.CharField(max_length=32, unique=True, default=make_code, editable=False)
    transfer_code = models.CharField(max_length=32, unique=True, null=True, blank=True, editable=False)
    guests = models.JSONField(default=list, blank=True, help_text="Names given while booking, for seats 2 and on.")
    arrives_at = models.DateTimeField(null=True, blank=True)
    occasion = models.CharField(max_length=40, blank=True, default="")
    celebrated = models.CharField(max_length=200, blank=True, default="")
    bottle_wishes = models.CharField(max_length=500, blank=True, default="")
    requests = models.CharField(max_length=1000, blank=True, default="")
    terms_version = models.CharField(max_length=20, blank=True, default="")
    terms_accepted_at = models.DateTimeField(null=True, blank=True)
    terms = models.JSONField(help_text="How the table was sold, as it was shown.")
    deposit_cents = models.PositiveIntegerField(default=0, help_text="Paid, or to be paid, before the night.")
    balance_cents = models.PositiveIntegerField(default=0, help_text="Due on the night at the minimum spend.")
    payment_provider = models.CharField(max_length=12, choices=Provider.choices, blank=True, default="")
    external_payment_id = models.CharField(max_length=255, null=True, blank=True)
    stripe_payment_intent_id = models.CharField(max_length=255, null=True, blank=True)
    webhook_event = models.CharField(max_length=255, blank=True, default="", help_text="The event that told of it.")
    parked = models.BooleanField(default=False, help_text="Between two tables, within one transaction only.")
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    arrived_at = models.DateTimeField(null=True, blank=True)
    seated_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = VipReservationQuerySet.as_manager()

    class Meta:
        db_table = "vip_reservations"
        verbose_name = "table reservation"
        constraints = [
            models.UniqueConstraint(fields=["stripe_payment_intent_id"], name="unique_vip_stripe_payment"),
            models.UniqueConstraint(
                fields=["payment_provider", "external_payment_id"], name="vip_reservation_provider_id_once"
            ),
            models.UniqueConstraint(
                fields=["event", "table"],
                condition=Q(status__in=LIVE, parked=False),
                name="idx_one_active_reservation_per_table",
            ),
            models.CheckConstraint(condition=Q(party_size__gte=1), name="vip_reservation_party_positive"),
            models.CheckConstraint(
                condition=Q(external_payment_id__isnull=True)
                | Q(payment_provider="stripe", external_payment_id__regex=r"^pi_[A-Za-z0-9_]+$")
                | Q(payment_provider="paypal", external_payment_id__regex=r"^[A-Z0-9]{17,}$"),
                name="vip_reservation_provider_id_well_formed",
            ),
            models.CheckConstraint(
                condition=Q(stripe_payment_intent_id__isnull=True)
                | Q(stripe_payment_intent_id__regex=r"^pi_[A-Za-z0-9_]+$"),
                name="vip_reservation_stripe_id_well_formed",
            ),
            models.CheckConstraint(
                condition=Q(payment_provider__in=("", "stripe", "paypal", "cash", "card_at_door", "none")),
                name="vip_reservation_known_provider",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=("confirmed", "arrived", "seated", "completed", "no_show"))
                | Q(confirmed_at__isnull=False),
                name="vip_reservation_sold_with_confirmed_at",
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=(
                        "held", "confirmed", "arrived", "seated", "completed", "expired", "released",
                        "cancelled_by_guest", "cancelled_by_venue", "no_show",
                    )
                ),
                name="vip_reservation_known_status",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["expires_at"], name="idx_vip_reservations_expires", condition=Q(status="held")),
            models.Index(fields=["event", "status"], name="idx_vip_reservations_event"),
        ]
        triggers = [
            never_deleted(),
            pgtrigger.Trigger(
                name="may_be_taken",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                declare=[("place", "RECORD")],
                func=MAY_BE_TAKEN,
            ),
            pgtrigger.Trigger(
                name="never_parked",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.Update,
                condition=pgtrigger.Q(new__parked=True),
                timing=pgtrigger.Deferred,
                func=NEVER_PARKED,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.host_name} · {self.party_size}"

    @property
    def passes_in_order(self) -> "models.QuerySet[GuestPass]":
        """Return the passes, the host's first."""
        return self.passes.order_by("number")

    @property
    def is_live(self) -> bool:
        """Say whether the party has its table."""
        return self.status in LIVE
