"""The provider's books against ours: whatever is missing comes in by the webhook's own door."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction

from payments import charges, disputes, failures, gateways, identity, webhooks
from payments.failures import Category, Severity, Trouble
from payments.gateways.types import (
    DisputeChanged,
    DisputeStatus,
    Hint,
    Intent,
    IntentStatus,
    RefundsChanged,
    RefundStatus,
)
from payments.models import Payment, PaymentFailure, ReconcileRun, Refund

# Two runs overlap, so that what was made while the last one paged is not passed over.
OVERLAP = timedelta(hours=2)
FIRST_WINDOW = timedelta(days=30)
# Two clocks are never quite alike, and a payment is written before the provider hears of it.
SKEW = timedelta(minutes=5)

REFUND_ENDS = {RefundStatus.SUCCEEDED: Refund.Status.SUCCEEDED, RefundStatus.FAILED: Refund.Status.FAILED}


def reconcile(provider: str, *, now: datetime, since: datetime | None = None) -> ReconcileRun:
    """Compare a provider's books with ours since a moment, or since the last good run.

    Raises GatewayUnavailable: then this run is not a good one, and the next begins where it began.
    """
    run = begin(provider, since=since or last_good(provider, now=now), now=now)
    for compared in compare(provider, since=run.since, now=now):
        run.seen += 1
        match compared:
            case Missing(hint):
                run.fed += 1
                feed(provider, hint, run)
            case Differs(payment, said):
                report(payment, said, now=now)
            case _:
                pass
    return end(run, now=now)


@dataclass(frozen=True, slots=True)
class Missing:
    """Our books do not have it as the provider shows it: taking the provider's word mends that."""

    hint: Hint

    def __str__(self) -> str:
        """Say what is missing."""
        return f"{self.hint.type}: our books do not have it so."


@dataclass(frozen=True, slots=True)
class Differs:
    """The two books differ about a payment of ours, and no event will mend it: a person must look."""

    payment: Payment
    said: str

    def __str__(self) -> str:
        """Say how they differ."""
        return self.said


def compare(provider: str, *, since: datetime, now: datetime) -> Iterator[Missing | Differs | None]:
    """Lay the provider's books of a window beside ours, both ways; None for what agrees. Raises GatewayUnavailable."""
    shown: set[str] = set()
    for hint in gateways.for_provider(provider).list_hints(since):
        if isinstance(hint.subject, Intent):
            shown.add(hint.subject.id)
        yield compare_one(provider, hint)
    for payment in unshown(provider, shown, since=since, now=now):
        yield Differs(payment, f"The provider does not know {payment}, which we count as paid.")


def compare_one(provider: str, hint: Hint) -> Missing | Differs | None:
    """Compare one of the provider's objects with our books."""
    if is_missing(provider, hint):
        return Missing(hint)
    seen = hint.subject
    if not isinstance(seen, Intent) or seen.status is not IntentStatus.SUCCEEDED:
        return None
    payment = Payment.objects.filter(provider=provider, external_payment_id=seen.id).first()
    if payment is None or payment.received_cents == seen.received_cents:
        return None
    said = f"The provider took {seen.received_cents} cents for {payment}, our books say {payment.received_cents}."
    return Differs(payment, said)


def unshown(provider: str, shown: set[str], *, since: datetime, now: datetime) -> Iterator[Payment]:
    """Yield the payments of a window that we count as paid and the provider did not show."""
    paid = Payment.objects.filter(
        provider=provider, status=Payment.Status.SUCCEEDED, created_at__gte=since + SKEW, processed_at__lt=now - SKEW
    )
    for payment in paid.select_related("order").order_by("pk"):
        if payment.external_payment_id not in shown:
            yield payment


def report(payment: Payment, differs: str, *, now: datetime) -> None:
    """Call for a person, once: the two books differ, and no event will mend it."""
    failures.record(
        Trouble(
            cause=f"books:{payment.pk}",
            category=Category.MISMATCH,
            severity=Severity.CRITICAL,
            order=payment.order,
            payment=payment,
            code="books_differ",
            message=differs,
        ),
        now=now,
    )


def last_good(provider: str, *, now: datetime) -> datetime:
    """Return where the next run begins: the last good run's start, with overlap."""
    good = ReconcileRun.objects.filter(provider=provider, finished_at__isnull=False)
    last = good.order_by("-started_at").values_list("started_at", flat=True).first()
    return last - OVERLAP if last else now - FIRST_WINDOW


@transaction.atomic(durable=True)
def begin(provider: str, *, since: datetime, now: datetime) -> ReconcileRun:
    """Write down that a run began."""
    return ReconcileRun.objects.create(provider=provider, since=since, started_at=now)


@transaction.atomic(durable=True)
def end(run: ReconcileRun, *, now: datetime) -> ReconcileRun:
    """Write down what a run found: only now is it a good one."""
    run.finished_at = now
    run.save(update_fields=["seen", "fed", "finished_at"])
    return run


def feed(provider: str, hint: Hint, run: ReconcileRun) -> None:
    """Hand an object in as an event of this run; what cannot be applied is kept and tried again."""
    event_id = f"reconcile:{run.pk}:{hint.event_id}"
    payload = {**hint.payload, "id": event_id}
    webhooks.take_in(provider, replace(hint, event_id=event_id, payload=payload), now=run.started_at)


@identity.acting(identity.SERVICE)
def is_missing(provider: str, hint: Hint) -> bool:
    """Say whether our books differ from what the provider shows."""
    seen = hint.subject
    if isinstance(seen, Intent):
        return is_intent_missing(provider, seen)
    if isinstance(seen, RefundsChanged):
        return is_refund_missing(provider, seen)
    return isinstance(seen, DisputeChanged) and is_dispute_missing(provider, seen)


def is_intent_missing(provider: str, seen: Intent) -> bool:
    """Say whether a payment intent stands elsewhere in our books; money that is not ours never does."""
    payment_id = charges.find(provider, payment_ref=seen.payment_ref, intent_id=seen.id)
    payment = Payment.objects.filter(pk=payment_id).first() if payment_id else None
    if payment is None:
        unknown = seen.status is IntentStatus.SUCCEEDED and bool(seen.payment_ref)
        return unknown and not PaymentFailure.objects.filter(cause=f"unknown:{seen.id}").exists()
    if seen.status is IntentStatus.SUCCEEDED:
        return payment.status != Payment.Status.SUCCEEDED
    if seen.decline and not PaymentFailure.objects.filter(cause=charges.cause_of(payment, seen.decline)).exists():
        return True
    return payment.is_live and payment.status != charges.INTENT_MOVES[seen.status]


def is_refund_missing(provider: str, seen: RefundsChanged) -> bool:
    """Say whether a refund of our money stands elsewhere in our books."""
    refund = seen.refund
    ours = Payment.objects.filter(provider=provider, external_payment_id=seen.intent_id or None)
    if refund is None or not ours.exists():
        return False
    known = Refund.objects.filter(external_refund_id=refund.id).first()
    if known is None:
        return refund.status is not RefundStatus.FAILED  # one that failed before we knew of it moved nothing
    if refund.status is RefundStatus.PENDING:
        return False
    return known.status != REFUND_ENDS[refund.status]


def is_dispute_missing(provider: str, seen: DisputeChanged) -> bool:
    """Say whether a dispute of our money is unknown, or decided without our knowing."""
    if seen.dispute is None or charges.find(provider, payment_ref="", intent_id=seen.intent_id) is None:
        return False
    told = PaymentFailure.objects.filter(cause=disputes.cause_of(seen.dispute_id)).first()
    return told is None or (seen.dispute.status is not DisputeStatus.OPEN and not told.resolved)
