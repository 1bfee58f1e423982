"""Goods for money: once, for certain, and loudly where it cannot be done."""

from datetime import datetime
from functools import cache
from uuid import UUID

from django.db import transaction

from payments import failures, orders, products, retrying, steps
from payments.failures import Category, Severity, Trouble
from payments.models import Fulfilment, Order, rows
from payments.models.rows import Write

KIND = "fulfilment"


def promise(order: Order, *, now: datetime) -> Fulfilment:
    """Return the promise of its goods to a paid order; the caller writes it, then wakes a worker for it."""
    return Fulfilment(order=order, created_at=now, next_attempt_at=now)


def wake(promised: Fulfilment) -> None:
    """Wake a worker for a promise once it is committed."""
    retrying.wake_for(KIND, promised.pk)


@transaction.atomic(durable=True)
def fulfil_order(fulfilment_id: UUID, now: datetime) -> None:
    """Deliver an order's goods and say so, in one commit; a repeat changes nothing."""
    order, promised = lock_with_order(fulfilment_id)
    steps.take("Goods are delivered", order=order.pk, night=order.event_id)
    delivered = deliver(order, promised, now=now)
    rows.write(*delivered, retrying.finished(promised, now=now, done="done_at"))


def deliver(order: Order, promised: Fulfilment, *, now: datetime) -> list[Write]:
    """Deliver what is owed to a locked order, unless its money is on its way back; return what is to be written."""
    came = orders.money_of(order)
    if order.status != Order.Status.PAID or promised.done_at is not None or orders.has_gone_back(came):
        return []
    products.of(order).fulfil(order, next(iter(came), None), now)
    if promised.given_up_at or promised.round > 1:
        failures.settle(f"fulfilment:{promised.order_id}", "The goods are delivered.", now=now)
    return [rows.updated(order, *order.step_to(Order.Status.FULFILLED, now=now))]


def lock_with_order(fulfilment_id: UUID) -> tuple[Order, Fulfilment]:
    """Lock a promise's order, then the promise."""
    (found,) = rows.ask(locking(), fulfilment_id)
    order, promised = rows.read(found, Order, Fulfilment)
    promised.order = order
    return order, promised


@cache
def locking() -> str:
    """Write the statement that locks them."""
    return (
        f"SELECT {rows.columns(Order)}, {rows.columns(Fulfilment)} FROM orders "  # noqa: S608 (our own names)
        "JOIN fulfilments ON fulfilments.order_id = orders.id WHERE fulfilments.id = %s "
        "FOR UPDATE OF orders, fulfilments"
    )


def give_up(promised: Fulfilment, now: datetime) -> None:
    """Call for a person: money is here, goods are not, and every try has failed."""
    Fulfilment.objects.filter(pk=promised.pk).update(given_up_at=now)
    failures.record(
        Trouble(
            cause=f"fulfilment:{promised.order_id}:{promised.round}",
            category=Category.FULFILMENT,
            severity=Severity.CRITICAL,
            order=promised.order,
            payment=promised.order.payments.filter(status="succeeded").first(),
            code="fulfilment_failed",
            message=promised.last_error,
        ),
        now=now,
    )


def try_now(order: Order, *, now: datetime) -> bool:
    """Deliver in this process, if it is owed and nobody is at it: the queue may be down."""
    fulfilment_id = Fulfilment.objects.filter(order=order, done_at=None).values_list("pk", flat=True).first()
    return fulfilment_id is not None and retrying.attempt(KIND, fulfilment_id, now=now)


def retry(order: Order, *, now: datetime) -> bool:
    """Give an order a fresh set of tries; False where nothing is owed to it."""
    promised = Fulfilment.objects.filter(order=order, done_at=None).first()
    if promised is None:
        return False
    return retrying.start_afresh(KIND, promised.pk, now=now, changes={"round": promised.round + 1, "given_up_at": None})
