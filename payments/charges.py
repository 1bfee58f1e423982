"""What can happen to a payment; the only writer of its status.

Two roads lead to `confirm_payment`, the webhook and the guest's return; the second to arrive
does nothing. Payment, order and whatever must follow move in one transaction that locks the
order first.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from payments import failures, fulfilment, mail, products, references, refunds, steps
from payments.failures import Category, Severity, Trouble
from payments.gateways.types import Decline, Intent, IntentStatus, Session, SessionStatus
from payments.models import Order, Payment, rows
from payments.models.refund import Refund
from payments.models.rows import Write

Status = Payment.Status

LOCKED = """
FROM orders JOIN payments ON payments.order_id = orders.id WHERE payments.id = %s FOR UPDATE OF orders, payments
"""
TOLD = ("external_payment_id", "received_cents", "told_by")  # what a provider's receipt says of a payment
INTENT_MOVES = {
    IntentStatus.OPEN: Status.OPEN,
    IntentStatus.PROCESSING: Status.PROCESSING,
    IntentStatus.CANCELLED: Status.CANCELLED,
}
# A complete page may still be unpaid.
SESSION_MOVES = {
    SessionStatus.OPEN: Status.OPEN,
    SessionStatus.COMPLETE: Status.PROCESSING,
    SessionStatus.EXPIRED: Status.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money that came, as the provider says: its own id, the amount in cents, the currency."""

    external_payment_id: str
    received_cents: int
    currency: str
    event_id: str = ""

    def is_as_asked(self, payment: Payment) -> bool:
        """Say whether what came is what was asked for."""
        return (self.received_cents, self.currency) == (payment.amount_cents, payment.currency)


def receipt_of(seen: Intent | Session, event_id: str = "") -> Receipt | None:
    """Return the receipt of money that came, if it did."""
    if isinstance(seen, Session):
        return Receipt(seen.intent_id, seen.amount_cents, seen.currency, event_id) if seen.is_paid else None
    if seen.status is IntentStatus.SUCCEEDED:
        return Receipt(seen.id, seen.received_cents, seen.currency, event_id)
    return None


def lock_with_order(payment_id: UUID) -> tuple[Order, Payment] | None:
    """Lock a payment's order, then the payment; None where we have no such payment."""
    for order, payment in rows.find_together((Order, Payment), LOCKED, payment_id):
        payment.order = order
        return order, payment
    return None


def find(provider: str, *, payment_ref: str, intent_id: str = "") -> UUID | None:
    """Return what the reference we gave the provider names, known or not; else look up the provider's own id."""
    if payment_ref:
        return next(iter(references.parse(payment_ref)), None)
    by_provider = Payment.objects.filter(provider=provider, external_payment_id=intent_id or None)
    return by_provider.values_list("pk", flat=True).first()


@transaction.atomic(savepoint=False)
def confirm_payment(payment_id: UUID, receipt: Receipt, *, now: datetime) -> bool:
    """Take note of money that came, and set in motion what it bought; False where we have no such payment.

    An amount or currency that differs from the order's is never fulfilled: it is recorded and
    escalated. A second payment, or one whose places are gone, goes back in full.
    """
    found = lock_with_order(payment_id)
    if found is None:
        return False
    order, payment = found
    steps.take("Money came", order=order.pk, payment=payment.pk, night=order.event_id)
    if payment.status == Status.SUCCEEDED:
        return True
    came = noted(payment, receipt, now=now)
    if receipt.is_as_asked(payment) and order.status == Order.Status.PENDING:
        mark_paid(order, came, now=now)
        return True
    rows.write(came)
    if not receipt.is_as_asked(payment):
        escalate_mismatch(order, payment, receipt, now=now)
    elif order.status in (Order.Status.EXPIRED, Order.Status.CANCELLED):
        accept_late_money(order, payment, now=now)
    else:
        return_double_money(order, payment, now=now)
    return True


def confirm_as_read(order: Order, payment: Payment, receipt: Receipt, *first: Write, now: datetime) -> bool:
    """Take note of money that came as it was asked for, by one statement that commits, after what comes `first`.

    Nothing was locked to read the rows: where one has changed since, or the case is not the plain one, nothing is
    written and it is False.
    """
    is_plain = order.status == Order.Status.PENDING and payment.is_live and not order.may_have_declines
    if not is_plain or not receipt.is_as_asked(payment):
        return False
    promised = fulfilment.promise(order, now=now)
    try:
        rows.commit(*first, paid(order, now=now), noted(payment, receipt, now=now), rows.inserted(promised))
    except IntegrityError:  # a row that is no longer as it was read, or one that is there by now
        return False
    fulfilment.wake(promised)
    steps.take("Money came", order=order.pk, payment=payment.pk, night=order.event_id)
    return True


def noted(payment: Payment, receipt: Receipt, *, now: datetime) -> Write:
    """Return the statement that saves a payment as its receipt says it is, where it is still as it was read."""
    before = {"status": payment.status}
    payment.external_payment_id = receipt.external_payment_id
    payment.received_cents = receipt.received_cents
    payment.told_by = receipt.event_id
    return rows.updated(payment, *payment.step_to(Status.SUCCEEDED, now=now), *TOLD, still=before)


def paid(order: Order, *, now: datetime) -> Write:
    """Return the statement that calls an order paid, where it is still as it was read."""
    before = {"status": order.status, "may_have_declines": order.may_have_declines}
    return rows.updated(order, *order.step_to(Order.Status.PAID, now=now), still=before)


def mark_paid(order: Order, *came: Write, now: datetime) -> None:
    """Call a locked order paid and owe it its goods, with what came; its declined attempts no longer matter."""
    promised = fulfilment.promise(order, now=now)
    rows.write(*came, paid(order, now=now), rows.inserted(promised))
    fulfilment.wake(promised)
    if order.may_have_declines:
        failures.resolve_declines(order, now=now)


def accept_late_money(order: Order, payment: Payment, *, now: datetime) -> None:
    """Take the places again for money that came after the hold, or send it back if they are gone."""
    regained = products.of(order).regain(order, now)
    if regained:
        mark_paid(order, now=now)
    else:
        order.move_to(Order.Status.PAID, now=now)
        refunds.owe(
            payment,
            amount_cents=payment.received_cents,
            reason=Refund.Reason.LATE_PAYMENT,
            cause=f"late:{payment.pk}",
            now=now,
        )
        mail.owe("late_payment_refunded", order=order, cause=f"late:{payment.pk}", now=now)
    failures.record(
        Trouble(
            cause=f"late:{payment.pk}",
            category=Category.LATE_PAYMENT,
            severity=Severity.WARNING,
            order=order,
            payment=payment,
            code="regained" if regained else "refunded",
        ),
        now=now,
    )


def return_double_money(order: Order, payment: Payment, *, now: datetime) -> None:
    """Send back money for an order that has been paid, or refunded, already."""
    refunds.owe(
        payment,
        amount_cents=payment.received_cents,
        reason=Refund.Reason.DOUBLE_PAYMENT,
        cause=f"double:{payment.pk}",
        now=now,
    )
    failures.record(
        Trouble(
            cause=f"double:{payment.pk}",
            category=Category.DOUBLE_PAYMENT,
            severity=Severity.WARNING,
            order=order,
            payment=payment,
            code="refunded",
        ),
        now=now,
    )


def escalate_mismatch(order: Order, payment: Payment, receipt: Receipt, *, now: datetime) -> None:
    """Call for a person: what came is not what was asked for."""
    failures.record(
        Trouble(
            cause=f"mismatch:{payment.pk}",
            category=Category.MISMATCH,
            severity=Severity.CRITICAL,
            order=order,
            payment=payment,
            code="amount_mismatch",
            message=(
                f"Asked for {payment.amount_cents} {payment.currency}, got {receipt.received_cents} {receipt.currency}."
            ),
            amount_cents=receipt.received_cents,
        ),
        now=now,
        event_id=receipt.event_id,
    )


@transaction.atomic(savepoint=False)
def record_decline(payment_id: UUID, decline: Decline, *, now: datetime, event_id: str = "") -> None:
    """Keep one declined attempt, once, whichever road told us first; the payment stays open."""
    payment = Payment.objects.select_related("order").get(pk=payment_id)
    steps.take("The bank declined", order=payment.order_id, payment=payment.pk, night=payment.order.event_id)
    category = Category.AUTHENTICATION if decline.is_authentication else Category.DECLINED
    failure = failures.record(
        Trouble(
            cause=cause_of(payment, decline),
            category=category,
            severity=Severity.INFO,
            order=payment.order,
            payment=payment,
            code=decline.code,
            message=decline.message,
        ),
        now=now,
        event_id=event_id,
    )
    if failure and payment.order.status in (Order.Status.PAID, Order.Status.FULFILLED):
        failures.resolve_declines(payment.order, now=now)


def cause_of(payment: Payment, decline: Decline) -> str:
    """Name one declined attempt as the cause of its failure row."""
    return f"decline:{payment.pk}:{decline.attempt_id}"


@transaction.atomic(savepoint=False)
def follow(payment_id: UUID, status: Payment.Status, *, now: datetime) -> bool:
    """Move an undecided payment to where the provider says it is; False where we have no such payment."""
    found = lock_with_order(payment_id)
    if found is None:
        return False
    _, payment = found
    if payment.is_live:
        payment.move_to(status, now=now)
    return True


@transaction.atomic(savepoint=False)
def converge(payment_id: UUID, seen: Intent | Session, *, now: datetime, event_id: str = "") -> bool:
    """Bring a payment to where the provider shows it, by whichever road; False where we have no such payment."""
    if receipt := receipt_of(seen, event_id):
        return confirm_payment(payment_id, receipt, now=now)
    if isinstance(seen, Session):
        return follow(payment_id, SESSION_MOVES[seen.status], now=now)
    is_known = follow(payment_id, INTENT_MOVES[seen.status], now=now)
    if is_known and seen.decline:
        record_decline(payment_id, seen.decline, now=now, event_id=event_id)
    return is_known
