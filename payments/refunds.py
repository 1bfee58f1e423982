"""Money back: promised with a key of our own, sent once, followed until the provider is done."""

from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import F, Sum

from payments import failures, gateways, mail, orders, products, provider_calls, references, retrying, steps
from payments.exceptions import GatewayRefused, NothingToRefund, RefundTooLarge
from payments.failures import Category, Severity, Trouble
from payments.gateways.types import Gateway, ProviderRefund, RefundStatus
from payments.models import Fulfilment, Order, Payment, Refund, RefundItem

Remember = Callable[[list[Refund]], None]

KIND = "refund"
Reason = Refund.Reason
Status = Refund.Status
TRIED_AGAIN = "Tried again."


def forget(promised: list[Refund]) -> None:
    """Keep no record beside the refunds themselves."""


@transaction.atomic(durable=True)
def refund_order(
    order_id: UUID, *, reason: Refund.Reason, cause: str, now: datetime, remember: Remember = forget
) -> list[Refund]:
    """Promise back all the money an order still has with us; a repeat promises nothing more.

    `remember` is a step in the same transaction.
    """
    promised = owe_all(orders.lock(order_id), reason=reason, cause=cause, now=now)
    remember(promised)
    return promised


@transaction.atomic(savepoint=False)
def owe_all(order: Order, *, reason: Refund.Reason, cause: str, now: datetime) -> list[Refund]:
    """Promise back all the money a locked order still has with us."""
    return [
        owe(payment, amount_cents=left, reason=reason, cause=f"{cause}:{payment.pk}", now=now)
        for payment in order.payments.select_for_update().filter(status=Payment.Status.SUCCEEDED).order_by("pk")
        if (left := payment.received_cents - payment.refunded_cents) > 0
    ]


@transaction.atomic(durable=True)
def refund_goods(
    order_id: UUID, goods: Collection[UUID], *, reason: Refund.Reason, now: datetime, remember: Remember = forget
) -> Refund:
    """Promise back what single goods of an order cost, all fees included; each goes back once, ever.

    `remember` is a step in the same transaction.
    They are taken back when the provider has accepted the refund: then they no longer let anybody in.
    Raises NothingToRefund, RefundTooLarge.
    """
    order = orders.lock(order_id)
    prices = products.of(order).prices(order, goods)
    promised = RefundItem.objects.filter(item__in=prices).values_list("item", flat=True)
    prices = {item: cents for item, cents in prices.items() if cents and item not in set(promised)}
    if not prices:
        raise NothingToRefund
    amount = sum(prices.values())
    payment = payment_with(order, amount)
    cause = f"goods:{order.pk}:{min(prices)}"
    refund = owe(payment, amount_cents=amount, reason=reason, cause=cause, now=now)
    RefundItem.objects.bulk_create(
        RefundItem(refund=refund, item=item, amount_cents=cents) for item, cents in sorted(prices.items())
    )
    remember([refund])
    return refund


def payment_with(order: Order, amount_cents: int) -> Payment:
    """Return the payment that still has so much of a locked order's money. Raises RefundTooLarge."""
    came = order.payments.select_for_update().filter(status=Payment.Status.SUCCEEDED)
    payment = came.filter(received_cents__gte=F("refunded_cents") + amount_cents).order_by("processed_at").first()
    if payment is None:
        raise RefundTooLarge
    payment.order = order
    return payment


def retry(refund_id: UUID, *, now: datetime) -> Refund | None:
    """Send money back that could not go: with a new refund where the provider has failed the old one.

    Returns the refund that is now owed, or None where there is nothing to try again.
    Raises RefundTooLarge where the money has gone back by another way meanwhile.
    """
    refund = Refund.objects.get(pk=refund_id)
    if refund.status == Status.FAILED:
        again = replace_failed(refund_id, now=now)
        return again if again.status != Status.FAILED else retry(again.pk, now=now)
    if refund.status != Status.PENDING or refund.next_attempt_at is not None:
        return None
    retrying.start_afresh(KIND, refund.pk, now=now)
    failures.settle(f"refund:{refund.pk}", TRIED_AGAIN, now=now)
    return refund


@transaction.atomic(durable=True)
def replace_failed(refund_id: UUID, *, now: datetime) -> Refund:
    """Owe the amount of a failed refund anew, once; the provider's key of the old one is spent."""
    payment = lock_payment_of(refund_id)
    failed = Refund.objects.select_for_update().get(pk=refund_id)
    again = owe(
        payment, amount_cents=failed.amount_cents, reason=Reason(failed.reason), cause=f"retry:{failed.pk}", now=now
    )
    failed.items.update(refund=again)
    failures.settle(f"refund:{failed.pk}", TRIED_AGAIN, now=now)
    return again


@transaction.atomic(savepoint=False)
def owe(payment: Payment, *, amount_cents: int, reason: Refund.Reason, cause: str, now: datetime) -> Refund:
    """Promise an amount back on a payment whose order is locked, once per cause.

    Raises RefundTooLarge.
    """
    if known := Refund.objects.filter(cause=cause).first():
        return known
    steps.take(f"A refund is owed: {reason}", order=payment.order_id, payment=payment.pk)
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
    steps.take("The provider is asked for a refund", order=payment.order_id, payment=payment.pk)
    gateway = gateways.for_provider(payment.provider)
    intent_id = payment.external_payment_id or ""
    request = partial(gateway.refund, intent_id, amount_cents=refund.amount_cents, refund_ref=str(refund.pk))
    find = partial(find_refund, gateway, intent_id, str(refund.pk))
    try:
        answer = provider_calls.send("refund", str(refund.pk), lambda key: request(key=key), find=find, now=now)
    except GatewayRefused as refusal:
        keep_refusal(refund_id, refusal, now=now)
        return
    keep_answer(refund_id, answer, now=now)


def find_refund(gateway: Gateway, intent_id: str, refund_ref: str) -> ProviderRefund | None:
    """Look for what a refund of long ago has left at its provider, whose answer never came."""
    return next((found for found in gateway.list_refunds(intent_id) if found.refund_ref == refund_ref), None)


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
        take_goods_back(refund, payment, now=now)
    if answer.status is RefundStatus.SUCCEEDED and refund.move_to(Status.SUCCEEDED, now=now):
        close_refunded_order(payment, refund, now=now)


def take_goods_back(refund: Refund, payment: Payment, *, now: datetime) -> None:
    """Void the goods a refund is for; all of an order's once all its money is on the way back."""
    product = products.of(payment.order)
    items = refund.items.filter(taken_back_at=None)
    if orders.is_going_back(payment.order):
        product.release(payment.order, now)
    elif goods := list(items.values_list("item", flat=True)):
        product.take_back(payment.order, goods, now)
    items.update(taken_back_at=now)


def close_refunded_order(payment: Payment, refund: Refund, *, now: datetime) -> None:
    """Tell the guest; and where every cent has gone back, call the order refunded."""
    order = payment.order
    failures.settle(f"refund:{refund.pk}", "The money has gone back.", now=now)
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
            cause=failures.recurring(f"refund:{refund.pk}"),
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
            cause=failures.recurring(f"refund:{refund.pk}"),
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
