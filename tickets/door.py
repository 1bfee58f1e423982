"""The door: one code, one person, once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid4

from django.db import transaction

from tickets import admissions
from tickets.admissions import Admission, Kind
from tickets.models import Event, Scan, Ticket, TicketTransfer

# Doors open early for the queue; the night's last guests come before it ends.
EARLY = timedelta(hours=12)
# Says of a night whether somebody stands at its door.
StandsAt = Callable[[Event], bool]


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
    admission: Admission | None = None

    @property
    def is_welcome(self) -> bool:
        """Say whether this person may come in now."""
        return self.verdict is Verdict.ADMITTED


def everywhere(event: Event) -> bool:
    """Stand at every door."""
    return True


@transaction.atomic(durable=True)
def admit_guest(
    code: str,
    *,
    user_id: int | None,
    now: datetime,
    stands_at: StandsAt = everywhere,
    device: str = "",
    device_scan_id: str = "",
    gate: str = "",
) -> Answer:
    """Let one person in by one code, once; every look is written down, a repeat of a scan answers the same.

    Of a night whose door is another's, no more is said than that it is another night.
    """
    scan_id = device_scan_id or str(uuid4())
    admission = admissions.find(code.strip())
    if earlier := Scan.objects.filter(device_scan_id=scan_id).first():
        return Answer(Verdict(earlier.result), admission if admission and stands_at(admission.event) else None)
    answer = judge(admission, stands_at=stands_at, now=now)
    Scan.objects.create(
        event=admission.event if admission else None,
        code=code.strip()[:64],
        kind=Scan.Kind.FIRST if answer.is_welcome else Scan.Kind.REJECTED,
        result=answer.verdict,
        device=device[:80],
        device_scan_id=scan_id[:80],
        gate=gate[:40],
        scanned_by_id=user_id,
        scanned_at=now,
        **(admission.subject if admission else {}),
    )
    return answer


def judge(admission: Admission | None, *, stands_at: StandsAt, now: datetime) -> Answer:
    """Decide about what a code lets in; its row is locked, so that two gates cannot both say yes."""
    if admission is None:
        return Answer(Verdict.UNKNOWN)
    if not stands_at(admission.event):
        return Answer(Verdict.OTHER_NIGHT)
    if admission.status == Ticket.Status.VOID:
        return Answer(Verdict.VOID, admission)
    if admission.status == Ticket.Status.ADMITTED:
        return Answer(Verdict.ALREADY_IN, admission)
    if not is_tonight(admission.event, now=now):
        return Answer(Verdict.OTHER_NIGHT, admission)
    admission.admit(now)
    return Answer(Verdict.ADMITTED, admission)


def is_tonight(event: Event, *, now: datetime) -> bool:
    """Say whether a night is the one at hand; it may run past midnight."""
    return event.doors_at - EARLY <= now <= event.ends_at


def find_ticket(code: str) -> Admission | None:
    """Return what a ticket's code lets in, with the ticket locked; the old code of one given away lets nobody in."""
    tickets = Ticket.objects.select_for_update(of=("self",)).select_related("ticket_type", "event", "order")
    if ticket := tickets.filter(code=code).first():
        return admission_of(ticket)
    related = ("ticket__ticket_type", "ticket__event", "ticket__order")
    given = TicketTransfer.objects.filter(old_code=code).select_related(*related).first()
    return replace(admission_of(given.ticket), status=Ticket.Status.VOID) if given else None


def admission_of(ticket: Ticket) -> Admission:
    """Return what a ticket lets in."""
    return Admission(
        event=ticket.event,
        label=ticket.ticket_type.name,
        holder=ticket.holder_name,
        status=ticket.status,
        admitted_at=ticket.admitted_at,
        subject={"ticket": ticket},
        is_disputed=ticket.order.disputed_at is not None,
        admit=lambda now: ticket.move_to(Ticket.Status.ADMITTED, now=now),
    )


def count_tickets(event_id: UUID) -> tuple[int, int]:
    """Return how many ticket holders are in, of how many tickets."""
    living = Ticket.objects.filter(event_id=event_id).exclude(status=Ticket.Status.VOID)
    return living.filter(status=Ticket.Status.ADMITTED).count(), living.count()


TICKETS = Kind(find=find_ticket, count=count_tickets)
