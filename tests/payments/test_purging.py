from datetime import datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from payments import expiry, purging, retrying
from payments.models import IdempotencyKey, Order, WebhookEvent
from tests.buying import buy, come_back, fresh, hold, intent_of, start
from tests.fakes import FakeProvider
from tests.threads import all_at_once

pytestmark = pytest.mark.django_db(transaction=True)


def event(now: datetime, *, days: int, status: str, number: int = 0, owed: bool = False) -> WebhookEvent:
    old = now - timedelta(days=days)
    finished = status in WebhookEvent.FINISHED
    return WebhookEvent.objects.create(
        provider="stripe",
        event_id=f"evt_{status}_{days}_{number}",
        type="payment_intent.succeeded",
        payload={"id": "evt", "type": "t", "data": {"object": {"email": "ana@example.com"}}},
        status=status,
        received_at=old,
        processed_at=old if finished else None,
        next_attempt_at=old if owed else None,
    )


def test_only_what_is_finished_and_old_goes(now: datetime) -> None:
    event(now, days=31, status="processed")
    event(now, days=31, status="ignored")
    kept = [
        event(now, days=29, status="processed"),
        event(now, days=31, status="pending", owed=True),
        event(now, days=31, status="failed", owed=True),
    ]

    assert dict(purging.purge(now=now)) == {"webhook_events": 2}

    assert set(WebhookEvent.objects.all()) == set(kept)


def test_it_goes_in_batches(now: datetime) -> None:
    for number in range(5):
        event(now, days=40, status="processed", number=number)

    assert [count for _, count in purging.purge(now=now, batch=2)] == [2, 2, 1]


def test_what_was_given_up_stays_without_what_it_says_of_people(now: datetime) -> None:
    kept = event(now, days=31, status="failed")

    assert list(purging.purge(now=now)) == [("webhook_events trimmed", 1)]

    kept.refresh_from_db()
    assert kept.payload == {"id": "evt", "type": "t"}


def test_old_idempotency_keys_go(now: datetime) -> None:
    for days in (31, 29):
        IdempotencyKey.objects.create(
            scope="guest",
            key=f"k{days}",
            method="POST",
            path="/",
            fingerprint="f",
            created_at=now - timedelta(days=days),
        )

    list(purging.purge(now=now))

    assert IdempotencyKey.objects.get().key == "k29"


def test_a_second_purge_leaves_the_first_alone(now: datetime) -> None:
    event(now, days=31, status="processed")

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [purging.LOCK])
        [answer] = all_at_once(1, lambda _: list(purging.purge(now=now)))
        cursor.execute("SELECT pg_advisory_unlock(%s)", [purging.LOCK])

    assert answer == []
    assert WebhookEvent.objects.count() == 1


def test_the_command_says_what_went(now: datetime, capsys: pytest.CaptureFixture[str]) -> None:
    event(now, days=31, status="processed")

    call_command("purge_records")
    call_command("purge_records")

    assert capsys.readouterr().out.splitlines() == ["webhook_events: 1", "Nothing to purge."]


def test_a_second_purge_leaves_trimming_alone_too(now: datetime) -> None:
    event(now, days=31, status="failed")

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [purging.LOCK])
        [answer] = all_at_once(1, lambda _: list(purging.purge(now=now)))
        cursor.execute("SELECT pg_advisory_unlock(%s)", [purging.LOCK])

    assert answer == []


def test_released_holds_of_closed_orders_go(provider: FakeProvider, now: datetime) -> None:
    closed, in_doubt, bought = hold(now=now), hold(now=now), buy(provider)
    start(in_doubt, now=now)
    provider.fail_next("cancel_intent")
    for order in (closed, in_doubt):
        assert expiry.expire_order(order.pk, now=now + timedelta(hours=1))

    assert dict(purging.purge(now=now + timedelta(days=40))) == {"ticket_reservations": 1}

    assert [order.ticket_reservations.count() for order in (closed, in_doubt, bought)] == [0, 1, 1]


def test_money_that_comes_after_its_holds_were_purged_goes_back(provider: FakeProvider, now: datetime) -> None:
    order = hold(now=now)
    payment = start(order, now=now)
    provider.fail_next("cancel_intent")
    expiry.expire_order(order.pk, now=now + timedelta(hours=1))
    order.ticket_reservations.all().delete()
    provider.pay(intent_of(payment))

    come_back(order)
    retrying.run_due(now=now + timedelta(minutes=1))

    assert fresh(order).status == Order.Status.REFUNDED
    assert [refund.amount_cents for refund in provider.refunds.values()] == [order.total_cents]
