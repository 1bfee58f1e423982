"""The door: one code, one person, once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid4

from django.db import transaction

from tickets.models import Event, Scan, Ticket, TicketTransfer

# Doors open early for the queue; the night's last guests come before it ends.
EARLY = timedelta(hours=12)


class Verdict(StrEnum):
    """What the door person is shown."""

    ADMITTED = "admitted"
    ALREADY_IN = "already_in"
    VOID = "void"
    OTHER_NIGHT = "other_night"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """One scan's answer."""

    verdict: Verdict
    ticket: Ticket | None = None

    @property
    def is_welcome(self) -> bool:
        """Say whether this person may come in now."""
        return self.verdict is Verdict.ADMITTED


@transaction.atomic(durable=True)
def admit_guest(
    code: str, *, user_id: int | None, now: datetime, device: str = "", device_scan_id: str = "", gate: str = ""
) -> Answer:
    """Let one person in by one code, once; every look is written down, a repeat of a scan answers the same."""
    scan_id = device_scan_id or str(uuid4())
    if earlier := Scan.objects.filter(device_scan_id=scan_id).select_related("ticket__ticket_type").first():
        return Answer(Verdict(earlier.result), earlier.ticket)
    answer = judge(code.strip(), now=now)
    Scan.objects.create(
        event_id=answer.ticket.event_id if answer.ticket else None,
        ticket=answer.ticket,
        code=code.strip()[:64],
        kind=Scan.Kind.FIRST if answer.is_welcome else Scan.Kind.REJECTED,
        result=answer.verdict,
        device=device[:80],
        device_scan_id=scan_id[:80],
        gate=gate[:40],
        scanned_by_id=user_id,
        scanned_at=now,
    )
    return answer


def judge(code: str, *, now: datetime) -> Answer:
    """Decide about a code, holding its ticket so that two gates cannot both say yes."""
    ticket = (
        Ticket.objects.select_for_update(of=("self",)).select_related("ticket_type", "event").filter(code=code).first()
    )
    if ticket is None:
        given = (
            TicketTransfer.objects.filter(old_code=code).select_related("ticket__ticket_type", "ticket__event").first()
        )
        return Answer(Verdict.VOID, given.ticket) if given else Answer(Verdict.UNKNOWN)
    if ticket.status == Ticket.Status.VOID:
        return Answer(Verdict.VOID, ticket)
    if ticket.status == Ticket.Status.ADMITTED:
        return Answer(Verdict.ALREADY_IN, ticket)
    if not is_tonight(ticket.event, now=now):
        return Answer(Verdict.OTHER_NIGHT, ticket)
    ticket.move_to(Ticket.Status.ADMITTED, now=now)
    return Answer(Verdict.ADMITTED, ticket)


def is_tonight(event: Event, *, now: datetime) -> bool:
    """Say whether a night is the one at hand; it may run past midnight."""
    return event.doors_at - EARLY <= now <= event.ends_at


def admitted_of(event_id: UUID) -> tuple[int, int]:
    """Return how many are in, of how many tickets."""
    living = Ticket.objects.filter(event_id=event_id).exclude(status=Ticket.Status.VOID)
    return living.filter(status=Ticket.Status.ADMITTED).count(), living.count()
