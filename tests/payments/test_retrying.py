import random
import socket
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from celery import current_app
from django.conf import settings
from pytest_django.fixtures import Settings

from payments import checkout, fulfilment, mail, messenger, retrying, wake
from payments.models import Email, Fulfilment, PaymentFailure
from tests.buying import hold, pay, tell
from tests.factories.tickets import TicketTypeFactory
from tests.fakes import FakeProvider

pytestmark = pytest.mark.django_db(transaction=True)


def paid(provider: FakeProvider, now: datetime) -> Fulfilment:
    order = hold()
    pay(provider, order)
    checkout.ask_provider(order, now=now)
    return Fulfilment.objects.get(order=order)


def break_fulfilment(promised: Fulfilment) -> None:
    promised.order.ticket_reservations.update(status="released")


def test_the_schedule_is_the_policys(monkeypatch: pytest.MonkeyPatch) -> None:
    def mean(low: float, high: float) -> float:
        return (low + high) / 2

    monkeypatch.setattr(random, "uniform", mean)

    assert [retrying.delay_after(tries) for tries in range(1, 7)] == [
        timedelta(seconds=2),
        timedelta(seconds=10),
        timedelta(minutes=1),
        timedelta(minutes=5),
        timedelta(minutes=15),
        None,
    ]


def test_the_jitter_is_full() -> None:
    delays = [retrying.delay_after(2) for _ in range(500)]
    seconds = [delay.total_seconds() for delay in delays if delay]

    assert 0 <= min(seconds) < 2
    assert 18 < max(seconds) <= 20


def test_settings_may_change_the_policy(settings: Settings) -> None:
    settings.RETRY_DELAYS_SECONDS = [1]

    assert retrying.tries_allowed() == 2
    assert retrying.delay_after(2) is None


def test_work_is_tried_when_due_and_not_before(provider: FakeProvider, now: datetime) -> None:
    promised = paid(provider, now)
    break_fulfilment(promised)

    retrying.attempt("fulfilment", promised.pk, now=now)
    promised.refresh_from_db()

    assert promised.attempts == 1
    assert promised.next_attempt_at is not None
    assert now <= promised.next_attempt_at <= now + timedelta(seconds=4)
    assert promised.last_error.startswith("FulfilmentFailed: ")
    assert not retrying.attempt("fulfilment", promised.pk, now=now - timedelta(seconds=1))
    promised.refresh_from_db()
    assert promised.attempts == 1


def test_a_killed_workers_work_returns_when_its_lease_ends(provider: FakeProvider, now: datetime) -> None:
    promised = paid(provider, now)
    work = retrying._kinds["fulfilment"]

    assert retrying.claim(work, promised.pk, now=now) is not None
    assert retrying.claim(work, promised.pk, now=now + timedelta(seconds=59)) is None
    assert retrying.attempt("fulfilment", promised.pk, now=now + timedelta(seconds=60))


def test_work_that_kills_every_worker_runs_out_of_tries(provider: FakeProvider, now: datetime) -> None:
    promised = paid(provider, now)
    work = retrying._kinds["fulfilment"]
    for minute in range(6):
        assert retrying.claim(work, promised.pk, now=now + timedelta(minutes=minute * 2)) is not None

    assert not retrying.attempt("fulfilment", promised.pk, now=now + timedelta(hours=1))

    promised.refresh_from_db()
    assert promised.next_attempt_at is None
    assert promised.last_error == "The worker died during every try."
    assert PaymentFailure.objects.get().category == "fulfilment"


def test_the_sweeper_wakes_what_is_due(provider: FakeProvider, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    promised = paid(provider, now)
    woken: list[object] = []

    def hear(kind: str, *pks: object, queue: str) -> bool:
        woken.append((kind, pks, queue))
        return True

    monkeypatch.setattr(retrying, "publish", hear)

    assert retrying.sweep(now=now - timedelta(seconds=1)) == 0
    assert retrying.sweep(now=now + timedelta(seconds=1)) == 1
    assert woken == [("fulfilment", (promised.pk,), "money")]


def test_a_broker_that_is_away_is_left_to_the_next_sweep(
    provider: FakeProvider, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid(provider, now)

    def refuse(*_: object, **__: object) -> None:
        raise OSError("connection refused")

    monkeypatch.setattr(current_app, "send_task", refuse)

    assert retrying.sweep(now=now + timedelta(seconds=1)) == 0
    assert retrying.run_due(now=now + timedelta(seconds=1)) == 2  # the tickets, then their mail


def test_a_payment_succeeds_while_the_broker_is_away(
    provider: FakeProvider, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("connection refused")

    monkeypatch.setattr(current_app, "send_task", refuse)

    promised = paid(provider, now)

    assert fulfilment.try_now(promised.order, now=now)


def test_a_failure_that_comes_after_the_work_was_done_is_not_kept(provider: FakeProvider, now: datetime) -> None:
    promised = paid(provider, now)
    fulfilment.try_now(promised.order, now=now)

    retrying.record_failure(retrying._kinds["fulfilment"], promised.pk, "too late", now=now)

    promised.refresh_from_db()
    assert promised.last_error == ""


def test_nothing_is_started_afresh_that_is_not_owed(provider: FakeProvider, now: datetime) -> None:
    promised = paid(provider, now)
    fulfilment.try_now(promised.order, now=now)

    assert not fulfilment.retry(promised.order, now=now)
    assert not fulfilment.try_now(promised.order, now=now)


def test_work_that_is_not_there_is_not_started(now: datetime) -> None:
    assert not retrying.start_afresh("fulfilment", uuid4(), now=now)


def test_a_mail_that_cannot_be_sent_tells_the_owner(
    provider: FakeProvider, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(email: Email) -> object:
        raise OSError("no mail server")

    monkeypatch.setitem(mail._writers, "tickets_ready", refuse)
    promised = paid(provider, now)
    fulfilment.try_now(promised.order, now=now)
    for hour in range(7):
        retrying.run_due(now=now + timedelta(hours=hour + 1))

    failure = PaymentFailure.objects.get()
    assert (failure.error_code, failure.severity) == ("email_failed", "warning")
    assert Email.objects.get().sent_at is None


@pytest.fixture
def silent_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put a broker in place that takes every connection and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        web = {**settings.CELERY_BROKER_TRANSPORT_OPTIONS, "socket_timeout": 0.3}
        monkeypatch.setitem(current_app.conf, "broker_transport_options", web)
        monkeypatch.setitem(current_app.conf, "broker_write_url", f"redis://127.0.0.1:{listener.getsockname()[1]}/0")
        monkeypatch.setattr(current_app.amqp, "_producer_pool", None)
        yield
        current_app.amqp.producer_pool.force_close_all()


def test_a_silent_broker_keeps_no_delivery_waiting(provider: FakeProvider, now: datetime, silent_broker: None) -> None:
    payments = [pay(provider, hold(TicketTypeFactory.create())) for _ in range(3)]
    waits = []

    for payment in payments:
        began = time.monotonic()
        assert tell(provider, payment, "payment_intent.succeeded") == 200
        waits.append(time.monotonic() - began)

    assert max(waits) < 1
    assert messenger.wait(5)
    assert wake.pause.is_on()
    assert retrying.run_due(now=now + timedelta(minutes=1)) == 6  # three orders, then their mail


def test_a_broker_that_was_silent_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    wake.pause.begin()
    assert not wake.publish("fulfilment", uuid4(), queue="nobody")

    wake.pause.until -= wake.PAUSE_SECONDS

    assert wake.publish("fulfilment", uuid4(), queue="nobody")
