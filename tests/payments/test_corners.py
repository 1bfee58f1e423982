"""What is seldom reached, reached."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import RequestFactory
from django.utils import translation
from pytest_django.fixtures import Settings

from payments import (
    checkout,
    expiry,
    idempotency,
    letters,
    listeners,
    mail,
    presses,
    products,
    rate_limits,
    reconcile,
    retrying,
    times,
)
from payments.exceptions import GatewayUnavailable
from payments.gateways.types import Charge, Intent, IntentStatus
from payments.idempotency import Answer, Request
from payments.models import Email, IdempotencyKey, ProviderCall, ReconcileRun, Refund, RefundItem, WebhookEvent
from payments.sandbox.testing import Sandbox
from tests.buying import buy, clock, hold, intent_of, pay, start, tell_refund
from tests.factories.tickets import TicketTypeFactory
from tests.fakes import FakeProvider

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_kinds_of_messages_are_those_that_somebody_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "_writers", {})
    for kind in ("written", "refunded"):
        mail.register(kind, lambda _: EmailMultiAlternatives("s", "b", to=["ana@example.com"]))

    assert mail.kinds() == ["refunded", "written"]


def test_a_provider_that_cancels_every_intent_is_a_provider_that_is_away(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = provider.create_intent

    def cancelled(charge: Charge, *, key: str) -> Intent:
        return replace(create(charge, key=key), status=IntentStatus.CANCELLED)

    monkeypatch.setattr(provider, "create_intent", cancelled)

    with pytest.raises(GatewayUnavailable):
        start(hold())
    assert len(provider.intents) == checkout.ROUNDS


def test_a_payment_the_provider_has_not_heard_of_is_not_asked_about(provider: FakeProvider, now: datetime) -> None:
    order = hold()
    provider.fail_next("create_intent")
    with pytest.raises(GatewayUnavailable):
        start(order)
    calls = len(provider.calls)

    checkout.ask_provider(order, now=now)

    assert len(provider.calls) == calls


def test_an_intent_that_was_paid_cannot_be_cancelled_and_is_read(sandbox: Sandbox, now: datetime) -> None:
    payment = start(hold())
    sandbox.pay(intent_of(payment))

    assert checkout.close_payment(payment, now=now).status == "succeeded"
    assert ProviderCall.objects.get(operation_type="intent_cancel").state == "failed"


def test_late_money_that_goes_back_is_written_about(
    provider: FakeProvider, now: datetime, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    type_ = TicketTypeFactory.create(capacity=2)
    order = hold(type_)
    payment = start(order)
    provider.fail_next("cancel_intent")
    expiry.expire_order(order.pk, now=now + timedelta(minutes=36))
    buy(provider, type_, quantity=2)
    provider.pay(intent_of(payment))
    checkout.ask_provider(order, now=now)

    retrying.run_due(now=now + timedelta(hours=1))

    assert any("goes back in full" in letter.subject for letter in mailoutbox)


def test_an_answer_of_our_own_fault_is_not_remembered(now: datetime) -> None:
    request = Request(key="k", caller="guest", method="POST", path="/", body={})

    def fail(keep: idempotency.Keep) -> Answer:
        keep(Answer(500, {}))
        return Answer(500, {})

    assert idempotency.answer_once(request, fail, now=now).status == 500
    assert not IdempotencyKey.objects.exists()


def test_a_letter_without_an_order_is_written_in_the_houses_language(now: datetime) -> None:
    email = Email(kind="x", recipient="a@example.com", created_at=now)

    assert letters.letter_about(email, "find_my_tickets").to == ["a@example.com"]


def test_a_listener_is_registered_once() -> None:
    before = list(listeners._listeners)

    listeners.register(before[0])

    assert listeners._listeners == before


def test_a_refund_event_before_the_money_waits(provider: FakeProvider) -> None:
    payment = pay(provider, hold())

    tell_refund(payment)
    retrying.run_due(now=clock() + timedelta(seconds=1))

    assert WebhookEvent.objects.get().last_error == "EventTooEarly: pi_1 is open"


def test_the_rest_of_the_rows_name_themselves(now: datetime) -> None:
    assert str(IdempotencyKey(key="k")) == "k"
    assert str(ProviderCall(key="refund:1:2")) == "refund:1:2"
    assert str(Refund(external_refund_id="re_1")) == "re_1"
    assert str(RefundItem(item=UUID(int=1))).endswith("1")
    assert str(WebhookEvent(type="t", event_id="evt_1")) == "t evt_1"
    assert str(ReconcileRun(provider="stripe", started_at=now)).startswith("stripe 20")
    assert mail.KIND == "email"


def test_an_address_is_what_our_own_proxy_saw_and_nobody_elses_word(rf: RequestFactory, settings: Settings) -> None:
    request = rf.get("/", headers={"X-Forwarded-For": "1.2.3.4, 203.0.113.9"}, REMOTE_ADDR="10.0.0.1")

    assert rate_limits.address_of(request) == "10.0.0.1"
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert rate_limits.address_of(request) == "203.0.113.9"


def test_a_page_of_the_provider_that_was_never_paid_is_not_asked_about(provider: FakeProvider, now: datetime) -> None:
    order = hold()
    start(order)

    assert reconcile.compare_one("stripe", next(provider.list_hints(now))) is None


def test_a_product_sells_nothing_singly_unless_it_says_so(now: datetime) -> None:
    order = hold()
    whole = replace(products.named(order.kind), prices=products.no_prices)

    assert whole == replace(products.of(order), prices=products.no_prices)
    assert whole.prices(order, [order.pk]) == {}


@pytest.mark.parametrize(("language", "hour"), [("en", "9 PM"), ("es", "21:00")])
def test_an_hour_is_written_as_its_reader_says_it(language: str, hour: str) -> None:
    with translation.override(language):
        assert times.write_hour(datetime(2026, 12, 31, 21)) == hour  # noqa: DTZ001 (only its hour is read)


@pytest.mark.parametrize(
    ("sent", "is_kept"), [("a mark", True), ("", False), ("x" * 64, True), ("x" * 65, False), ("\0", False)]
)
def test_a_press_is_known_by_its_mark_where_that_fits(sent: str, is_kept: bool) -> None:
    mark = presses.tidy(sent)

    assert (mark == sent) is is_kept
    assert 0 < len(mark) <= presses.LONGEST_PRESS
