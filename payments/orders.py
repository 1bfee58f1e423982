"""What can happen to an order; the only writer of its status."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from uuid import UUID

from django.conf import settings
from django.db import transaction

from payments import products
from payments.exceptions import AlreadyExtended, AlreadyPaid, OrderClosed, OrderExpired
from payments.models import Order, Payment, rows
from payments.models.rows import Write

Status = Order.Status
Beside = Callable[[Order], Iterable[Write]]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing bought, so many times, as it was shown; money in cents."""

    item: str
    name: str
    quantity: int
    unit_price_cents: int
    unit_fee_cents: int
    unit_discount_cents: int = 0  # what a code has taken off the two above


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who is buying, and in which language to speak to them."""

    name: str
    email: str
    phone: str = ""
    language: str = "en"


class Truth(StrEnum):
    """What a guest is told about their money."""

    NOT_CHARGED = "not_charged"
    DELIVERED = "delivered"
    ON_THE_WAY = "on_the_way"
    REFUNDED = "refunded"


@transaction.atomic(savepoint=False)
def open_order(*, kind: str, event_id: UUID, lines: list[Line], buyer: Buyer, currency: str, now: datetime) -> Order:
    """Write down what a guest wants to buy, at our own prices, held from now."""
    order = new_order(kind=kind, event_id=event_id, lines=lines, buyer=buyer, currency=currency, now=now)
    order.save(force_insert=True)
    return order


def new_order(*, kind: str, event_id: UUID, lines: list[Line], buyer: Buyer, currency: str, now: datetime) -> Order:
    """Make the order of what a guest wants to buy, at our own prices, held from now; the caller saves it."""
    subtotal = sum(line.quantity * line.unit_price_cents for line in lines)
    fees = sum(line.quantity * line.unit_fee_cents for line in lines)
    return Order(
        kind=kind,
        event_id=event_id,
        name=buyer.name,
        email=buyer.email,
        phone=buyer.phone,
        language=buyer.language,
        lines=[asdict(line) for line in lines],
        subtotal_cents=subtotal,
        fees_cents=fees,
        total_cents=subtotal + fees,
        currency=currency,
        created_at=now,
        expires_at=now + timedelta(minutes=settings.HOLD_MINUTES),
    )


def find(reference: str) -> Order | None:
    """Return the order a guest holds the reference of, with its night, by a statement that is planned once."""
    return next(with_night("orders.reference = %s", reference), None)


def again(order: Order) -> Order:
    """Read an order again, with its night."""
    return next(with_night("orders.id = %s", order.pk))


def with_night(condition: str, value: str | UUID) -> Iterator[Order]:
    """Read the orders that a condition of ours holds for, each with its night."""
    night = Order._meta.get_field("event").related_model
    events = rows.table(night)
    rest = f"FROM orders JOIN {events} ON {events}.id = orders.event_id WHERE {condition}"
    for order, order.event in rows.find_together((Order, night), rest, value):
        yield order


def lock(order_id: UUID) -> Order:
    """Lock an order, before anything else of it is locked."""
    (order,) = rows.find(Order, "id = %s FOR UPDATE", order_id)
    return order


def check_payable(order: Order, *, now: datetime) -> None:
    """Raise AlreadyPaid, OrderExpired or OrderClosed unless money may be asked for now."""
    if order.status in (Status.PAID, Status.FULFILLED):
        raise AlreadyPaid
    if order.status == Status.EXPIRED or order.is_overdue(now):
        raise OrderExpired
    if not order.is_payable:
        raise OrderClosed


def nothing(order: Order) -> Iterable[Write]:
    """Write nothing beside an order that is placed."""
    return ()


def forget(order: Order) -> None:
    """Keep no record beside the order itself."""


@transaction.atomic(durable=True)
def extend_hold(order_id: UUID, *, now: datetime, remember: Callable[[Order], None] = forget) -> Order:
    """Give a guest ten more minutes, once.

    `remember` is a step in the same transaction.
    Raises AlreadyExtended, AlreadyPaid, OrderExpired, OrderClosed.
    """
    order = lock(order_id)
    check_payable(order, now=now)
    if order.extended_at is not None:
        raise AlreadyExtended
    order.expires_at += timedelta(minutes=settings.HOLD_EXTENSION_MINUTES)
    order.extended_at = now
    order.save(update_fields=["expires_at", "extended_at"])
    products.of(order).extend(order, now)
    remember(order)
    return order


@transaction.atomic(savepoint=False)
def close(order: Order, status: Order.Status, *, now: datetime) -> bool:
    """End a locked, unpaid order and give its places back; False where it has ended already."""
    if order.status != Status.PENDING:
        return False
    order.move_to(status, now=now)
    products.of(order).release(order, now)
    return True


def truth(order: Order) -> Truth:
    """Say what a guest should believe about their money, from our own books."""
    if order.status == Status.FULFILLED:
        return Truth.DELIVERED
    if order.status == Status.REFUNDED:
        return Truth.REFUNDED
    if order.status == Status.PAID:
        return Truth.REFUNDED if is_going_back(order) else Truth.ON_THE_WAY
    came = order.payments.filter(status=Payment.Status.SUCCEEDED).exists()
    return Truth.ON_THE_WAY if came else Truth.NOT_CHARGED


def is_deciding(order: Order) -> bool:
    """Say whether a bank has yet to decide about an order's money."""
    return order.payments.filter(status=Payment.Status.PROCESSING).exists()


def waits_for_money(order: Order, *, now: datetime) -> bool:
    """Say whether an order waits for its guest's money and for nothing else: held, in time, and no bank is deciding."""
    is_open = order.is_payable and not order.is_overdue(now)
    return is_open and truth(order) is Truth.NOT_CHARGED and not is_deciding(order)


def is_going_back(order: Order) -> bool:
    """Say whether all the money of an order is on its way back."""
    return has_gone_back(money_of(order))


def money_of(order: Order) -> list[Payment]:
    """Return the payments of an order that came, in the order in which they did."""
    # Asked for this status, or this order, the server may read the index of all payments that came.
    tried = rows.find(Payment, "order_id = %s", order.pk)
    came = (payment for payment in tried if payment.status == Payment.Status.SUCCEEDED)
    return sorted(came, key=attrgetter("processed_at"))


def has_gone_back(came: list[Payment]) -> bool:
    """Say whether there was money and all of it is on its way back."""
    return bool(came) and all(payment.refunded_cents >= payment.received_cents for payment in came)
