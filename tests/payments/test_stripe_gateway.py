"""The gateway and the whole ground against the sandbox, through the real SDK."""

from datetime import datetime, timedelta

import pytest
import stripe
from django.test import Client
from pytest_django.fixtures import Settings

from payments import checkout, expiry, fulfilment, gateways, reconcile, refunds, retrying
from payments.exceptions import GatewayRefused, GatewayUnavailable, SavedServerError
from payments.gateways import stripe as stripe_gateway
from payments.models import Order, Payment, PaymentFailure, Refund, WebhookEvent
from payments.sandbox.testing import Sandbox
from tests.buying import clock, come_back, fresh, hold, intent_of, start
from tests.factories.tickets import TicketTypeFactory

pytestmark = pytest.mark.django_db(transaction=True)


def deliver(sandbox: Sandbox) -> list[int]:
    """Deliver whatever waits to our door."""
    answers: list[int] = []

    def post(url: str, body: bytes, headers: dict[str, str], timeout: float = 10) -> int:
        signature = {"Stripe-Signature": headers["Stripe-Signature"]}
        answer = Client().post("/webhooks/stripe/", body, content_type="application/json", headers=signature)
        answers.append(answer.status_code)
        return answer.status_code

    sandbox.drain(post)
    return answers


def test_a_card_buys_tickets_by_webhook(sandbox: Sandbox) -> None:
    order = hold(quantity=2)
    payment = start(order)
    sandbox.pay(intent_of(payment))

    assert set(deliver(sandbox)) == {200}
    retrying.run_due(now=clock())

    assert fresh(order).status == Order.Status.FULFILLED
    assert order.tickets.count() == 2
    assert WebhookEvent.objects.filter(type="payment_intent.succeeded", status="processed").count() == 1


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ("4000000000000002", "generic_decline"),
        ("4000000000009995", "insufficient_funds"),
        ("4000000000009987", "lost_card"),
        ("4000000000009979", "stolen_card"),
        ("4000000000000069", "expired_card"),
        ("4000000000000127", "incorrect_cvc"),
        ("4000000000000119", "processing_error"),
        ("4000000000006975", "card_velocity_exceeded"),
    ],
)
def test_a_declined_card_is_told_and_another_one_buys(sandbox: Sandbox, card: str, code: str) -> None:
    order = hold()
    payment = start(order)

    sandbox.pay(intent_of(payment), card=card)
    deliver(sandbox)
    failure = PaymentFailure.objects.get()
    assert (failure.error_code, failure.resolved) == (code, False)
    assert start(order) == payment
    sandbox.pay(intent_of(payment))
    deliver(sandbox)

    failure.refresh_from_db()
    assert failure.resolved
    assert come_back(order).status == Order.Status.FULFILLED


def test_3d_secure_passed_and_failed(sandbox: Sandbox) -> None:
    failed, passed = hold(), hold()
    for order, good in ((failed, False), (passed, True)):
        intent_id = intent_of(start(order))
        sandbox.pay(intent_id, card="4000002760003184")
        assert come_back(order).status == Order.Status.PENDING
        sandbox.complete_3ds(intent_id, passed=good)

    assert come_back(passed).status == Order.Status.FULFILLED
    assert come_back(failed).status == Order.Status.PENDING
    assert PaymentFailure.objects.get().category == "authentication"


def test_only_immediate_methods_are_offered(sandbox: Sandbox) -> None:
    intent_id = intent_of(start(hold()))

    intent = stripe_gateway.client().v1.payment_intents.retrieve(intent_id)

    assert intent.payment_method_types == ["card"]


def test_a_hosted_page_buys_tickets_and_is_closed_with_the_hold(sandbox: Sandbox, now: datetime) -> None:
    bought, left = hold(), hold(now=now)
    session_id = start(bought, mode="checkout").external_session_id or ""
    abandoned = start(left, mode="checkout")
    sandbox.pay(session_id)

    assert come_back(bought).status == Order.Status.FULFILLED
    assert expiry.expire_order(left.pk, now=now + timedelta(minutes=16))

    session = stripe_gateway.client().v1.checkout.sessions.retrieve(abandoned.external_session_id or "")
    assert session.status == "expired"
    assert set(deliver(sandbox)) == {200}
    assert Order.objects.filter(status=Order.Status.FULFILLED).count() == 1


def test_expiry_that_meets_a_paid_page_keeps_the_sale(sandbox: Sandbox, now: datetime) -> None:
    order = hold(now=now)
    sandbox.pay(start(order, mode="checkout").external_session_id or "")

    assert not expiry.expire_order(order.pk, now=now + timedelta(minutes=16))

    assert fresh(order).status == Order.Status.PAID


def test_expiry_cancels_the_intent(sandbox: Sandbox, now: datetime) -> None:
    order = hold(now=now)
    payment = start(order)

    assert expiry.expire_order(order.pk, now=now + timedelta(minutes=16))

    assert stripe_gateway.client().v1.payment_intents.retrieve(intent_of(payment)).status == "canceled"
    assert set(deliver(sandbox)) == {200}


def test_a_refund_reaches_the_guest_and_its_events_change_nothing_more(sandbox: Sandbox, now: datetime) -> None:
    order = hold()
    sandbox.pay(intent_of(start(order)))
    come_back(order)

    refunds.refund_order(order.pk, reason=Refund.Reason.OWNER, cause="owner", now=now)
    retrying.run_due(now=clock())
    deliver(sandbox)
    retrying.run_due(now=clock())

    assert fresh(order).status == Order.Status.REFUNDED
    assert Refund.objects.get().status == Refund.Status.SUCCEEDED


def test_a_dispute_and_a_dashboard_refund_are_heard(sandbox: Sandbox) -> None:
    disputed, refunded = hold(), hold()
    for order in (disputed, refunded):
        sandbox.pay(intent_of(start(order)))
        come_back(order)
    client = stripe_gateway.client()
    client.v1.refunds.create({"payment_intent": intent_of(refunded.payments.get())})
    sandbox.dispute(intent_of(disputed.payments.get()))

    deliver(sandbox)
    retrying.run_due(now=clock())

    assert fresh(refunded).status == Order.Status.REFUNDED
    assert fresh(disputed).disputed_at is not None


def test_with_every_webhook_dropped_reconciliation_finds_it_all(sandbox: Sandbox, now: datetime) -> None:
    paid, refunded, disputed, declined = (hold(TicketTypeFactory.create()) for _ in range(4))
    for order in (paid, refunded, disputed):
        sandbox.pay(intent_of(start(order)))
    sandbox.pay(intent_of(start(declined)), card="4000000000000002")
    client = stripe_gateway.client()
    client.v1.refunds.create({"payment_intent": intent_of(refunded.payments.get())})
    sandbox.dispute(intent_of(disputed.payments.get()))

    reconcile.reconcile("stripe", now=clock(), since=now - timedelta(hours=1))
    retrying.run_due(now=clock() + timedelta(minutes=1))
    second = reconcile.reconcile("stripe", now=clock(), since=now - timedelta(hours=1))

    assert fresh(paid).status == Order.Status.FULFILLED
    assert fresh(refunded).status == Order.Status.REFUNDED
    assert fresh(disputed).disputed_at is not None
    assert PaymentFailure.objects.filter(category="declined").count() == 1
    assert second.fed == 0


def test_a_lost_answer_is_healed_by_the_same_key(sandbox: Sandbox) -> None:
    order = hold()
    sandbox.faults.add(action="answer_lost", method="POST", path="/v1/payment_intents", count=1)

    with pytest.raises(GatewayUnavailable):
        start(order)
    payment = start(order)

    assert len(stripe_gateway.client().v1.payment_intents.list({"limit": 100}).data) == 1
    assert payment.status == Payment.Status.OPEN


def test_no_such_intent_is_a_refusal(sandbox: Sandbox) -> None:
    with pytest.raises(GatewayRefused) as refusal:
        gateways.for_provider("stripe").read_intent("pi_nowhere")

    assert refusal.value.provider_code == "resource_missing"


def test_a_provider_we_do_not_sell_through_is_refused() -> None:
    with pytest.raises(GatewayRefused):
        gateways.for_provider("barter")


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (stripe.APIConnectionError("down"), GatewayUnavailable),
        (stripe.RateLimitError("slow down", http_status=429), GatewayUnavailable),
        (stripe.AuthenticationError("key"), GatewayUnavailable),
        (stripe.APIError("500", http_status=500), GatewayUnavailable),
        (stripe.APIError("500", http_status=500, headers={"Idempotent-Replayed": "true"}), SavedServerError),
        (stripe.InvalidRequestError("no", "amount", code="amount_too_small"), GatewayRefused),
        (stripe.CardError("declined", "card", "card_declined"), GatewayRefused),
        (stripe.PermissionError("no"), GatewayRefused),
    ],
)
def test_every_failure_of_stripes_has_a_name_of_ours(error: stripe.StripeError, named: type[Exception]) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(named) as raised:
        stripe_gateway.ask(fail)

    assert type(raised.value) is named


def test_one_client_serves_the_process(settings: Settings) -> None:
    settings.STRIPE_API_BASE = "http://127.0.0.1:1"

    assert stripe_gateway.client() is stripe_gateway.client()


def test_fulfilment_waits_for_nobody(sandbox: Sandbox) -> None:
    order = hold()
    sandbox.pay(intent_of(start(order)))
    checkout.ask_provider(order, now=clock())

    assert fulfilment.try_now(order, now=clock())
