"""What can happen to a whole night: it is called off, or it is put off."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from payments import expiry, failures, mail, orders, refunds, retrying
from payments.exceptions import AlreadyPaid, OrderClosed, PaymentInProgress
from payments.failures import Category, Severity, Trouble
from payments.models import Order, Refund
from tickets.exceptions import DatesOutOfOrder, NightIsOff, ReasonNeeded
from tickets.models import Event, NightChange, NightRefund

KIND = "night_refund"
POSTPONED_LETTER = "night_postponed"
OPEN = (Order.Status.PENDING, Order.Status.PAID, Order.Status.FULFILLED)
# A bank takes its time, hours or days: looked at so often, however long it takes.
BANK_PAUSE = timedelta(minutes=15)

Moved = Callable[[Event, timedelta], None]

_movers: list[Moved] = []


@dataclass(frozen=True, slots=True)
class Dates:
    """When a night is now to be."""

    doors_at: datetime
    starts_at: datetime
    ends_at: datetime


def register(moved: Moved) -> None:
    """Say what else moves with a night; called once by its app when Django starts."""
    _movers.append(moved)


@transaction.atomic(durable=True)
def cancel_night(event_id: UUID, *, reason: str, by_id: int | None = None, now: datetime) -> int:
    """Call a night off and owe each of its orders what it needs; return how many, and 0 where it is off already.

    Nothing more is sold from this moment; the places and the money follow order by order.
    Raises ReasonNeeded.
    """
    event = lock_to_change(event_id, reason)
    doors_at = event.doors_at
    if not event.move_to(Event.Status.CANCELLED, now=now):
        return 0
    note(event, NightChange.Kind.CANCELLED, reason, doors_were_at=doors_at, by_id=by_id, now=now)
    return owe_refunds(event, now=now)


@transaction.atomic(savepoint=False)
def owe_refunds(event: Event, *, now: datetime) -> int:
    """Owe every open order of a cancelled night that is not owed to yet; return how many."""
    found = Order.objects.filter(event=event, status__in=OPEN, night_refund=None).order_by("created_at")
    owed = [
        NightRefund(event=event, order_id=order_id, created_at=now, next_attempt_at=now)
        for order_id in found.values_list("pk", flat=True)
    ]
    NightRefund.objects.bulk_create(owed, ignore_conflicts=True)
    return len(owed)


@transaction.atomic(durable=True)
def catch_up(*, now: datetime) -> int:
    """Owe those whose order was being written while their night was called off; return how many."""
    off = Event.objects.filter(status=Event.Status.CANCELLED)
    missed = off.filter(orders__status__in=OPEN, orders__night_refund=None).distinct()
    return sum(owe_refunds(event, now=now) for event in missed)


def give_back(refund_id: UUID, now: datetime) -> None:
    """Let an order of a cancelled night go if it is unpaid, and promise back whatever it has paid.

    Raises GatewayUnavailable: tried again, as all work is. A bank that decides is waited for.
    """
    owed = NightRefund.objects.get(pk=refund_id)
    try:
        with suppress(AlreadyPaid, OrderClosed):  # the guest was faster: what is paid goes back below
            expiry.cancel_order(owed.order_id, now=now)
    except PaymentInProgress:
        wait_for_bank(refund_id, now=now)
        return
    promise_back(refund_id, now=now)


@transaction.atomic(durable=True)
def promise_back(refund_id: UUID, *, now: datetime) -> None:
    """Promise an order of a cancelled night all its money, and owe it nothing more."""
    order = orders.lock(NightRefund.objects.values_list("order_id", flat=True).get(pk=refund_id))
    owed = NightRefund.objects.select_for_update().get(pk=refund_id)
    if owed.done_at is not None:
        return
    back = refunds.owe_all(order, reason=Refund.Reason.NIGHT_CANCELLED, cause=KIND, now=now)
    owed.back_cents = sum(refund.amount_cents for refund in back)
    owed.save(update_fields=["back_cents"])
    failures.settle(f"{KIND}:{owed.pk}", "The money is on its way back.", now=now)
    retrying.finish(owed, now=now, done="done_at")


@transaction.atomic(durable=True)
def wait_for_bank(refund_id: UUID, *, now: datetime) -> None:
    """Look again later, with all tries left: nothing has failed."""
    NightRefund.objects.filter(pk=refund_id, done_at=None).update(
        attempts=0, locked_until=None, next_attempt_at=now + BANK_PAUSE, last_error="The bank has not decided yet."
    )


def give_up(owed: NightRefund, now: datetime) -> None:
    """Call for a person: a guest of a cancelled night still waits for their money."""
    failures.record(
        Trouble(
            cause=f"{KIND}:{owed.pk}:{owed.round}",
            category=Category.REFUND,
            severity=Severity.CRITICAL,
            order=owed.order,
            payment=owed.order.payments.filter(status="succeeded").first(),
            code="night_refund_failed",
            message=owed.last_error,
        ),
        now=now,
    )


def retry(refund_id: UUID, *, now: datetime) -> bool:
    """Give an order of a cancelled night a fresh set of tries; False where nothing is owed to it."""
    owed = NightRefund.objects.filter(pk=refund_id, done_at=None).first()
    if owed is None:
        return False
    return retrying.start_afresh(KIND, owed.pk, now=now, changes={"round": owed.round + 1})


@transaction.atomic(durable=True)
def postpone(
    event_id: UUID, dates: Dates, *, refunds_until: datetime, reason: str, by_id: int | None = None, now: datetime
) -> int:
    """Move a night: what was bought stays valid, or goes back in full until `refunds_until`.

    The end of sales moves with the doors. Returns how many guests are told.
    Raises ReasonNeeded, NightIsOff, DatesOutOfOrder.
    """
    event = lock_to_change(event_id, reason)
    if event.status == Event.Status.CANCELLED:
        raise NightIsOff
    check_dates(event, dates, refunds_until, now=now)
    old_doors_at, shift = event.doors_at, dates.doors_at - event.doors_at
    event.doors_at, event.starts_at, event.ends_at = dates.doors_at, dates.starts_at, dates.ends_at
    event.sales_end_at += shift
    event.postponed_at, event.refunds_until = now, refunds_until
    event.save(update_fields=["doors_at", "starts_at", "ends_at", "sales_end_at", "postponed_at", "refunds_until"])
    change = note(event, NightChange.Kind.POSTPONED, reason, doors_were_at=old_doors_at, by_id=by_id, now=now)
    for moved in _movers:
        moved(event, shift)
    return tell_of(change, now=now)


def check_dates(event: Event, dates: Dates, refunds_until: datetime, *, now: datetime) -> None:
    """Raise DatesOutOfOrder unless the new night is ahead, whole, and leaves time to ask for money back."""
    is_whole = dates.doors_at <= dates.starts_at < dates.ends_at
    if not is_whole or dates.doors_at == event.doors_at or not now < refunds_until <= dates.doors_at:
        raise DatesOutOfOrder


def lock_to_change(event_id: UUID, reason: str) -> Event:
    """Lock a night that is to be called off or moved. Raises ReasonNeeded."""
    if not reason.strip():
        raise ReasonNeeded
    return Event.objects.select_for_update(no_key=True).get(pk=event_id)


def note(
    event: Event, kind: NightChange.Kind, reason: str, *, doors_were_at: datetime, by_id: int | None, now: datetime
) -> NightChange:
    """Write down what was done to a night, by whom and why."""
    return NightChange.objects.create(
        event=event, kind=kind, note=reason.strip(), doors_were_at=doors_were_at, by_id=by_id, at=now
    )


def tell_of(change: NightChange, *, now: datetime) -> int:
    """Owe everybody who has paid for a night a word of its new date; return how many."""
    bought = Order.objects.filter(event=change.event, status__in=(Order.Status.PAID, Order.Status.FULFILLED))
    told = 0
    for order in bought.order_by("created_at"):
        mail.owe(
            POSTPONED_LETTER,
            order=order,
            cause=f"{POSTPONED_LETTER}:{change.pk}:{order.pk}",
            context={"was": change.doors_were_at.isoformat()},
            now=now,
        )
        told += 1
    return told
