from datetime import datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from payments import checkout, tasks
from payments.management.commands.reconcile import moment
from payments.models import Fulfilment, Order, ReconcileRun, WebhookEvent
from tests.buying import fresh, hold, pay
from tests.fakes import FakeProvider

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_wake_up_does_the_work_and_four_do_it_once(provider: FakeProvider, now: datetime) -> None:
    order = hold()
    pay(provider, order)
    checkout.ask_provider(order, now=now)
    promised = Fulfilment.objects.get()

    for _ in range(4):
        tasks.run("fulfilment", str(promised.pk))

    assert fresh(order).status == Order.Status.FULFILLED
    assert order.tickets.count() == 2


def test_beats_tasks_do_their_one_call(provider: FakeProvider, now: datetime) -> None:
    overdue = hold(now=now - timedelta(minutes=20))
    paid = hold()
    pay(provider, paid)
    WebhookEvent.objects.create(
        provider="stripe",
        event_id="evt_old",
        type="t",
        payload={},
        status="processed",
        received_at=now - timedelta(days=31),
        processed_at=now - timedelta(days=31),
    )

    tasks.expire_holds()
    tasks.reconcile_stripe()
    tasks.purge_records()
    tasks.sweep()

    assert fresh(overdue).status == Order.Status.EXPIRED
    assert fresh(paid).status == Order.Status.PAID
    assert not WebhookEvent.objects.filter(event_id="evt_old").exists()


def test_the_reconcile_command_says_what_it_found(
    provider: FakeProvider, now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    pay(provider, hold())

    call_command("reconcile", "--since", (now - timedelta(days=1)).isoformat())

    assert "1 seen since" in capsys.readouterr().out
    assert ReconcileRun.objects.get().fed == 1


def test_the_reconcile_command_says_when_the_provider_is_away(provider: FakeProvider) -> None:
    provider.fail_next("list_hints")

    with pytest.raises(CommandError, match="does not answer"):
        call_command("reconcile")


def test_a_moment_without_an_offset_is_the_venues() -> None:
    assert moment("2026-11-20T21:00").utcoffset() == timedelta(hours=-5)
    assert moment("2026-11-20T21:00Z").utcoffset() == timedelta(0)
    with pytest.raises(ValueError, match="yesterday"):
        moment("yesterday")
