"""Goods for money: once, for certain, and loudly where it cannot be done."""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from payments import failures, mail, orders, products, retrying, steps
from payments.failures import Category, Severity, Trouble
from payments.models import Fulfilment, Order, rows
from payments.models.rows import Write

KIND = "fulfilment"
# What has changed since it was read is read again; what has changed each time is a fault.
ROUNDS = 3
PROMISED = "FROM orders JOIN fulfilments ON fulfilments.order_id = orders.id WHERE fulfilments.id = %s"


def promise(order: Order, *, now: datetime) -> Fulfilment:
    """Return the promise of its goods to a paid order; the caller writes it, then wakes a worker for it."""
    return Fulfilment(order=order, created_at=now, next_attempt_at=now)


def wake(promised: Fulfilment) -> None:
    """Wake a worker for a promise once it is committed."""
    retrying.wake_for(KIND, promised.pk)


def fulfil_order(fulfilment_id: UUID, now: datetime) -> None:
    """Deliver an order's goods and say so, in one commit; a repeat changes nothing.

    Where a row has changed since it was read, nothing is written, and all is read again.
    """
    rounds = 0
    while True:
        try:
            return deliver(fulfilment_id, now=now)
        except IntegrityError:
            rounds += 1
            if rounds == ROUNDS:
                raise


def deliver(fulfilment_id: UUID, *, now: datetime) -> None:
    """Deliver what is owed as it is read now, unless its money is on its way back. Raises IntegrityError."""
    ((order, promised),) = rows.find_together((Order, Fulfilment), PROMISED, fulfilment_id)
    steps.take("Goods are delivered", order=order.pk, night=order.event_id)
    came = orders.money_of(order)
    is_owed = order.status == Order.Status.PAID and promised.done_at is None and not orders.has_gone_back(came)
    looks = [rows.still(payment, "refunded_cents") for payment in came]
    if not is_owed:
        rows.commit(rows.still(order, "status"), *looks, retrying.finished(promised, now=now, done="done_at"))
        return
    goods = products.of(order).fulfil(order, next(iter(came), None), now)
    writes = [
        rows.updated(order, *order.step_to(Order.Status.FULFILLED, now=now), still={"status": Order.Status.PAID}),
        *looks,
        retrying.finished(promised, now=now, done="done_at"),
        *(mail.promised(letter) for letter in goods.letters),
        *goods.writes,
    ]
    if promised.was_given_up:
        commit_and_settle(order, writes, now=now)
    else:
        rows.commit(*writes)
    for letter in goods.letters:
        mail.wake(letter)


@transaction.atomic(durable=True)
def commit_and_settle(order: Order, writes: list[Write], *, now: datetime) -> None:
    """Deliver what had been given up, and resolve the failure that told of it."""
    rows.write(*writes)
    failures.settle(f"fulfilment:{order.pk}", "The goods are delivered.", now=now)


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
    owed = rows.ask("SELECT id FROM fulfilments WHERE order_id = %s AND done_at IS NULL", order.pk)
    return any(retrying.attempt(KIND, fulfilment_id, now=now) for (fulfilment_id,) in owed)


def retry(order: Order, *, now: datetime) -> bool:
    """Give an order a fresh set of tries; False where nothing is owed to it."""
    promised = Fulfilment.objects.filter(order=order, done_at=None).first()
    if promised is None:
        return False
    return retrying.start_afresh(KIND, promised.pk, now=now, changes={"round": promised.round + 1, "given_up_at": None})
