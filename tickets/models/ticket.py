"""One admission."""

import secrets
import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper

from payments.models import Order, rows
from payments.recording import became, recorded
from payments.states import Moves, Stateful, legal_moves_only, never_deleted
from tickets.models.event import Event, TicketType


def make_code() -> str:
    """Return 128 random bits as the ticket's code."""
    return secrets.token_urlsafe(16)


OF_ORDER = """
FROM tickets JOIN ticket_types ON ticket_types.id = tickets.ticket_type_id
WHERE tickets.order_id = %s ORDER BY tickets.position
"""


class TicketManager(models.Manager["Ticket"]):
    """Find tickets."""

    def of_order(self, order: Order) -> "list[Ticket]":
        """Return an order's tickets as they are numbered, each with its type, by a statement that is planned once."""
        tickets = []
        for ticket, ticket.ticket_type in rows.find_together((Ticket, TicketType), OF_ORDER, order.pk):
            tickets.append(ticket)
        return tickets


@recorded(became("moved", "void"), fields=("order", "position", "status"), found_by="order")
@legal_moves_only
class Ticket(Stateful):
    """One person's way in, once."""

    class Status(models.TextChoices):
        VALID = "valid"  # lets one person in
        ADMITTED = "admitted"  # has let one person in
        VOID = "void"  # refunded, cancelled or found to be too many

    MOVES: ClassVar[Moves] = {
        Status.VALID: frozenset({Status.ADMITTED, Status.VOID}),
        Status.ADMITTED: frozenset({Status.VOID}),
        Status.VOID: frozenset(),
    }
    STAMPS: ClassVar[dict[str, str]] = {Status.ADMITTED: "admitted_at", Status.VOID: "voided_at"}

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="tickets")
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="tickets")
    ticket_type = models.ForeignKey(TicketType, on_delete=models.PROTECT, related_name="tickets")
    stripe_payment_intent_id = models.CharField(max_length=255, null=True, blank=True)
    position = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=32, unique=True, default=make_code)
    holder_name = models.CharField(max_length=200, blank=True, default="")
    holder_email = models.EmailField(
        blank=True, default="", help_text="Of whom it was given to; else the buyer has it."
    )
    holder_reference = models.CharField(max_length=32, unique=True, null=True, blank=True, editable=False)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.VALID)
    created_at = models.DateTimeField()
    admitted_at = models.DateTimeField(null=True, blank=True)
    voided_at = models.DateTimeField(null=True, blank=True)

    objects = TicketManager()

    class Meta:
        db_table = "tickets"
        constraints = [
            models.UniqueConstraint(
                fields=["stripe_payment_intent_id", "position"], name="unique_ticket_stripe_payment"
            ),
            models.UniqueConstraint(fields=["order", "position"], name="tickets_ticket_one_per_order_position"),
            models.CheckConstraint(condition=Q(position__gte=1), name="tickets_ticket_positions_start_at_one"),
            models.CheckConstraint(
                condition=~Q(status="admitted") | Q(admitted_at__isnull=False),
                name="tickets_ticket_admitted_with_admitted_at",
            ),
            models.CheckConstraint(
                condition=Q(status="void", voided_at__isnull=False) | (~Q(status="void") & Q(voided_at__isnull=True)),
                name="tickets_ticket_void_exactly_with_voided_at",
            ),
            models.CheckConstraint(
                condition=Q(status__in=("valid", "admitted", "void")), name="tickets_ticket_known_status"
            ),
            models.CheckConstraint(
                condition=Q(holder_reference=None, holder_email="")
                | Q(holder_reference__isnull=False) & ~Q(holder_email=""),
                name="tickets_ticket_given_exactly_with_address",
            ),
        ]
        indexes = [
            models.Index(fields=["event", "status"], name="idx_tickets_event_status"),
            models.Index(Upper("holder_email"), name="idx_tickets_holder"),
        ]
        triggers = [never_deleted()]

    def __str__(self) -> str:
        return f"Ticket {self.position}"

    @property
    def is_given(self) -> bool:
        """Say whether it is somebody else's than the buyer's by now."""
        return self.holder_reference is not None


class TicketTransfer(models.Model):
    """One ticket given to somebody: from then on its code is another, and the old one opens nothing."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="transfers")
    old_code = models.CharField(max_length=32, unique=True)
    to_name = models.CharField(max_length=200)
    to_email = models.EmailField()
    created_at = models.DateTimeField()

    class Meta:
        db_table = "ticket_transfers"
        triggers = [never_deleted()]

    def __str__(self) -> str:
        return f"{self.ticket_id} to {self.to_email}"
