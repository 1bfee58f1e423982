"""Asking a guest's money of a provider, and closing the way again."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from payments import charges, gateways, orders, provider_calls, steps
from payments.exceptions import (
    AlreadyPaid,
    GatewayRefused,
    GatewayUnavailable,
    PaymentInProgress,
    SavedServerError,
)
from payments.gateways.types import Charge, Gateway, Intent, IntentStatus, Session
from payments.models import Order, Payment, rows
from payments.models.rows import RowMissing
from payments.provider_calls import Operation

Status = Payment.Status
Closed = TypeVar("Closed", Intent, Session)
# A road found closed, or another one open, is cleared and tried again; a third time is a fault.
ROUNDS = 3
LIVE = "order_id = %s AND status IN ('started', 'open', 'processing')"
OPEN_OR_PAID = "order_id = %s AND status IN ('started', 'open', 'processing', 'succeeded')"


@dataclass(frozen=True, slots=True)
class Started:
    """What the guest's browser needs to pay; the secret is never stored."""

    payment_id: UUID
    client_secret: str = field(default="", repr=False)
    redirect_url: str = ""


def start_payment(order_id: UUID, *, provider: str, mode: str, now: datetime) -> Started:
    """Open the way to pay for an order, or find the one that is open.

    1. The payment and its key are committed. 2. The provider is asked under that key. 3. Its id
    is kept. A crash between any two, a double click or a lost answer leads to the same intent.

    Raises AlreadyPaid, OrderExpired, OrderClosed, PaymentInProgress, GatewayUnavailable.
    """
    for _ in range(ROUNDS):
        payment = prepare_payment(order_id, provider=provider, mode=mode, now=now)
        if (payment.provider, payment.mode) != (provider, mode):
            close_payment(payment, now=now)
            continue
        seen = open_at_provider(payment, now=now)
        if keep_seen(payment, seen, now=now).is_live:
            return started(payment, seen)
    raise GatewayUnavailable("every round found another road open")


@transaction.atomic(durable=True)
def prepare_payment(order_id: UUID, *, provider: str, mode: str, now: datetime) -> Payment:
    """Write down the payment before the provider hears of it, with its key, or return the one that is live."""
    order = orders.lock(order_id)
    steps.take("The guest is about to pay", order=order.pk, night=order.event_id)
    orders.check_payable(order, now=now)
    open_or_paid = {payment.status: payment for payment in rows.find(Payment, OPEN_OR_PAID, order.pk)}
    if Status.SUCCEEDED in open_or_paid:
        raise AlreadyPaid
    if Status.PROCESSING in open_or_paid:
        raise PaymentInProgress
    for live in open_or_paid.values():
        live.order = order
        return live
    payment = Payment(
        order=order,
        provider=provider,
        mode=mode,
        amount_cents=order.total_cents,
        currency=order.currency,
        created_at=now,
    )
    call = provider_calls.new_call(operation_of(payment), str(payment.pk), now=now)
    payment.idempotency_key = call.key
    rows.write(rows.inserted(call), rows.inserted(payment))
    return payment


def operation_of(payment: Payment) -> Operation:
    """Name the operation by which a payment comes to be at its provider."""
    return "session_create" if payment.mode == Payment.Mode.CHECKOUT else "intent_create"


def open_at_provider(payment: Payment, *, now: datetime) -> Intent | Session:
    """Create the payment at its provider, or read it where it is known to be there.

    A server error that the provider will repeat for this key is the end of this attempt: nobody
    was ever given its secret or address, so nobody can pay it.
    """
    steps.take("The provider is asked", order=payment.order_id, payment=payment.pk)
    gateway = gateways.for_provider(payment.provider)
    if payment.mode == Payment.Mode.CHECKOUT and payment.external_session_id:
        return gateway.read_session(payment.external_session_id)
    if payment.mode == Payment.Mode.ELEMENTS and payment.external_payment_id:
        return gateway.read_intent(payment.external_payment_id)
    try:
        return provider_calls.send(
            operation_of(payment),
            str(payment.pk),
            partial(create, gateway, payment),
            find=partial(find, gateway, payment),
            now=now,
        )
    except (SavedServerError, GatewayRefused):
        abandon(payment.pk, now=now)
        raise


def create(gateway: Gateway, payment: Payment, key: str) -> Intent | Session:
    """Create the payment under its key, with parameters that are the same at every repeat."""
    charge = charge_for(payment)
    if payment.mode == Payment.Mode.CHECKOUT:
        return gateway.create_session(charge, key=key, now=payment.created_at)
    return gateway.create_intent(charge, key=key)


def find(gateway: Gateway, payment: Payment) -> Intent | Session | None:
    """Look for what a payment of long ago has left at its provider, whose answer never came."""
    if payment.mode == Payment.Mode.CHECKOUT:
        return gateway.find_session(str(payment.pk), since=payment.created_at)
    return gateway.find_intent(str(payment.pk), since=payment.created_at)


def charge_for(payment: Payment) -> Charge:
    """Say what to ask for, from rows that no longer change."""
    order = payment.order
    return Charge(
        payment_id=str(payment.pk),
        order_reference=order.reference,
        description=f"{settings.VENUE_NAME}: "
        + ", ".join(f"{line['quantity']} × {line['name']}" for line in order.lines),
        email=order.email,
        amount_cents=payment.amount_cents,
        currency=payment.currency,
        language=order.language,
        return_url=settings.SITE_URL + reverse("payments:return", args=[order.reference]),
        cancel_url=settings.SITE_URL + reverse("payments:pay", args=[order.reference]),
        # The earliest end, not the extended one: a repeat of the key must send the same words.
        held_until=order.created_at + timedelta(minutes=settings.HOLD_MINUTES),
    )


@transaction.atomic(durable=True)
def abandon(payment_id: UUID, *, now: datetime) -> None:
    """Give up a payment that the provider will never have."""
    charges.follow(payment_id, Status.CANCELLED, now=now)


def keep_seen(payment: Payment, seen: Intent | Session, *, now: datetime) -> Payment:
    """Keep the provider's id, and converge to what the provider shows; return the payment as it is then."""
    if isinstance(seen, Intent) and keep_as_read(payment, seen, now=now):
        return payment
    return keep_under_lock(payment.pk, seen, now=now)


def keep_as_read(payment: Payment, seen: Intent, *, now: datetime) -> bool:
    """Keep what is plain by one statement that commits; False, and nothing kept, where the rows have changed since.

    Plain is an intent that waits for its guest, and money that came as it was asked for.
    """
    if receipt := charges.receipt_of(seen):
        return charges.confirm_as_read(payment.order, payment, receipt, now=now)
    if seen.status is not IntentStatus.OPEN or seen.decline:
        return False
    if payment.status != Status.STARTED:
        return (payment.status, payment.external_payment_id) == (Status.OPEN, seen.id)  # as is known
    payment.external_payment_id = seen.id
    moved = payment.step_to(Status.OPEN, now=now)
    try:
        rows.commit(rows.updated(payment, "external_payment_id", *moved, still={"status": Status.STARTED}))
    except RowMissing:
        return False
    return True


@transaction.atomic(durable=True)
def keep_under_lock(payment_id: UUID, seen: Intent | Session, *, now: datetime) -> Payment:
    """Keep the provider's id and converge, whatever that is, with order and payment locked."""
    charges.lock_with_order(payment_id)  # an event of this payment may be at them: all lock the order first
    if isinstance(seen, Session):
        Payment.objects.filter(pk=payment_id).update(external_session_id=seen.id)
        Order.objects.filter(payments=payment_id).update(stripe_session_id=seen.id)
    else:
        Payment.objects.filter(pk=payment_id).update(external_payment_id=seen.id)
    charges.converge(payment_id, seen, now=now)
    return Payment.objects.get(pk=payment_id)


def started(payment: Payment, seen: Intent | Session) -> Started:
    """Return what the browser needs."""
    if isinstance(seen, Session):
        return Started(payment_id=payment.pk, redirect_url=seen.url)
    return Started(payment_id=payment.pk, client_secret=seen.client_secret)


def ask_provider(order: Order, *, now: datetime) -> None:
    """Ask the provider where an order's live payments stand, and converge: the guest's return road.

    Raises GatewayUnavailable.
    """
    for payment in rows.find(Payment, LIVE, order.pk):
        payment.order = copy(order)  # the caller's stays as it was read
        if payment.external_session_id or payment.external_payment_id:
            keep_seen(payment, open_at_provider(payment, now=now), now=now)


def close_payment(payment: Payment, *, now: datetime) -> Payment:
    """Close a live payment at its provider first, then in our books; it may prove to be paid.

    Raises PaymentInProgress where the provider has not decided, GatewayUnavailable where it does
    not answer: then nothing is known, and nothing may be given away.
    """
    try:
        seen = shut_at_provider(payment, now=now)
    except (SavedServerError, GatewayRefused):
        abandon(payment.pk, now=now)
        return Payment.objects.get(pk=payment.pk)
    closed = keep_seen(payment, seen, now=now)
    if closed.status == Status.PROCESSING:
        raise PaymentInProgress
    if closed.is_live:
        raise GatewayUnavailable(f"{payment.pk} is still open at the provider")
    return closed


def shut_at_provider(payment: Payment, *, now: datetime) -> Intent | Session:
    """Cancel the intent or expire the page, finding first what a crash may have left there."""
    steps.take("The way to pay is closed", order=payment.order_id, payment=payment.pk)
    gateway = gateways.for_provider(payment.provider)
    if payment.mode == Payment.Mode.CHECKOUT:
        session_id = payment.external_session_id or open_at_provider(payment, now=now).id
        return shut(
            "session_expire",
            payment,
            lambda key: gateway.expire_session(session_id, key=key),
            read=lambda: gateway.read_session(session_id),
            now=now,
        )
    intent_id = payment.external_payment_id or open_at_provider(payment, now=now).id
    return shut(
        "intent_cancel",
        payment,
        lambda key: gateway.cancel_intent(intent_id, key=key),
        read=lambda: gateway.read_intent(intent_id),
        now=now,
    )


def shut(
    operation_type: Operation,
    payment: Payment,
    close: Callable[[str], Closed],
    *,
    read: Callable[[], Closed],
    now: datetime,
) -> Closed:
    """Close one way to pay, or return it as it stands where the provider will not.

    What it answered is kept for that key: a payment that its bank decides about today and declines
    tomorrow is closed by an attempt with a key of its own.
    """
    attempt = provider_calls.attempt(operation_type, str(payment.pk))
    try:
        return provider_calls.send(operation_type, attempt, close, now=now)
    except SavedServerError:
        provider_calls.give_up(operation_type, attempt)
    except GatewayRefused:
        pass  # not open any more, or not to be closed now
    return read()
