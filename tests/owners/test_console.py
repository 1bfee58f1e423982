from datetime import datetime, timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from owners import alerts, resolving
from owners.models import Alert, OwnerAssignment
from payments import checkout, retrying
from payments.models import Fulfilment, Order, PaymentFailure, Refund, WebhookEvent
from tests.buying import buy, fresh, hold, pay, tell
from tests.factories.tickets import EventFactory
from tests.factories.vip import buy_table
from tests.fakes import FakeProvider

pytestmark = pytest.mark.django_db(transaction=True)

OURS = ("payments", "tickets", "vip", "owners")


@pytest.fixture
def owner() -> User:
    user = User.objects.create_superuser("owner", "owner@example.com", "maguey")
    OwnerAssignment.objects.create(user=user, role="owner")
    return user


@pytest.fixture
def console(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def given_up(provider: FakeProvider, now: datetime) -> Order:
    order = hold()
    order.ticket_reservations.update(status="released")
    pay(provider, order)
    checkout.ask_provider(order, now=now)
    for hour in range(6):
        retrying.attempt("fulfilment", order.fulfilment.pk, now=now + timedelta(hours=hour))
    order.ticket_reservations.update(status="pending")
    return order


def act(console: Client, model: str, action: str, *pks: object, **beside: str) -> str:
    answer = console.post(
        reverse(f"admin:{model}_changelist"),
        {"action": action, "_selected_action": [str(pk) for pk in pks], **beside},
        follow=True,
    )
    return answer.content.decode()


def test_every_page_of_the_console_opens(provider: FakeProvider, now: datetime, console: Client) -> None:
    given_up(provider, now)
    buy_table(provider)
    tell(provider, buy(provider).payments.get(), "payment_intent.succeeded")

    assert console.get("/admin/").status_code == 200
    for model in admin.site._registry:
        if model._meta.app_label not in OURS:
            continue
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        with CaptureQueriesContext(connection) as asked:
            assert console.get(reverse(f"{name}_changelist") + "?q=ana").status_code == 200, name
        # A filter knows its values: to look for them would read every row there is.
        assert not [one["sql"] for one in asked if "DISTINCT" in one["sql"]], name
        row = model._default_manager.first()
        if row is not None:
            assert console.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200, name


def test_money_is_neither_added_nor_changed_nor_deleted_by_hand(provider: FakeProvider, console: Client) -> None:
    order = buy(provider)

    assert console.get("/admin/payments/order/add/").status_code == 403
    assert console.post(f"/admin/payments/order/{order.pk}/change/", {"total_cents": "1"}).status_code == 403
    assert console.post(f"/admin/payments/order/{order.pk}/delete/", {"post": "yes"}).status_code == 403
    assert console.post(f"/admin/tickets/event/{order.event_id}/delete/", {"post": "yes"}).status_code == 403
    assert fresh(order).total_cents == order.total_cents


def test_an_owner_starts_a_fulfilment_afresh(provider: FakeProvider, now: datetime, console: Client) -> None:
    order = given_up(provider, now)
    failure = PaymentFailure.objects.get(category="fulfilment")

    assert "Started afresh: 1." in act(console, "payments_paymentfailure", "retry_fulfilment", failure.pk)
    retrying.run_due(now=now + timedelta(days=1))
    assert fresh(order).status == Order.Status.FULFILLED
    assert "Started afresh: 0." in act(console, "payments_order", "retry_fulfilment", order.pk)
    assert Fulfilment.objects.get().round == 2


def test_an_owner_refunds_an_order_once(provider: FakeProvider, now: datetime, console: Client) -> None:
    order = buy(provider)

    assert "On their way back: 1." in act(console, "payments_order", "refund", order.pk)
    assert "On their way back: 0." in act(console, "payments_order", "refund", order.pk)
    retrying.run_due(now=now + timedelta(days=1))

    assert fresh(order).status == Order.Status.REFUNDED
    assert Refund.objects.count() == 1


def test_an_owner_resolves_and_it_is_kept_who_and_when(
    provider: FakeProvider, now: datetime, console: Client, owner: User
) -> None:
    given_up(provider, now)
    failure = PaymentFailure.objects.get(category="fulfilment")

    assert "Say what was done about it" in act(console, "payments_paymentfailure", "resolve", failure.pk)
    assert not PaymentFailure.objects.filter(resolved=True).exists()
    page = act(console, "payments_paymentfailure", "resolve", failure.pk, note="Printed at the door.")
    assert "Resolved: 1." in page

    failure.refresh_from_db()
    assert (failure.resolved, failure.resolved_by, failure.resolution_note) == (True, owner, "Printed at the door.")
    assert not resolving.resolve(failure.pk, user=owner, note="again", now=now)


def test_an_owner_replays_and_acknowledges(provider: FakeProvider, now: datetime, console: Client, owner: User) -> None:
    given_up(provider, now)
    tell(provider, Order.objects.get().payments.get(), "payment_intent.succeeded")

    assert "Replayed: 1." in act(console, "payments_webhookevent", "replay", WebhookEvent.objects.get().pk)
    pks = Alert.objects.values_list("pk", flat=True)
    assert f"Acknowledged: {len(pks)}." in act(console, "owners_alert", "acknowledge", *pks)
    assert set(Alert.objects.values_list("acknowledged_by", flat=True)) == {owner.pk}


def test_a_failure_is_told_once_to_the_owners_of_its_night(
    provider: FakeProvider, now: datetime, owner: User, mailoutbox: list[object]
) -> None:
    other = User.objects.create_user("other", "other@example.com")
    OwnerAssignment.objects.create(user=other, role="owner", event=EventFactory.create())
    order = given_up(provider, now)
    mine = User.objects.create_user("mine", "mine@example.com")
    OwnerAssignment.objects.create(user=mine, role="admin", event=order.event)
    failure = PaymentFailure.objects.get(category="fulfilment")

    alerts.tell(failure, now)
    retrying.run_due(now=now + timedelta(days=1))

    told = Alert.objects.filter(failure=failure).order_by("channel", "recipient")
    assert list(told.values_list("channel", "recipient")) == [
        ("console", ""),
        ("email", "mine@example.com"),
        ("email", "owner@example.com"),
    ]
    assert all(alert.sent_at for alert in told)


def test_a_declined_card_alarms_nobody(provider: FakeProvider) -> None:
    order = hold()
    payment = checkout.start_payment(order.pk, provider="stripe", mode="elements", now=order.created_at)
    provider.decline("pi_1")
    checkout.ask_provider(order, now=order.created_at)

    assert payment.client_secret
    assert PaymentFailure.objects.count() == 1
    assert not Alert.objects.exists()


def test_an_alert_that_cannot_be_sent_stays_in_the_console(
    provider: FakeProvider, now: datetime, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.core.mail import EmailMessage

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no mail server")

    given_up(provider, now)
    monkeypatch.setattr(EmailMessage, "send", refuse)
    for day in range(1, 8):
        retrying.run_due(now=now + timedelta(days=day))

    assert Alert.objects.filter(channel="email", sent_at=None, next_attempt_at=None).exists()
    assert Alert.objects.filter(channel="console", acknowledged_at=None).exists()
