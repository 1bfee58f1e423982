"""Everything that went wrong with money: written once per cause, told to whoever listens."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from payments import identity, listeners
from payments.models import Order, Payment, PaymentFailure

Category = PaymentFailure.Category
Severity = PaymentFailure.Severity

UNDECIDED = "still_processing"
PAID_AFTER_ALL = "The guest paid after all."


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong, and with what; `cause` names it so that it is written once."""

    cause: str
    category: PaymentFailure.Category
    severity: PaymentFailure.Severity
    order: Order | None = None
    payment: Payment | None = None
    intent_id: str = ""
    code: str = ""
    message: str = ""
    amount_cents: int | None = None
    metadata: dict[str, object] = field(default_factory=dict)


@identity.acting(identity.SERVICE)
@transaction.atomic(savepoint=False)
def record(trouble: Trouble, *, now: datetime, event_id: str = "") -> PaymentFailure | None:
    """Write a failure and tell the listeners; return None where this cause is written already."""
    order, payment = trouble.order, trouble.payment
    failure = PaymentFailure(
        cause=trouble.cause,
        category=trouble.category,
        severity=trouble.severity,
        stripe_event_id=event_id,
        stripe_payment_intent_id=trouble.intent_id or (payment.external_payment_id or "" if payment else ""),
        customer_email=order.email if order else "",
        amount_cents=amount_of(trouble),
        currency=order.currency if order else "usd",
        error_code=trouble.code[:100],
        error_message=trouble.message,
        payment_type=order.kind if order else Order.Kind.GA_TICKET,
        event_id=order.event_id if order else None,
        order=order,
        metadata=trouble.metadata,
        created_at=now,
    )
    PaymentFailure.objects.bulk_create([failure], ignore_conflicts=True)
    if not PaymentFailure.objects.filter(pk=failure.pk).exists():
        return None
    if order and may_pass(failure):
        Order.objects.filter(pk=order.pk, may_have_declines=False).update(may_have_declines=True)
    listeners.tell(failure, now=now)
    return failure


def may_pass(failure: PaymentFailure) -> bool:
    """Say whether a failure no longer matters once its order is paid."""
    return failure.severity == Severity.INFO or failure.error_code == UNDECIDED


def amount_of(trouble: Trouble) -> int | None:
    """Return the amount at stake, in cents."""
    if trouble.amount_cents is not None:
        return trouble.amount_cents
    return trouble.order.total_cents if trouble.order else None


@identity.acting(identity.SERVICE)
def recurring(cause: str) -> str:
    """Name a cause that can come again: a new name once the last time has been put right."""
    return f"{cause}:{told_of(cause).filter(resolved=True).count() + 1}"


def told_of(cause: str) -> QuerySet[PaymentFailure]:
    """Return every failure of a cause, whichever time."""
    return PaymentFailure.objects.filter(Q(cause=cause) | Q(cause__startswith=f"{cause}:"))


@identity.acting(identity.SERVICE)
@transaction.atomic(savepoint=False)
def settle(cause: str, note: str, *, now: datetime) -> int:
    """Resolve the failures of a cause that has gone away by itself or by a retry; return how many."""
    unresolved = told_of(cause).filter(resolved=False)
    by_itself = {"resolved_by": "system"}
    return unresolved.update(resolved=True, resolved_at=now, resolution_note=note, metadata=by_itself)


@identity.acting(identity.SERVICE)
@transaction.atomic(savepoint=False)
def resolve_declines(order: Order, *, now: datetime) -> int:
    """Resolve an order's declined attempts, and a bank's long silence, because the guest has paid; return how many."""
    return (
        PaymentFailure.objects.unresolved()
        .filter(Q(severity=Severity.INFO) | Q(error_code=UNDECIDED), order=order)
        .update(resolved=True, resolved_at=now, resolution_note=PAID_AFTER_ALL, metadata={"resolved_by": "payment"})
    )
