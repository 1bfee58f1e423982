import threading
from typing import Any

import pytest
import stripe

from payments.sandbox.testing import Sandbox
from tests.sandbox.making import intent, paid


def test_the_same_key_gives_the_same_intent(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    first = intent(client, key="order-1")
    again = intent(client, key="order-1")

    assert first.id == again.id
    assert again.last_response is not None
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert again.last_response.headers["Idempotency-Key"] == "order-1"
    assert len(client.v1.payment_intents.list().data) == 1


def test_other_parameters_under_the_same_key_are_refused(client: stripe.StripeClient) -> None:
    intent(client, key="order-1")

    with pytest.raises(stripe.IdempotencyError):
        intent(client, amount=9900, key="order-1")


def test_a_key_longer_than_255_is_refused(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.IdempotencyError):
        intent(client, key="k" * 256)


def test_a_key_is_forgotten_after_a_day(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    first = intent(client, key="order-1")

    sandbox.advance(24 * 3600 + 1)

    assert intent(client, key="order-1").id != first.id


def test_a_validation_failure_is_not_kept(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        intent(client, amount=1, key="order-1")

    assert intent(client, amount=4500, key="order-1").status == "requires_payment_method"


def test_a_decline_is_kept(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    made = intent(client)
    options: stripe.RequestOptions = {"idempotency_key": "attempt-1"}

    for _ in range(2):
        with pytest.raises(stripe.CardError):
            client.v1.payment_intents.confirm(made.id, {"payment_method": "pm_card_visa_chargeDeclined"}, options)

    assert len(sandbox.events("charge.failed")) == 1


def test_a_refusal_of_state_is_kept(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    done = paid(sandbox)
    options: stripe.RequestOptions = {"idempotency_key": "cancel-1"}

    headers = []
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.payment_intents.cancel(done, None, options)
        headers.append((refused.value.headers or {}).get("Idempotent-Replayed"))

    assert headers == [None, "true"]


def test_a_500_is_kept_with_what_it_did(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    sandbox.faults.add(action="saved_500", path="/v1/payment_intents", method="POST")

    for replayed in (None, "true"):
        with pytest.raises(stripe.APIError) as failed:
            intent(client, key="order-1")
        assert (failed.value.http_status, (failed.value.headers or {}).get("Idempotent-Replayed")) == (500, replayed)

    assert len(client.v1.payment_intents.list().data) == 1


def test_429_is_not_kept(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    sandbox.faults.add(action="rate_limited")

    with pytest.raises(stripe.RateLimitError):
        intent(client, key="order-1")

    assert intent(client, key="order-1").id


def test_a_key_at_work_is_in_use(sandbox: Sandbox) -> None:
    sandbox.faults.add(action="before_answer", event="payment_intent.created")
    inside, leave = threading.Event(), threading.Event()

    def slow_endpoint(url: str, body: bytes, headers: object) -> int:
        inside.set()
        leave.wait(5)
        return 200

    sandbox.books.deliveries.post = slow_endpoint
    first: list[stripe.PaymentIntent] = []
    thread = threading.Thread(target=lambda: first.append(intent(sandbox.client(), key="order-1")))
    thread.start()
    assert inside.wait(5)
    try:
        with pytest.raises(stripe.APIError) as refused:
            intent(sandbox.client(), key="order-1")
    finally:
        leave.set()
        thread.join()

    error: Any = refused.value.json_body
    assert (refused.value.http_status, error["error"]["code"]) == (409, "idempotency_key_in_use")
    assert len(first) == 1


def test_the_sdk_s_own_retry_finds_the_lost_answer(sandbox: Sandbox) -> None:
    sandbox.faults.add(action="answer_lost", method="POST")

    made = intent(sandbox.client(max_network_retries=1), key="order-1")

    assert made.last_response is not None
    assert made.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(sandbox.events("payment_intent.created")) == 1
