"""Money back: promised with a key of our own, sent once, followed until the provider is done."""

from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import F, Sum

from payments import failures, gateways, mail, orders, products, provider_calls, references, retrying
from payments.exceptions import GatewayRefused, RefundTooLarge
from payments.failures import Category, Severity, Trouble
from payments.gateways.types import ProviderRefund, RefundStatus
from payments.models import Fulfilment, Order, Payment, Refund

KIND = "refund"
Reason = Refund.Reason
Status = Refund.Status


@transaction.atomic(durable=True)
def refund_order(order_id: UUID, *, reason: Refund.Reason, cause: str, now: datetime) -> list[Refund]:
    """Promise back all the money an order still has with us; a repeat promises nothing more."""
    order = orders.lock(order_id)
    return [
        owe(payment, amount_cents=left, reason=reason, cause=f"{cause}:{payment.pk}", now=now)
        for payment in order.payments.select_for_update().filter(status=Payment.Status.SUCCEEDED).order_by("pk")
        if (left := payment.received_cents - payment.refunded_cents) > 0
    ]


@transaction.atomic(savepoint=False)
def owe(payment: Payment, *, amount_cents: int, reason: Refund.Reason, cause: str, now: datetime) -> Refund:
    """Promise an amount back on a payment whose order is locked, once per cause.

    Raises RefundTooLarge.
    """
    if known := Refund.objects.filter(cause=cause).first():
        return known
    reserve(payment, amount_cents)
    refund = Refund.objects.create(
        payment=payment, amount_cents=amount_cents, reason=reason, cause=cause, created_at=now, next_attempt_at=now
    )
    if orders.is_going_back(payment.order):
        cancel_fulfilment(payment.order)
    retrying.wake_for(KIND, refund.pk)
    return refund


def reserve(payment: Payment, amount_cents: int) -> None:
    """Count an amount as going back, never more than came. Raises RefundTooLarge."""
    room = Payment.objects.filter(
        pk=payment.pk, status=Payment.Status.SUCCEEDED, refunded_cents__lte=F("received_cents") - amount_cents
    )
    if not room.update(refunded_cents=F("refunded_cents") + amount_cents):
        raise RefundTooLarge
    payment.refunded_cents += amount_cents


def send_refund(refund_id: UUID, now: datetime) -> None:
    """Ask the provider to send the money back, under the refund's own key.

    Raises GatewayUnavailable: the same key is tried again.
    """
    refund = Refund.objects.select_related("payment").get(pk=refund_id)
    payment = refund.payment
    request = partial(
        gateways.for_provider(payment.provider).refund,
        payment.external_payment_id or "",
        amount_cents=refund.amount_cents,
        refund_ref=str(refund.pk),
    )
    try:
        answer = provider_calls.send("refund", str(refund.pk), lambda key: request(key=key), now=now)
    except GatewayRefused as refusal:
        keep_refusal(refund_id, refusal, now=now)
        return
    keep_answer(refund_id, answer, now=now)


@transaction.atomic(durable=True)
def keep_answer(refund_id: UUID, answer: ProviderRefund, *, now: datetime) -> None:
    """Write down what the provider said of our refund."""
    payment = lock_payment_of(refund_id)
    refund = Refund.objects.select_for_update().get(pk=refund_id)
    apply(refund, payment, answer, now=now)


@transaction.atomic(durable=True)
def keep_refusal(refund_id: UUID, refusal: GatewayRefused, *, now: datetime) -> None:
    """Write down that the provider will not send this refund: a person must."""
    payment = lock_payment_of(refund_id)
    refund = Refund.objects.select_for_update().get(pk=refund_id)
    if refund.status == Status.PENDING:
        fail(refund, payment, code=refusal.provider_code, message=str(refusal), now=now)


def lock_payment_of(refund_id: UUID) -> Payment:
    """Lock the order, then the payment, of a refund."""
    payment = Payment.objects.get(refunds=refund_id)
    orders.lock(payment.order_id)
    return Payment.objects.select_for_update().select_related("order").get(pk=payment.pk)


def sync_refunds(payment_id: UUID, *, now: datetime) -> None:
    """Read a payment's refunds from the provider and converge to them, whoever made them."""
    payment = Payment.objects.get(pk=payment_id)
    found = gateways.for_provider(payment.provider).list_refunds(payment.external_payment_id or "")
    keep_found(payment_id, found, now=now)


@transaction.atomic(durable=True)
def keep_found(payment_id: UUID, found: list[ProviderRefund], *, now: datetime) -> None:
    """Write down every refund the provider shows for a payment."""
    payment = Payment.objects.get(pk=payment_id)
    orders.lock(payment.order_id)
    payment = Payment.objects.select_for_update().select_related("order").get(pk=payment_id)
    for answer in found:
        refund = find(payment, answer) or adopt(payment, answer, now=now)
        if refund is not None:
            apply(refund, payment, answer, now=now)


def find(payment: Payment, answer: ProviderRefund) -> Refund | None:
    """Find our row for a provider's refund, by its id or by ours."""
    mine = payment.refunds.select_for_update()
    return (
        mine.filter(external_refund_id=answer.id).first()
        or mine.filter(pk__in=references.parse(answer.refund_ref), external_refund_id=None).first()
    )


def adopt(payment: Payment, answer: ProviderRefund, *, now: datetime) -> Refund | None:
    """Take a refund made in the provider's dashboard into our books; a failed one moved nothing."""
    if answer.status is RefundStatus.FAILED:
        return None
    reserve(payment, answer.amount_cents)
    return Refund.objects.create(
        payment=payment,
        amount_cents=answer.amount_cents,
        reason=Reason.PROVIDER,
        cause=f"provider:{answer.id}",
        created_at=now,
    )


def apply(refund: Refund, payment: Payment, answer: ProviderRefund, *, now: datetime) -> None:
    """Converge one refund to what the provider says of it."""
    refund.external_refund_id = answer.id
    refund.next_attempt_at = refund.locked_until = None
    refund.save(update_fields=["external_refund_id", "next_attempt_at", "locked_until"])
    if answer.status is RefundStatus.FAILED:
        fail(refund, payment, code="refund_failed", message=answer.failure_reason, now=now)
        return
    if refund.status == Status.PENDING:
        refund.move_to(Status.SUBMITTED, now=now)
        take_goods_back(payment, now=now)
    if answer.status is RefundStatus.SUCCEEDED and refund.move_to(Status.SUCCEEDED, now=now):
        close_refunded_order(payment, refund, now=now)


def take_goods_back(payment: Payment, *, now: datetime) -> None:
    """Void an order's goods once all its money is on the way back, unless another payment covers it."""
    if orders.is_going_back(payment.order):
        products.of(payment.order).release(payment.order, now)


def close_refunded_order(payment: Payment, refund: Refund, *, now: datetime) -> None:
    """Tell the guest; and where every cent has gone back, call the order refunded."""
    order = payment.order
    mail.owe("refunded", order=order, cause=f"refunded:{refund.pk}", context={"refund": str(refund.pk)}, now=now)
    came = order.payments.filter(status=Payment.Status.SUCCEEDED).aggregate(sum=Sum("received_cents"))["sum"]
    back = Refund.objects.filter(payment__order=order, status=Status.SUCCEEDED).aggregate(sum=Sum("amount_cents"))
    if came and came == back["sum"] and order.status in (Order.Status.PAID, Order.Status.FULFILLED):
        order.move_to(Order.Status.REFUNDED, now=now)


def cancel_fulfilment(order: Order) -> None:
    """Owe no goods any more to an order whose money went back."""
    Fulfilment.objects.filter(order=order, done_at=None).update(next_attempt_at=None, locked_until=None)


def fail(refund: Refund, payment: Payment, *, code: str, message: str, now: datetime) -> None:
    """Write down that money could not go back, and call for a person."""
    if not refund.move_to(Status.FAILED, now=now):
        return
    Refund.objects.filter(pk=refund.pk).update(next_attempt_at=None, locked_until=None, last_error=message)
    Payment.objects.filter(pk=payment.pk).update(refunded_cents=F("refunded_cents") - refund.amount_cents)
    if payment.order.status == Order.Status.REFUNDED:
        payment.order.move_to(Order.Status.PAID, now=now)
    failures.record(
        Trouble(
            cause=f"refund:{refund.pk}:{refund.attempts}",
            category=Category.REFUND,
            severity=Severity.CRITICAL,
            order=payment.order,
            payment=payment,
            code=code,
            message=message,
            amount_cents=refund.amount_cents,
        ),
        now=now,
    )


def give_up(refund: Refund, now: datetime) -> None:
    """Call for a person: the provider could not be reached with this refund at any try."""
    failures.record(
        Trouble(
            cause=f"refund:{refund.pk}:given_up:{refund.attempts}",
            category=Category.REFUND,
            severity=Severity.CRITICAL,
            order=refund.payment.order,
            payment=refund.payment,
            code="provider_unavailable",
            message=refund.last_error,
            amount_cents=refund.amount_cents,
        ),
        now=now,
    )
