"""What providers tell us: verified, kept and applied in one commit, or kept for later.

Events are hints. What is final in itself (money came, a way was closed) is applied at once;
what can change again (refunds, disputes) is read from the provider by a worker, so that the age
and order of deliveries do not matter.
"""

import logging
from datetime import datetime
from functools import cache
from uuid import UUID

from django.db import transaction

from payments import actors, charges, disputes, failures, gateways, references, refunds, retrying, steps
from payments.charges import Receipt
from payments.failures import Category, Severity, Trouble
from payments.gateways.types import DisputeChanged, Hint, Intent, RefundsChanged, Session
from payments.models import Order, Payment, WebhookEvent, rows
from payments.models.rows import Write

logger = logging.getLogger(__name__)

KIND = "webhook_event"
Status = WebhookEvent.Status
# Of the provider it is written so that no index begins with it: on a table without statistics yet, the server would
# take one of those for as good, and read every event of that provider.
KNOWN = """
FROM (SELECT %s::uuid AS id) AS asked LEFT JOIN payments ON payments.id = asked.id
LEFT JOIN orders ON orders.id = payments.order_id
LEFT JOIN webhook_events ON webhook_events.provider || '' = %s AND webhook_events.event_id = %s
"""


def receive(provider: str, *, body: bytes, signature: str, now: datetime) -> WebhookEvent.Status:
    """Take in one delivery; when this returns, it is kept for good.

    Raises SignatureRefused before anything is read or written. Any other exception means that the
    event could not be kept: the provider must send it again.
    """
    return take_in(provider, gateways.for_provider(provider).read_event(body, signature), now=now)


def take_in(provider: str, hint: Hint, *, now: datetime) -> WebhookEvent.Status:
    """Keep and apply one event; where it cannot be applied, keep it to be tried again."""
    steps.begin()
    steps.take(f"An event came: {hint.type}", event=hint.event_id, level=logging.DEBUG)
    with actors.acting(actors.PROVIDER, provider, event=hint.event_id):
        try:
            return keep_and_apply(provider, hint, now=now)
        except Exception as error:  # kept as failed below, or raised there
            logger.exception("Event %s could not be applied", hint.event_id)
            return keep_failed(provider, hint, f"{type(error).__name__}: {error}", now=now)


def keep_and_apply(provider: str, hint: Hint, *, now: datetime) -> WebhookEvent.Status:
    """Insert the event and apply it, in one commit; a repeat that is finished writes nothing.

    Money that came as it was asked for is one read and one statement; everything else is decided under locks.
    """
    receipt = receipt_in(hint)
    known, order, payment = look(provider, hint)
    if known and known.is_finished:
        return Status(known.status)
    if receipt and payment and not known:
        first = keeping(new_event(provider, hint, now=now))
        if charges.confirm_as_read(order, payment, receipt, first, now=now):
            return Status.PROCESSED
    return keep_and_apply_alone(provider, hint, now=now)


def receipt_in(hint: Hint) -> Receipt | None:
    """Return the receipt of the money that an event brings, if it brings any."""
    seen = hint.subject
    return charges.receipt_of(seen, hint.event_id) if isinstance(seen, Intent | Session) else None


def look(provider: str, hint: Hint) -> tuple[WebhookEvent | None, Order, Payment | None]:
    """Find what is known of an event, and the order and payment of the reference that is in it, in one question."""
    reference = getattr(hint.subject, "payment_ref", "")
    payment_id = next(iter(references.parse(reference)), None)
    beside = ("webhook_events.id", "webhook_events.status")
    values = (payment_id, provider, hint.event_id)
    ((order, payment, pk, status),) = rows.find_together((Order, Payment), KNOWN, *values, beside=beside)
    return WebhookEvent(pk=pk, status=status) if pk else None, order, payment if payment.pk else None


@transaction.atomic(durable=True)
def keep_and_apply_alone(provider: str, hint: Hint, *, now: datetime) -> WebhookEvent.Status:
    """Insert the event and apply it under locks, in one commit."""
    event = new_event(provider, hint, now=now)
    if known := keep(event):
        return meet_again(known, now=now)
    if event.status == Status.PENDING:
        retrying.wake_for(KIND, event.pk)
    else:
        apply_now(provider, hint, now=now)
    return Status(event.status)


def new_event(provider: str, hint: Hint, *, now: datetime) -> WebhookEvent:
    """Make the row of an event, in the state it will have once this transaction commits."""
    event = WebhookEvent(
        provider=provider,
        event_id=hint.event_id,
        type=hint.type[:100],
        about=hint.about[:255],
        payload=hint.payload,
        received_at=now,
    )
    if hint.subject is None:
        event.status, event.processed_at = Status.IGNORED, now
    elif is_for_later(hint):
        event.next_attempt_at = now
    else:
        event.status, event.processed_at = Status.PROCESSED, now
    return event


def is_for_later(hint: Hint) -> bool:
    """Say whether the provider must be read before this can be applied: not within its request."""
    return isinstance(hint.subject, RefundsChanged | DisputeChanged)


def keeping(event: WebhookEvent) -> Write:
    """Return the statement that inserts an event where none is known by its id; it waits for a twin that is at it."""
    return Write(insertion(), rows.inserted(event).values)


@cache
def insertion() -> str:
    """Write that statement."""
    return f"{rows.insertion(WebhookEvent)} ON CONFLICT (provider, event_id) DO NOTHING"


def keep(event: WebhookEvent) -> WebhookEvent | None:
    """Insert an event, or return the row that is known by its id."""
    write = keeping(event)
    if rows.ask(f"{write.sql} RETURNING id", *write.values):
        return None
    return WebhookEvent.objects.get(provider=event.provider, event_id=event.event_id)


def meet_again(event: WebhookEvent, *, now: datetime) -> WebhookEvent.Status:
    """Take up the work of an event that came before, where it is not finished."""
    if event.is_finished:
        return Status(event.status)
    known = WebhookEvent.objects.select_for_update().get(pk=event.pk)
    if not known.is_finished:
        if known.next_attempt_at is None or known.next_attempt_at > now:
            WebhookEvent.objects.filter(pk=known.pk).update(attempts=0, next_attempt_at=now)
        retrying.wake_for(KIND, known.pk)
    return Status(known.status)


@transaction.atomic(durable=True)
def keep_failed(provider: str, hint: Hint, error: str, *, now: datetime) -> WebhookEvent.Status:
    """Keep an event that could not be applied, to be tried again by us."""
    event = new_event(provider, hint, now=now)
    event.status, event.processed_at = Status.FAILED, None
    event.attempts, event.last_error = 1, error.replace("\x00", "")[: retrying.ERROR_LENGTH]
    event.next_attempt_at = now + (retrying.delay_after(1) or retrying.NO_DELAY)
    if known := keep(event):
        return meet_again(known, now=now)
    return Status.FAILED


def apply_now(provider: str, hint: Hint, *, now: datetime) -> None:
    """Apply what is final in itself, inside the caller's transaction."""
    seen = hint.subject
    if not isinstance(seen, Intent | Session):
        return
    intent_id = seen.intent_id if isinstance(seen, Session) else seen.id
    payment_id = charges.find(provider, payment_ref=seen.payment_ref, intent_id=intent_id)
    is_known = payment_id is not None and charges.converge(payment_id, seen, now=now, event_id=hint.event_id)
    if not is_known and seen.payment_ref and receipt_in(hint):
        report_unknown_money(seen, intent_id, hint, now=now)


def report_unknown_money(seen: Intent | Session, intent_id: str, hint: Hint, *, now: datetime) -> None:
    """Call for a person: money came with our mark on it for a payment we do not have."""
    failures.record(
        Trouble(
            cause=f"unknown:{intent_id}",
            category=Category.UNKNOWN_PAYMENT,
            severity=Severity.CRITICAL,
            intent_id=intent_id,
            code="unknown_payment",
            message=f"The provider took money for payment {seen.payment_ref}, which we do not know.",
            amount_cents=seen.amount_cents,
        ),
        now=now,
        event_id=hint.event_id,
    )


def apply_event(event_id: UUID, now: datetime) -> None:
    """Apply a kept event: the work of a worker, with the provider read outside any transaction."""
    event = WebhookEvent.objects.get(pk=event_id)
    steps.take(f"An event is applied: {event.type}", event=event.event_id)
    hint = gateways.for_provider(event.provider).reread_event(event.payload)
    with actors.acting(actors.PROVIDER, event.provider, event=event.event_id):
        if isinstance(hint.subject, RefundsChanged):
            if payment_id := find_by_intent(event.provider, hint.subject.intent_id):
                refunds.sync_refunds(payment_id, now=now)
        elif isinstance(hint.subject, DisputeChanged):
            disputes.sync_dispute(event.provider, hint.subject, now=now, event_id=event.event_id)
        finish_event(event_id, hint, now=now)


@transaction.atomic(durable=True)
def finish_event(event_id: UUID, hint: Hint, *, now: datetime) -> None:
    """Apply what is left to apply, and call the event finished, in one commit."""
    event = WebhookEvent.objects.select_for_update().get(pk=event_id)
    if event.is_finished:
        return
    apply_now(event.provider, hint, now=now)
    event.status = Status.IGNORED if hint.subject is None else Status.PROCESSED
    event.processed_at = now
    event.next_attempt_at = event.locked_until = None
    event.save(update_fields=["status", "processed_at", "next_attempt_at", "locked_until"])
    failures.settle(f"webhook:{event.pk}", "The event was applied after all.", now=now)


def find_by_intent(provider: str, intent_id: str) -> UUID | None:
    """Find our payment by the provider's id.

    Where money of ours came but its own event has not arrived yet, there is nothing to refund in
    our books: raising brings the event back later.
    """
    payment = Payment.objects.filter(provider=provider, external_payment_id=intent_id or None).first()
    if payment is None:
        return None
    if payment.status != Payment.Status.SUCCEEDED:
        raise EventTooEarly(f"{intent_id} is {payment.status}")
    return payment.pk


class EventTooEarly(retrying.NotYet):
    """An event about money came before the money's own: it waits."""


@transaction.atomic(durable=True)
def replay(event: WebhookEvent, *, now: datetime) -> None:
    """Have a kept event applied once more; what it did before is not done again.

    One that a worker is at stays in its hands: it is owed already.
    """
    WebhookEvent.objects.filter(pk=event.pk).exclude(status=Status.PROCESSING).update(
        status=Status.PENDING, processed_at=None, attempts=0, next_attempt_at=now, locked_until=None, last_error=""
    )
    retrying.wake_for(KIND, event.pk)


def give_up(event: WebhookEvent, now: datetime) -> None:
    """Call for a person: an event could not be applied at any try."""
    failures.record(
        Trouble(
            cause=failures.recurring(f"webhook:{event.pk}"),
            category=Category.WEBHOOK,
            severity=Severity.CRITICAL,
            code="webhook_failed",
            message=f"{event.type} {event.event_id}: {event.last_error}",
        ),
        now=now,
        event_id=event.event_id,
    )
