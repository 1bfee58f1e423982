"""The end of a hold: the provider is closed first, then the places go back."""

import logging
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from payments import checkout, failures, orders
from payments.exceptions import AlreadyPaid, GatewayUnavailable, OrderClosed, PaymentInProgress
from payments.failures import Category, Severity, Trouble
from payments.models import Order, Payment

logger = logging.getLogger(__name__)

BATCH = 200
# So often a provider may be silent in one run before it is asked no more: each silence takes its time-out.
SILENCES = 3


@dataclass
class Patience:
    """How often a provider has been silent in one run."""

    silences: int = 0

    @property
    def is_over(self) -> bool:
        """Say whether the provider is to be asked no more."""
        return self.silences >= SILENCES


def expire_overdue(*, now: datetime) -> int:
    """End every order whose hold is over; return how many ended.

    Those that need no word from a provider go first: one that hangs must not hold them up.
    """
    live = Payment.objects.filter(order=OuterRef("pk"), status__in=Payment.LIVE)
    overdue = Order.objects.overdue(now).order_by("expires_at").values_list("pk", flat=True)
    ended = expire_these(list(overdue.filter(~Exists(live))[:BATCH]), now=now)
    asking = list(overdue.filter(Exists(live))[:BATCH])
    random.shuffle(asking)  # so that one the provider chokes on does not stand before the others each time
    return ended + expire_these(asking, now=now)


def expire_these(order_ids: Iterable[UUID], *, now: datetime) -> int:
    """End these orders where their hold is over; return how many ended.

    A provider that keeps silent is not asked again in this run: the others' time must not go by for it.
    """
    patience = Patience()
    return sum(expire_order(order_id, now=now, patience=patience) for order_id in order_ids)


def expire_order(order_id: UUID, *, now: datetime, patience: Patience | None = None) -> bool:
    """End one overdue order, once its money can no longer come; say whether it ended.

    A provider that does not answer delays this until the grace is over; then the places go back,
    and money that still comes is late money. One that has not decided delays it until it has.
    """
    if close_order(order_id, Order.Status.EXPIRED, now=now):
        return True
    order = Order.objects.get(pk=order_id)
    if not order.is_overdue(now):
        return False
    patience = patience or Patience()
    try:
        if not patience.is_over:
            close_live_payments(order, now=now)
    except (GatewayUnavailable, PaymentInProgress) as error:
        patience.silences += isinstance(error, GatewayUnavailable)
        logger.info("Order %s keeps its places for now: %s", order_id, error)
    grace_is_over = now >= order.expires_at + timedelta(minutes=settings.HOLD_GRACE_MINUTES)
    if grace_is_over and orders.is_deciding(order):
        report_undecided(order, now=now)
    return close_order(order_id, Order.Status.EXPIRED, now=now, even_if_live=grace_is_over)


def cancel_order(order_id: UUID, *, now: datetime, remember: Callable[[Order], None] = orders.forget) -> None:
    """Let a guest give their places back before paying.

    `remember` is a step in the transaction that gives them back.
    Raises AlreadyPaid, OrderClosed, PaymentInProgress, GatewayUnavailable.
    """
    order = Order.objects.get(pk=order_id)
    if order.status in (Order.Status.PAID, Order.Status.FULFILLED):
        raise AlreadyPaid
    if order.status != Order.Status.PENDING:
        raise OrderClosed
    close_live_payments(order, now=now)
    if not close_order(order_id, Order.Status.CANCELLED, now=now, remember=remember):
        raise AlreadyPaid


def close_live_payments(order: Order, *, now: datetime) -> None:
    """Close whatever road is still open. Raises PaymentInProgress, GatewayUnavailable."""
    for payment in order.payments.filter(status__in=Payment.LIVE).select_related("order"):
        checkout.close_payment(payment, now=now)


@transaction.atomic(durable=True)
def close_order(
    order_id: UUID,
    status: Order.Status,
    *,
    now: datetime,
    even_if_live: bool = False,
    remember: Callable[[Order], None] = orders.forget,
) -> bool:
    """Lock an order, look again, and end it if nothing can pay it any more."""
    order = orders.lock(order_id)
    if status == Order.Status.EXPIRED and not order.is_overdue(now):
        return False
    if not even_if_live and order.payments.filter(status__in=Payment.LIVE).exists():
        return False
    if orders.is_deciding(order) or not orders.close(order, status, now=now):
        return False
    remember(order)
    return True


def report_undecided(order: Order, *, now: datetime) -> None:
    """Let the owner know, once, of places that wait for a bank."""
    failures.record(
        Trouble(
            cause=f"undecided:{order.pk}",
            category=Category.PROVIDER,
            severity=Severity.WARNING,
            order=order,
            code=failures.UNDECIDED,
            message="The bank has not decided about this payment; its places are kept until it does.",
        ),
        now=now,
    )
