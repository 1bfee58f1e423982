from datetime import datetime, timedelta

import pytest

from owners import audit
from payments import checkout, expiry, orders
from payments.exceptions import (
    AlreadyExtended,
    AlreadyPaid,
    GatewayRefused,
    GatewayUnavailable,
    OrderClosed,
    OrderExpired,
    SavedServerError,
)
from payments.gateways.types import IntentStatus
from payments.models import Order, Payment, PaymentFailure
from tests.buying import buy, fresh, hold, intent_of, pay, start
from tests.factories.tickets import TicketTypeFactory
from tests.fakes import FakeProvider

pytestmark = pytest.mark.django_db(transaction=True)

OVER = timedelta(minutes=16)
GRACE_OVER = timedelta(minutes=36)


def test_a_hold_lasts_fifteen_minutes(provider: FakeProvider, now: datetime) -> None:
    order = hold(now=now)

    assert order.expires_at == now + timedelta(minutes=15)
    assert expiry.expire_overdue(now=now + timedelta(minutes=14, seconds=59)) == 0
    assert expiry.expire_overdue(now=now + timedelta(minutes=15)) == 1
    assert fresh(order).status == Order.Status.EXPIRED


def test_expiry_gives_the_places_back_once(provider: FakeProvider, now: datetime) -> None:
    type_ = TicketTypeFactory.create()
    hold(type_, quantity=3, now=now)

    assert [expiry.expire_overdue(now=now + OVER) for _ in range(3)] == [1, 0, 0]

    type_.refresh_from_db()
    assert (type_.held, type_.sold) == (0, 0)


def test_orders_that_need_no_provider_end_before_those_that_do(provider: FakeProvider, now: datetime) -> None:
    with_intent, without = hold(now=now - timedelta(minutes=5)), hold(now=now)
    start(with_intent)
    seen: list[str] = []
    provider.at_point = lambda _: seen.append(fresh(without).status)

    assert expiry.expire_overdue(now=now + OVER) == 2

    assert set(seen) == {Order.Status.EXPIRED}


def test_the_intent_is_cancelled_at_the_provider_first(provider: FakeProvider, now: datetime) -> None:
    order = hold(now=now)
    payment = start(order)

    assert expiry.expire_order(order.pk, now=now + OVER)

    assert provider.intents[intent_of(payment)].status is IntentStatus.CANCELLED
    payment.refresh_from_db()
    assert payment.status == Payment.Status.CANCELLED


def test_a_hosted_page_is_closed_with_our_hold(provider: FakeProvider, now: datetime) -> None:
    order = hold(now=now)
    start(order, mode="checkout")

    assert expiry.expire_order(order.pk, now=now + OVER)

    assert provider.sessions["cs_1"].status == "expired"


def test_money_found_while_expiring_pays_the_order(provider: FakeProvider, now: datetime) -> None:
    order = hold(now=now)
    pay(provider, order)

    assert not expiry.expire_order(order.pk, now=now + OVER)

    assert fresh(order).status == Order.Status.PAID


def test_a_silent_provider_delays_expiry_until_the_grace_is_over(provider: FakeProvider, now: datetime) -> None:
    order = hold(now=now)
    start(order)
    for _ in range(3):
        provider.fail_next("cancel_intent")

    assert not expiry.expire_order(order.pk, now=now + OVER)
    assert expiry.expire_overdue(now=now + OVER) == 0
    assert fresh(order).status == Order.Status.PENDING
    assert expiry.expire_order(order.pk, now=now + GRACE_OVER)

    assert fresh(order).status == Order.Status.EXPIRED
    assert Payment.objects.get().status == Payment.Status.OPEN


def test_a_silent_provider_is_asked_three_times_in_a_run_and_holds_nobody_up(
    provider: FakeProvider, now: datetime
) -> None:
    waiting = [hold(TicketTypeFactory.create(), now=now) for _ in range(5)]
    old = [hold(TicketTypeFactory.create(), now=now - timedelta(minutes=30)) for _ in range(5)]
    for order in [*waiting, *old]:
        start(order, now=order.created_at)
    for _ in range(10):
        provider.fail_next("cancel_intent")
    provider.calls.clear()

    assert expiry.expire_overdue(now=now + OVER) == 5

    assert provider.calls.count("cancel_intent") == 3
    assert {fresh(order).status for order in old} == {Order.Status.EXPIRED}
    assert {fresh(order).status for order in waiting} == {Order.Status.PENDING}


@pytest.mark.parametrize(("decided", "status"), [(IntentStatus.SUCCEEDED, "paid"), (IntentStatus.OPEN, "expired")])
def test_a_payment_the_bank_is_deciding_about_keeps_its_places(
    provider: FakeProvider, now: datetime, decided: IntentStatus, status: str
) -> None:
    order = hold(now=now)
    intent_id = intent_of(start(order))
    provider.set_status(intent_id, IntentStatus.PROCESSING)
    checkout.ask_provider(order, now=now)

    for _ in range(2):
        assert expiry.expire_overdue(now=now + GRACE_OVER) == 0
    assert (fresh(order).status, order.ticket_reservations.get().status) == ("pending", "pending")
    assert PaymentFailure.objects.get().error_code == "still_processing"
    assert all(finding.holds for finding in audit.audit(now=now + GRACE_OVER))
    provider.set_status(intent_id, IntentStatus.OPEN)
    if decided is IntentStatus.SUCCEEDED:
        provider.pay(intent_id)
    expiry.expire_overdue(now=now + GRACE_OVER)

    assert fresh(order).status == status
    assert PaymentFailure.objects.get().resolved == (status == "paid")


def test_an_intent_a_crash_left_behind_is_found_and_cancelled(provider: FakeProvider, now: datetime) -> None:
    order = hold(now=now)
    provider.fail_next("create_intent", after=True)
    with pytest.raises(GatewayUnavailable):
        start(order)

    assert expiry.expire_order(order.pk, now=now + OVER)

    assert provider.intents["pi_1"].status is IntentStatus.CANCELLED


def test_a_page_a_crash_left_behind_is_found_and_closed(provider: FakeProvider, now: datetime) -> None:
    order = hold(now=now)
    provider.fail_next("create_session", after=True)
    with pytest.raises(GatewayUnavailable):
        start(order, mode="checkout")

    assert expiry.expire_order(order.pk, now=now + OVER)

    assert provider.sessions["cs_1"].status == "expired"


@pytest.mark.parametrize("error", [SavedServerError("500, replayed"), GatewayRefused("no such thing")])
def test_a_payment_the_provider_never_had_is_abandoned(provider: FakeProvider, now: datetime, error: Exception) -> None:
    order = hold(now=now)
    provider.fail_next("create_intent")
    with pytest.raises(GatewayUnavailable):
        start(order)
    provider.fail_next("create_intent", error=error)

    assert expiry.expire_order(order.pk, now=now + OVER)

    assert Payment.objects.get().status == Payment.Status.CANCELLED


def test_an_order_that_is_not_overdue_is_left_alone(provider: FakeProvider, now: datetime) -> None:
    order = hold(now=now)
    start(order)

    assert not expiry.expire_order(order.pk, now=now)

    assert fresh(order).status == Order.Status.PENDING


def test_a_still_open_intent_is_not_taken_for_closed(
    provider: FakeProvider, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = hold(now=now)
    start(order)

    def leave_open(intent_id: str, *, key: str) -> object:
        return provider.intents[intent_id]

    monkeypatch.setattr(provider, "cancel_intent", leave_open)

    assert not expiry.expire_order(order.pk, now=now + OVER)


def test_an_extension_gives_ten_minutes_once(provider: FakeProvider, now: datetime) -> None:
    order = hold(now=now)

    extended = orders.extend_hold(order.pk, now=now + timedelta(minutes=14))

    assert extended.expires_at == now + timedelta(minutes=25)
    held = order.ticket_reservations.get()
    assert (held.expires_at, held.extended_at) == (extended.expires_at, now + timedelta(minutes=14))
    with pytest.raises(AlreadyExtended):
        orders.extend_hold(order.pk, now=now + timedelta(minutes=15))


def test_no_extension_after_the_end(provider: FakeProvider, now: datetime) -> None:
    order = hold(now=now)

    with pytest.raises(OrderExpired):
        orders.extend_hold(order.pk, now=now + timedelta(minutes=15))


def test_a_guest_may_let_go(provider: FakeProvider, now: datetime) -> None:
    type_ = TicketTypeFactory.create()
    order = hold(type_)
    payment = start(order)

    expiry.cancel_order(order.pk, now=now)

    assert fresh(order).status == Order.Status.CANCELLED
    assert provider.intents[intent_of(payment)].status is IntentStatus.CANCELLED
    type_.refresh_from_db()
    assert type_.held == 0
    with pytest.raises(OrderClosed):
        expiry.cancel_order(order.pk, now=now)
    with pytest.raises(OrderClosed):
        orders.extend_hold(order.pk, now=now)


def test_a_guest_who_paid_cannot_let_go(provider: FakeProvider, now: datetime) -> None:
    order = hold()
    pay(provider, order)

    with pytest.raises(AlreadyPaid):
        expiry.cancel_order(order.pk, now=now)
    assert fresh(order).status == Order.Status.PAID
    with pytest.raises(AlreadyPaid):
        expiry.cancel_order(order.pk, now=now)


def test_nothing_is_extended_that_is_paid(provider: FakeProvider, now: datetime) -> None:
    with pytest.raises(AlreadyPaid):
        orders.extend_hold(buy(provider).pk, now=now)


def test_an_overdue_hold_never_turns_a_living_guest_away(provider: FakeProvider, now: datetime) -> None:
    type_ = TicketTypeFactory.create(capacity=2)
    dead = hold(type_, quantity=2, now=now - OVER)
    start_of_dead = Payment.objects.create(
        order=dead,
        provider="stripe",
        idempotency_key="k",
        amount_cents=dead.total_cents,
        currency="usd",
        created_at=now,
    )
    assert start_of_dead.is_live

    living = hold(type_, quantity=2)

    assert living.status == Order.Status.PENDING
    assert fresh(dead).status == Order.Status.EXPIRED
