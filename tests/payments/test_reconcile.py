from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from payments import reconcile, retrying
from payments.exceptions import GatewayUnavailable
from payments.gateways.types import DisputeStatus, IntentStatus, RefundStatus
from payments.models import Order, Payment, PaymentFailure, ReconcileRun, Refund, WebhookEvent
from tests.buying import buy, fresh, hold, intent_of, pay, start
from tests.fakes import FakeProvider
from tickets.models import Ticket

pytestmark = pytest.mark.django_db(transaction=True)


def run(now: datetime, *, minutes: float = 1) -> ReconcileRun:
    moment = now + timedelta(minutes=minutes)
    done = reconcile.reconcile("stripe", now=moment)
    retrying.run_due(now=moment + timedelta(seconds=1))
    return done


def test_with_every_webhook_dropped_every_paid_order_is_whole_after_one_run(
    provider: FakeProvider, now: datetime
) -> None:
    orders = [hold(quantity=2) for _ in range(5)]
    for order in orders:
        pay(provider, order)

    found = run(now)

    assert [fresh(order).status for order in orders] == [Order.Status.FULFILLED] * 5
    assert Ticket.objects.count() == 10
    assert (found.seen, found.fed) == (5, 5)
    assert WebhookEvent.objects.filter(event_id__startswith="reconcile:").count() == 5


def test_a_second_run_finds_nothing_missing(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)
    provider.add_refund(intent_of(order.payments.get()), 100)
    provider.dispute(intent_of(order.payments.get()))
    run(now)

    assert run(now, minutes=2).fed == 0


def test_refunds_and_disputes_nobody_told_us_of_are_found(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)
    intent_id = intent_of(order.payments.get())
    provider.add_refund(intent_id, order.total_cents)
    provider.dispute(intent_id)

    run(now)
    assert fresh(order).status == Order.Status.REFUNDED
    assert fresh(order).disputed_at is not None
    provider.dispute(intent_id, status=DisputeStatus.WON)
    provider.settle_refund("re_1", RefundStatus.FAILED)
    run(now, minutes=2)

    assert Refund.objects.get().status == Refund.Status.FAILED
    assert PaymentFailure.objects.get(category="dispute").resolved
    assert fresh(order).disputed_at is None


def test_a_decline_and_a_cancelled_intent_nobody_told_us_of_are_found(provider: FakeProvider, now: datetime) -> None:
    declined, cancelled = start(hold()), start(hold())
    provider.decline(intent_of(declined))
    provider.set_status(intent_of(cancelled), IntentStatus.CANCELLED)

    run(now)

    assert PaymentFailure.objects.get().category == "declined"
    cancelled.refresh_from_db()
    assert cancelled.status == Payment.Status.CANCELLED


def test_money_that_is_not_ours_is_left_alone(provider: FakeProvider, now: datetime) -> None:
    payment = pay(provider, hold())
    stray = provider.intents[intent_of(payment)]
    provider.intents = {"pi_x": type(stray)("pi_x", stray.status, 100, 100, "usd", "")}
    provider.add_refund("pi_x", 50)
    provider.dispute("pi_x")

    assert run(now).fed == 0


def test_money_with_our_mark_and_no_payment_is_told_once(provider: FakeProvider, now: datetime) -> None:
    payment = pay(provider, hold())
    stray = provider.intents[intent_of(payment)]
    mark = "2f1f36f0-7a4c-4b1c-9d0a-000000000000"
    provider.intents = {"pi_x": type(stray)("pi_x", stray.status, 100, 100, "usd", mark)}

    assert (run(now).fed, run(now, minutes=2).fed) == (1, 0)
    assert PaymentFailure.objects.get().category == "unknown_payment"


def test_refunds_on_their_way_or_failed_before_we_knew_are_not_missing(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)
    provider.refunds_start_as = RefundStatus.PENDING
    provider.add_refund(intent_of(order.payments.get()), 100)
    assert run(now).fed == 1
    provider.refunds_start_as = RefundStatus.FAILED
    provider.add_refund(intent_of(order.payments.get()), 100)

    assert run(now, minutes=2).fed == 0


def test_a_run_that_was_cut_off_is_begun_again_where_it_began(provider: FakeProvider, now: datetime) -> None:
    good = run(now)
    provider.fail_next("list_hints")

    with pytest.raises(GatewayUnavailable):
        run(now, minutes=60)
    after = run(now, minutes=120)

    assert good.since == good.started_at - timedelta(days=30)
    assert after.since == good.started_at - timedelta(hours=2)


def test_money_the_provider_does_not_know_calls_for_a_person_once(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)
    intent_id = intent_of(order.payments.get())
    del provider.intents[intent_id]

    reconcile.reconcile("stripe", now=now, since=now - timedelta(hours=1))
    assert not PaymentFailure.objects.exists()  # so young a payment may have been missed by the page
    for minutes in (10, 20):
        reconcile.reconcile("stripe", now=now + timedelta(minutes=minutes), since=now - timedelta(hours=1))

    failure = PaymentFailure.objects.get()
    assert (failure.error_code, failure.severity) == ("books_differ", "critical")
    assert intent_id in failure.error_message


def test_an_amount_that_differs_between_the_books_calls_for_a_person(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)
    intent_id = intent_of(order.payments.get())
    provider.intents[intent_id] = replace(provider.intents[intent_id], received_cents=1)

    found = run(now)

    assert found.fed == 0
    assert "took 1 cents" in PaymentFailure.objects.get().error_message


def test_a_payment_made_before_the_window_is_not_missed_in_it(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)
    del provider.intents[intent_of(order.payments.get())]

    reconcile.reconcile("stripe", now=now + timedelta(hours=3), since=now + timedelta(hours=1))

    assert not PaymentFailure.objects.exists()


def test_two_books_that_differ_say_how(provider: FakeProvider, now: datetime) -> None:
    known, unknown = buy(provider), hold()
    intent = provider.intents[intent_of(known.payments.get())]
    provider.intents[intent.id] = replace(intent, received_cents=intent.received_cents + 1)
    pay(provider, unknown)

    said = [str(found) for found in reconcile.compare("stripe", since=now - timedelta(days=1), now=now) if found]

    assert said == [
        f"The provider took {intent.received_cents + 1} cents for {known.payments.get()}, "
        f"our books say {intent.received_cents}.",
        "payment_intent.succeeded: our books do not have it so.",
    ]
