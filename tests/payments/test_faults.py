"""Faults from outside: clocks, secrets, disks, and two of what should be one."""

from datetime import datetime, timedelta

import pytest
import time_machine
from celery import current_app
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from payments import reconcile, refunds, retrying
from payments.models import Email, Fulfilment, Order, PaymentFailure, Refund, WebhookEvent
from tests.buying import DOOR, fresh, hold, intent_of, knock, pay, start
from tests.factories.tickets import TicketTypeFactory
from tests.fakes import FakeProvider, event_body, intent_object, sign
from tests.threads import all_at_once
from tickets.exceptions import SoldOut
from tickets.models import Ticket

pytestmark = pytest.mark.django_db(transaction=True)


def success_of(provider: FakeProvider, order: Order) -> bytes:
    """Pay for an order, and return the event that says so."""
    payment = pay(provider, order)
    return event_body("payment_intent.succeeded", intent_object(provider.intents[intent_of(payment)]))


@pytest.mark.parametrize(("hours", "answer", "status"), [(-1, 200, "paid"), (1, 400, "pending")])
def test_a_web_server_whose_clock_is_an_hour_off_loses_no_money(
    provider: FakeProvider, hours: int, answer: int, status: str
) -> None:
    """Stripe's signature is too old by a fast clock: what was refused is found by reconciliation."""
    body = success_of(provider, hold())
    signed = sign(body)

    with time_machine.travel(timezone.now() + timedelta(hours=hours)):
        assert knock(body, signature=signed) == answer
    assert fresh(Order.objects.get()).status == status
    reconcile.reconcile("stripe", now=timezone.now())
    retrying.run_due(now=timezone.now() + timedelta(seconds=1))

    assert fresh(Order.objects.get()).status == Order.Status.FULFILLED


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_worker_whose_clock_is_an_hour_off_still_delivers(provider: FakeProvider, hours: int) -> None:
    assert knock(success_of(provider, hold())) == 200

    for minutes in (0, 70):
        retrying.run_due(now=timezone.now() + timedelta(hours=hours, minutes=minutes))

    assert fresh(Order.objects.get()).status == Order.Status.FULFILLED
    assert Ticket.objects.count() == 2


def test_a_wrong_secret_deployed_for_an_hour_costs_nothing(provider: FakeProvider, settings: Settings) -> None:
    body = success_of(provider, hold())
    right = settings.STRIPE_WEBHOOK_SECRETS
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_somebody_elses"]
    assert knock(body) == 400
    assert not WebhookEvent.objects.exists()

    settings.STRIPE_WEBHOOK_SECRETS = right

    assert knock(body) == 200
    assert fresh(Order.objects.get()).status == Order.Status.PAID


def test_a_database_that_can_only_be_read_makes_stripe_send_it_again(provider: FakeProvider) -> None:
    body = success_of(provider, hold())
    client = Client(raise_request_exception=False)

    def deliver() -> int:
        signed = {"Stripe-Signature": sign(body)}
        return client.post(DOOR, data=body, content_type="application/json", headers=signed).status_code

    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    refused = deliver()
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = off")

    assert (refused, deliver()) == (500, 200)
    assert fresh(Order.objects.get()).status == Order.Status.PAID


def test_two_sweepers_at_once_wake_nothing_twice(
    provider: FakeProvider, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(20):
        assert knock(success_of(provider, hold(TicketTypeFactory.create()))) == 200
    sent: list[object] = []
    monkeypatch.setattr(current_app, "send_task", lambda *_, args, **__: sent.extend(args[1:]))

    all_at_once(4, lambda _: retrying.sweep(now=now + timedelta(minutes=1)))
    woken = set(sent)
    all_at_once(4, lambda _: retrying.run_due(now=now + timedelta(minutes=1)))

    assert len(woken) == 20
    assert Ticket.objects.count() == 40
    assert set(Fulfilment.objects.values_list("attempts", flat=True)) == {1}
    assert Email.objects.count() == 20


def test_the_last_ticket_is_sold_once_to_fifty_buyers(provider: FakeProvider) -> None:
    for _ in range(5):
        type_ = TicketTypeFactory.create(capacity=1)

        answers = all_at_once(50, lambda _, type_=type_: hold(type_, quantity=1))

        assert sum(isinstance(answer, Order) for answer in answers) == 1
        assert sum(isinstance(answer, SoldOut) for answer in answers) == 49


def test_a_purge_gone_wrong_cannot_forget_what_is_young_or_owed(provider: FakeProvider, now: datetime) -> None:
    assert knock(success_of(provider, hold())) == 200

    with pytest.raises(DatabaseError, match="Cannot delete rows from webhook_events"):
        WebhookEvent.objects.all().delete()

    assert WebhookEvent.objects.count() == 1


def test_money_sequences_add_up_to_the_cent(provider: FakeProvider, now: datetime) -> None:
    """A refund of one ticket, part of the rest in the dashboard, a dispute, and then all that is left."""
    order = hold(quantity=3)
    assert knock(success_of(provider, order)) == 200
    retrying.run_due(now=now + timedelta(minutes=1))
    ticket, payment = order.tickets.get(position=1), order.payments.get()

    refunds.refund_goods(order.pk, [ticket.pk], reason=Refund.Reason.OWNER, now=now)
    retrying.run_due(now=now + timedelta(minutes=2))
    provider.add_refund(intent_of(payment), 1000)
    provider.dispute(intent_of(payment))
    for minute in (3, 4):
        reconcile.reconcile("stripe", now=now + timedelta(minutes=minute))
        retrying.run_due(now=now + timedelta(minutes=minute))
    [rest] = refunds.refund_order(order.pk, reason=Refund.Reason.OWNER, cause="all", now=now)
    retrying.run_due(now=now + timedelta(minutes=5))

    assert (rest.amount_cents, sum(refund.amount_cents for refund in provider.refunds.values())) == (4600, 8400)
    assert fresh(order).status == Order.Status.REFUNDED
    assert PaymentFailure.objects.filter(category="dispute").count() == 1
    assert set(order.tickets.values_list("status", flat=True)) == {"void"}


def test_an_event_of_a_stranger_is_kept_and_changes_nothing(provider: FakeProvider) -> None:
    order = hold()
    start(order)
    foreign = {"id": "pi_foreign", "object": "payment_intent", "status": "succeeded", "amount": 1, "metadata": {}}

    assert knock(event_body("payment_intent.succeeded", {**foreign, "amount_received": 1, "currency": "usd"})) == 200

    assert WebhookEvent.objects.get().status == WebhookEvent.Status.PROCESSED
    assert fresh(order).status == Order.Status.PENDING
