"""Calls to providers a day later: the provider has forgotten the key, and nothing is done twice."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from payments import checkout, gateways, provider_calls, refunds, retrying
from payments.exceptions import GatewayUnavailable, KeyMismatch
from payments.gateways import stripe as stripe_gateway
from payments.models import Payment, ProviderCall, Refund
from payments.sandbox.testing import Sandbox
from tests.buying import buy, clock, come_back, hold, intent_of, start
from tests.factories.tickets import TicketTypeFactory
from tests.fakes import FakeProvider

pytestmark = pytest.mark.django_db(transaction=True)
LATER = timedelta(days=2)


@pytest.fixture
def now() -> datetime:
    return clock()


def forget(provider: FakeProvider) -> None:
    provider.keys.clear()


def owed_refund(provider: FakeProvider, now: datetime) -> Refund:
    order = buy(provider, TicketTypeFactory.create(capacity=10), quantity=3)
    return refunds.refund_goods(order.pk, [order.tickets.get(position=1).pk], reason=Refund.Reason.OWNER, now=now)


def test_a_refund_whose_answer_was_lost_days_ago_is_found_not_sent_again(provider: FakeProvider, now: datetime) -> None:
    refund = owed_refund(provider, now)
    provider.fail_next("refund", after=True)
    with pytest.raises(GatewayUnavailable):
        refunds.send_refund(refund.pk, now)
    forget(provider)

    refunds.send_refund(refund.pk, now + LATER)

    assert [sent.amount_cents for sent in provider.refunds.values()] == [2800]
    refund.refresh_from_db()
    assert (refund.status, refund.external_refund_id) == ("succeeded", next(iter(provider.refunds)))
    call = ProviderCall.objects.get(operation_type="refund")
    assert (call.state, call.resource_id) == ("succeeded", refund.external_refund_id)


def test_a_refund_that_never_arrived_is_sent_days_later_under_its_own_key(
    provider: FakeProvider, now: datetime
) -> None:
    refund = owed_refund(provider, now)
    provider.fail_next("refund")
    with pytest.raises(GatewayUnavailable):
        refunds.send_refund(refund.pk, now)
    key = ProviderCall.objects.get(operation_type="refund").key
    forget(provider)

    refunds.send_refund(refund.pk, now + LATER)

    assert list(provider.keys) == [key]
    assert [sent.amount_cents for sent in provider.refunds.values()] == [2800]


def test_a_refusal_after_a_lost_answer_does_not_hide_what_happened(provider: FakeProvider, now: datetime) -> None:
    refund = owed_refund(provider, now)
    provider.fail_next("refund", after=True)
    with pytest.raises(GatewayUnavailable):
        refunds.send_refund(refund.pk, now)
    ProviderCall.objects.filter(operation_type="refund").update(state="failed")
    forget(provider)

    refunds.send_refund(refund.pk, now + LATER)

    assert len(provider.refunds) == 1


def test_within_a_day_the_key_alone_is_trusted(provider: FakeProvider, now: datetime) -> None:
    refund = owed_refund(provider, now)
    provider.fail_next("refund", after=True)
    with pytest.raises(GatewayUnavailable):
        refunds.send_refund(refund.pk, now)

    refunds.send_refund(refund.pk, now + timedelta(hours=22))

    assert "list_refunds" not in provider.calls
    assert len(provider.refunds) == 1


@pytest.mark.parametrize(("mode", "looked"), [("elements", "find_intent"), ("checkout", "find_session")])
def test_a_payment_whose_answer_was_lost_days_ago_is_found_and_closed(
    provider: FakeProvider, now: datetime, mode: str, looked: str
) -> None:
    order = hold()
    provider.fail_next("create_intent" if mode == "elements" else "create_session", after=True)
    with pytest.raises(GatewayUnavailable):
        start(order, mode=mode)
    forget(provider)

    closed = checkout.close_payment(Payment.objects.select_related("order").get(), now=now + LATER)

    assert closed.status == "cancelled"
    assert looked in provider.calls
    assert len(provider.intents) + len(provider.sessions) == 1


def test_a_key_sent_with_other_parameters_is_counted_and_shown(provider: FakeProvider, now: datetime) -> None:
    def differ(key: str) -> Refund:
        raise KeyMismatch("other parameters")

    with pytest.raises(KeyMismatch):
        provider_calls.send("refund", "one", differ, now=now)

    call = ProviderCall.objects.get()
    assert (call.state, call.mismatches, call.uses) == ("unknown", 1, 1)
    console = Client()
    console.force_login(User.objects.create_superuser("owner"))
    page = reverse("admin:payments_providercall_changelist")
    assert str(call.pk) in console.get(page, {"mismatch": "yes"}).content.decode()
    ProviderCall.objects.update(mismatches=0)
    assert str(call.pk) not in console.get(page, {"mismatch": "yes"}).content.decode()


# --- against the sandbox, through the real SDK ----------------------------------------------------


def test_stripe_is_asked_by_our_own_id(sandbox: Sandbox, now: datetime) -> None:
    gateway = gateways.for_provider("stripe")
    paying = start(hold())
    hosted = start(hold(), mode="checkout")

    intent = gateway.find_intent(str(paying.pk), since=now)
    session = gateway.find_session(str(hosted.pk), since=now)

    assert intent is not None
    assert session is not None
    assert (intent.id, session.id) == (paying.external_payment_id, hosted.external_session_id)
    assert gateway.find_intent("nobody", since=now) is None
    assert gateway.find_session("nobody", since=now) is None


def test_stripe_says_when_a_key_comes_with_other_parameters(sandbox: Sandbox, now: datetime) -> None:
    payment = start(hold())
    call = ProviderCall.objects.get(operation_id=str(payment.pk))
    client = stripe_gateway.client()

    with pytest.raises(KeyMismatch):
        stripe_gateway.ask(
            lambda: client.v1.payment_intents.create({"amount": 100, "currency": "usd"}, {"idempotency_key": call.key})
        )


def test_days_later_by_both_clocks_stripe_is_asked_what_became_of_a_refund(sandbox: Sandbox, now: datetime) -> None:
    order = hold(quantity=3)
    payment = start(order)
    sandbox.pay(intent_of(payment))
    come_back(order)
    ticket = order.tickets.get(position=1)
    refund = refunds.refund_goods(order.pk, [ticket.pk], reason=Refund.Reason.OWNER, now=now)
    gateway = gateways.for_provider("stripe")
    key = provider_calls.commit_promise("refund", str(refund.pk), now=now).key
    gateway.refund(intent_of(payment), amount_cents=2800, refund_ref=str(refund.pk), key=key)  # its answer is lost
    sandbox.advance(LATER.total_seconds())

    refunds.send_refund(refund.pk, now + LATER)

    assert [found.amount_cents for found in gateway.list_refunds(intent_of(payment))] == [2800]
    refund.refresh_from_db()
    assert refund.status in {"submitted", "succeeded"}


def test_the_sweeper_finds_it_too(provider: FakeProvider, now: datetime) -> None:
    refund = owed_refund(provider, now)
    provider.fail_next("refund", after=True)
    retrying.run_due(now=now)
    forget(provider)

    retrying.run_due(now=now + LATER)

    refund.refresh_from_db()
    assert (refund.status, len(provider.refunds)) == ("succeeded", 1)
