"""One seat's way in."""

import uuid
from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q

from payments.recording import became, changed, recorded
from payments.states import Moves, Stateful, legal_moves_only, never_deleted
from vip.models.reservation import VipReservation, make_code

HOST_SEAT = 1

WITHIN_PARTY = """
    IF NEW.status <> 'void' AND NEW.number > (
        SELECT r.party_size FROM vip_reservations r WHERE r.id = NEW.reservation_id FOR SHARE
    ) THEN
        RAISE EXCEPTION 'vip_pass_never_more_than_the_party' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'vip_pass_never_more_than_the_party';
    END IF;
    RETURN NEW;
"""


class GuestPassQuerySet(models.QuerySet["GuestPass"]):
    """Find passes."""

    def living(self) -> "GuestPassQuerySet":
        """Return those that let, or have let, somebody in."""
        return self.exclude(status=GuestPass.Status.VOID)

    def unclaimed(self) -> "GuestPassQuerySet":
        """Return the seats nobody has a name for yet."""
        return self.filter(status=GuestPass.Status.VALID, name="", number__gt=HOST_SEAT)


@recorded(
    became("moved", "void", "valid"),
    changed("renewed", "version"),
    changed("named", "name", "email"),
    fields=("reservation", "number", "status"),
    found_by="reservation",
)
@legal_moves_only
class GuestPass(Stateful):
    """One seat of a party: one pass and one way in, however it was paid for. The host is seat 1."""

    class Status(models.TextChoices):
        VALID = "valid"  # lets one person in
        ADMITTED = "admitted"  # has let one person in
        VOID = "void"  # the table was cancelled or the party became smaller

    MOVES: ClassVar[Moves] = {
        Status.VALID: frozenset({Status.ADMITTED, Status.VOID}),
        Status.ADMITTED: frozenset({Status.VOID}),
        Status.VOID: frozenset({Status.VALID}),  # the party grew again; under a new code
    }
    STAMPS: ClassVar[dict[str, str]] = {Status.ADMITTED: "admitted_at", Status.VOID: "voided_at"}

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reservation = models.ForeignKey(VipReservation, on_delete=models.PROTECT, related_name="passes")
    number = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=200, blank=True, default="")
    email = models.EmailField(blank=True, default="")
    code = models.CharField(max_length=32, unique=True, default=make_code)
    link = models.CharField(max_length=32, unique=True, default=make_code, help_text="The key to the guest's own page.")
    version = models.PositiveIntegerField(default=1, help_text="One more with every code.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.VALID)
    created_at = models.DateTimeField()
    admitted_at = models.DateTimeField(null=True, blank=True)
    voided_at = models.DateTimeField(null=True, blank=True)

    objects = GuestPassQuerySet.as_manager()

    class Meta:
        db_table = "vip_guest_passes"
        verbose_name_plural = "guest passes"
        constraints = [
            models.UniqueConstraint(fields=["reservation", "number"], name="vip_pass_one_per_seat"),
            models.CheckConstraint(condition=Q(number__gte=1), name="vip_pass_seats_start_at_one"),
            models.CheckConstraint(
                condition=~Q(status="admitted") | Q(admitted_at__isnull=False),
                name="vip_pass_admitted_with_admitted_at",
            ),
            models.CheckConstraint(
                condition=~Q(status="void") | Q(voided_at__isnull=False), name="vip_pass_void_with_voided_at"
            ),
            models.CheckConstraint(condition=Q(status__in=("valid", "admitted", "void")), name="vip_pass_known_status"),
        ]
        triggers = [
            never_deleted(),
            pgtrigger.Trigger(
                name="within_party",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func=WITHIN_PARTY,
            ),
        ]

    def __str__(self) -> str:
        return f"seat {self.number}"

    @property
    def is_host(self) -> bool:
        """Say whether this is the host's own."""
        return self.number == HOST_SEAT
