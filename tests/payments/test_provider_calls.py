"""Calls to providers a day later: the provider has forgotten the key, and nothing is done twice."""

import ast
import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from payments import checkout, gateways, provider_calls, refunds, retrying
from payments.exceptions import (
    AlreadyPaid,
    GatewayRefused,
    GatewayUnavailable,
    KeyMismatch,
    PaymentInProgress,
    SavedServerError,
)
from payments.gateways import stripe as stripe_gateway
from payments.gateways.types import IntentStatus, SessionStatus
from payments.models import Payment, ProviderCall, Refund
from payments.sandbox.testing import Sandbox
from tests.buying import buy, clock, come_back, hold, intent_of, start
from tests.factories.tickets import TicketTypeFactory
from tests.fakes import FakeProvider

pytestmark = pytest.mark.django_db(transaction=True)
LATER = timedelta(days=2)
# Whatever the SDK offers that is no reading.
SDK_CALL = re.compile(r"\.v1\.[a-z_.]+\.(?!retrieve\b|list\b)[a-z_]+\(")
PRODUCT = [
    path
    for room in ("payments", "tickets", "vip", "owners", "maguey")
    for path in (Path(settings.BASE_DIR) / room).rglob("*.py")
    if not {"sandbox", "demo"} & set(path.parts)  # the stand-in, and the demo's guests with their cards
]


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


KINDS = {"elements": "intent", "checkout": "session"}
CLOSING = {"elements": ("cancel_intent", "intent_cancel"), "checkout": ("expire_session", "session_expire")}


@pytest.mark.parametrize("error", [GatewayRefused("not now"), SavedServerError("500, replayed")])
@pytest.mark.parametrize("mode", CLOSING)
def test_a_no_to_closing_is_no_proof_of_it_and_the_next_try_has_a_key_of_its_own(
    provider: FakeProvider, now: datetime, mode: str, error: Exception
) -> None:
    method, operation = CLOSING[mode]
    payment = start(hold(), mode=mode)
    provider.fail_next(method, error=error)

    with pytest.raises(GatewayUnavailable):
        checkout.close_payment(payment, now=now)
    payment.refresh_from_db()
    assert payment.is_live

    assert checkout.close_payment(payment, now=now).status == "cancelled"
    calls = ProviderCall.objects.filter(operation_type=operation).order_by("operation_id")
    assert [(call.operation_id, call.state) for call in calls] == [
        (str(payment.pk), "failed"),
        (f"{payment.pk}-2", "succeeded"),
    ]


def test_what_a_bank_decided_against_is_closed_though_closing_it_was_refused_before(
    provider: FakeProvider, now: datetime
) -> None:
    payment = start(hold())
    provider.set_status(intent_of(payment), IntentStatus.PROCESSING)
    with pytest.raises(PaymentInProgress):
        checkout.close_payment(payment, now=now)
    provider.set_status(intent_of(payment), IntentStatus.OPEN)

    closed = checkout.close_payment(payment, now=now)

    assert (closed.status, provider.intents["pi_1"].status) == ("cancelled", IntentStatus.CANCELLED)


def test_a_lost_answer_to_closing_is_healed_by_the_same_key(provider: FakeProvider, now: datetime) -> None:
    payment = start(hold())
    provider.fail_next("cancel_intent", after=True)
    with pytest.raises(GatewayUnavailable):
        checkout.close_payment(payment, now=now)
    assert ProviderCall.objects.get(operation_type="intent_cancel").state == "unknown"

    assert checkout.close_payment(payment, now=now).status == "cancelled"

    call = ProviderCall.objects.get(operation_type="intent_cancel")
    assert (call.state, call.uses, call.resource_id) == ("succeeded", 2, "pi_1")


# --- asked again for what is done -----------------------------------------------------------------


@pytest.mark.parametrize("mode", CLOSING)
def test_what_is_still_open_is_used_again(provider: FakeProvider, mode: str) -> None:
    order = hold()
    first, again = start(order, mode=mode), start(order, mode=mode)

    assert first == again
    assert [call for call in provider.calls if call.startswith("create")] == [f"create_{KINDS[mode]}"]
    assert ProviderCall.objects.get().uses == 1


@pytest.mark.parametrize("mode", CLOSING)
def test_what_was_paid_meanwhile_leads_to_the_order(provider: FakeProvider, mode: str) -> None:
    order = hold()
    start(order, mode=mode)
    provider.pay("pi_1") if mode == "elements" else provider.pay_session("cs_1")

    with pytest.raises(AlreadyPaid):
        start(order, mode=mode)

    assert Payment.objects.get().status == "succeeded"
    assert Client().get(reverse("payments:pay", args=[order.reference]))["Location"] == f"/orders/{order.reference}/"


@pytest.mark.parametrize("mode", CLOSING)
def test_what_has_ended_at_the_provider_is_followed_by_a_new_attempt_in_a_new_row(
    provider: FakeProvider, mode: str
) -> None:
    order = hold()
    ended = start(order, mode=mode)
    if mode == "elements":
        provider.set_status("pi_1", IntentStatus.CANCELLED)
    else:
        provider.sessions["cs_1"] = replace(provider.sessions["cs_1"], status=SessionStatus.EXPIRED)

    fresh = start(order, mode=mode)

    ended.refresh_from_db()
    assert (ended.status, fresh.status) == ("cancelled", "open")
    assert fresh.idempotency_key != ended.idempotency_key
    assert list(provider.keys) == [ended.idempotency_key, fresh.idempotency_key]


# --- one door -------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["intent_create", "session_create", "intent_cancel", "session_expire", "refund"])
def test_a_key_is_kept_as_started_before_it_is_sent(provider: FakeProvider, now: datetime, operation: str) -> None:
    seen: list[tuple[str, str, str]] = []

    def look(point: str) -> None:
        if point.endswith("before it is sent"):
            seen.extend(ProviderCall.objects.filter(uses=0).values_list("operation_type", "state", "key"))

    provider.at_point = look
    mode = "checkout" if operation.startswith("session") else "elements"
    checkout.close_payment(start(hold(), mode=mode), now=now)
    refunds.send_refund(owed_refund(provider, now).pk, now)

    call = ProviderCall.objects.filter(operation_type=operation).earliest("created_at")
    assert (operation, "started", call.key) in seen
    assert re.fullmatch(rf"{operation}:{call.operation_id}:[0-9a-f-]{{36}}", call.key)
    assert (call.state, call.resource_id != "") == ("succeeded", True)


def test_a_write_that_does_not_come_through_the_door_is_refused(provider: FakeProvider) -> None:
    start(hold())

    with pytest.raises(AssertionError, match="door"):
        provider.cancel_intent("pi_1", key="made up")


def test_whatever_writes_to_stripe_asks_for_a_key() -> None:
    tree = ast.parse(Path(stripe_gateway.__file__).read_text())
    methods = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    writing = {method.name for method in methods if SDK_CALL.search(ast.unparse(method))}
    keyed = {method.name for method in methods if "key" in {argument.arg for argument in method.args.kwonlyargs}}

    assert writing == keyed == {"create_intent", "cancel_intent", "create_session", "expire_session", "refund"}
    assert {path.name for path in PRODUCT if re.search(r"^(import|from) stripe\b", path.read_text(), re.MULTILINE)} == {
        "stripe.py",
        "stripe_events.py",
    }


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


def test_a_server_error_stripe_repeats_at_closing_is_read_after(sandbox: Sandbox, now: datetime) -> None:
    payment = start(hold())
    sandbox.faults.add(action="saved_500", path=f"/v1/payment_intents/{intent_of(payment)}/cancel", method="POST")
    with pytest.raises(GatewayUnavailable):
        checkout.close_payment(payment, now=now)

    assert checkout.close_payment(payment, now=now).status == "cancelled"
    assert gateways.for_provider("stripe").read_intent(intent_of(payment)).status is IntentStatus.CANCELLED
    assert ProviderCall.objects.get(operation_type="intent_cancel").state == "failed"
