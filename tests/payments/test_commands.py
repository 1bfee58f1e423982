from datetime import datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from payments import checkout, retrying
from payments.models import Fulfilment, Order, WebhookEvent
from payments.models.order import make_reference
from tests.buying import fresh, hold, pay, tell
from tests.fakes import FakeProvider

pytestmark = pytest.mark.django_db(transaction=True)


def out(capsys: pytest.CaptureFixture[str], name: str, *arguments: str) -> str:
    call_command(name, *arguments)
    return capsys.readouterr().out.strip()


def test_expire_holds(provider: FakeProvider, now: datetime, capsys: pytest.CaptureFixture[str]) -> None:
    hold(now=now - timedelta(minutes=20))

    assert out(capsys, "expire_holds") == "1 holds ended."
    assert out(capsys, "expire_holds") == "0 holds ended."


def test_sweep_wakes_or_does(provider: FakeProvider, now: datetime, capsys: pytest.CaptureFixture[str]) -> None:
    order = hold()
    pay(provider, order)
    checkout.ask_provider(order, now=now)

    assert out(capsys, "sweep") == "1 woken."
    assert out(capsys, "sweep", "--here").endswith("done.")
    assert fresh(order).status == Order.Status.FULFILLED


def test_no_reference_is_taken_for_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["-wise", "other-wise"])
    monkeypatch.setattr("secrets.token_urlsafe", lambda _: next(drawn))

    assert make_reference() == "other-wise"


def test_retry_fulfilment(provider: FakeProvider, now: datetime, capsys: pytest.CaptureFixture[str]) -> None:
    order = hold()
    pay(provider, order)
    checkout.ask_provider(order, now=now)
    Fulfilment.objects.update(attempts=6, next_attempt_at=None, given_up_at=now)

    order.ticket_reservations.update(status="released")
    assert "will be tried again" in out(capsys, "retry_fulfilment", "--all")
    order.ticket_reservations.update(status="pending")
    assert out(capsys, "retry_fulfilment", order.reference) == f"{order.reference}: delivered"
    with pytest.raises(CommandError, match="Nothing is owed"):
        call_command("retry_fulfilment", order.reference)


def test_replay_webhook(provider: FakeProvider, now: datetime, capsys: pytest.CaptureFixture[str]) -> None:
    order = hold()
    payment = pay(provider, order)
    tell(provider, payment, "payment_intent.succeeded", event_id="evt_1")
    retrying.run_due(now=now + timedelta(seconds=5))

    assert out(capsys, "replay_webhook", "evt_1") == "evt_1: processed"
    assert WebhookEvent.objects.count() == 1
    with pytest.raises(CommandError, match="no event"):
        call_command("replay_webhook", "evt_9")
