"""The contract suite: a maintainer with test keys runs it unchanged against Stripe, or against the sandbox.

`LIVE_STRIPE_SECRET_KEY=sk_test_… pytest -m live tests/sandbox/test_live.py`; LIVE_STRIPE_API_BASE points elsewhere.
What PROVIDERS marks unconfirmed comes first.
"""

import os
import time
from typing import Any
from uuid import uuid4

import pytest
import stripe

from tests.sandbox.checker import check
from tests.sandbox.making import intent, session

KEY = os.environ.get("LIVE_STRIPE_SECRET_KEY", "")
pytestmark = [
    pytest.mark.live,
    pytest.mark.enable_socket,
    pytest.mark.skipif(not KEY.startswith("sk_test_"), reason="needs LIVE_STRIPE_SECRET_KEY, a test key"),
]


@pytest.fixture
def live() -> stripe.StripeClient:
    base = os.environ.get("LIVE_STRIPE_API_BASE", "https://api.stripe.com")
    return stripe.StripeClient(KEY, base_addresses={"api": base}, max_network_retries=0)


def key() -> str:
    return f"contract-{uuid4()}"


def test_unconfirmed_a_refusal_of_state_is_kept_for_its_key(live: stripe.StripeClient) -> None:
    made, once = intent(live), key()
    live.v1.payment_intents.cancel(made.id)

    replayed = []
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            live.v1.payment_intents.cancel(made.id, None, {"idempotency_key": once})
        replayed.append((refused.value.headers or {}).get("Idempotent-Replayed"))

    assert replayed == [None, "true"]


def test_unconfirmed_a_session_s_intent_is_null_until_payment_is_tried(live: stripe.StripeClient) -> None:
    assert session(live).payment_intent is None


def test_unconfirmed_expire_refuses_an_expired_session_in_these_words(live: stripe.StripeClient) -> None:
    made = session(live)
    live.v1.checkout.sessions.expire(made.id)

    with pytest.raises(stripe.InvalidRequestError, match="status of `expired`"):
        live.v1.checkout.sessions.expire(made.id)


def test_unconfirmed_allowed_methods_leave_no_automatic_ones(live: stripe.StripeClient) -> None:
    assert intent(live).automatic_payment_methods is None


def test_unconfirmed_a_missing_object_is_answered_404(live: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        live.v1.payment_intents.retrieve("pi_3Nothing")

    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
    ],
)
def test_declines(live: stripe.StripeClient, card: str, code: str, decline_code: str | None) -> None:
    made = intent(live)

    with pytest.raises(stripe.CardError) as declined:
        live.v1.payment_intents.confirm(made.id, {"payment_method": card})

    error: Any = declined.value.error
    assert declined.value.code == code
    assert decline_code in (None, error.decline_code)
    assert live.v1.payment_intents.retrieve(made.id).status == "requires_payment_method"


def test_pay_refund_and_the_events_of_both(live: stripe.StripeClient) -> None:
    made = intent(live)
    paid = live.v1.payment_intents.confirm(made.id, {"payment_method": "pm_card_visa"})

    refund = live.v1.refunds.create({"payment_intent": made.id, "amount": 500})
    with pytest.raises(stripe.InvalidRequestError):
        live.v1.refunds.create({"payment_intent": made.id, "amount": 4500})

    assert (paid.status, refund.amount) == ("succeeded", 500)
    assert check(paid.to_dict()) == []
    deadline = time.monotonic() + 20
    seen: set[str] = set()
    while "charge.refunded" not in seen and time.monotonic() < deadline:
        seen = {event.type for event in live.v1.events.list({"limit": 50}).data}
        time.sleep(0.5)
    assert {"payment_intent.created", "payment_intent.succeeded", "charge.refunded"} <= seen


def test_the_same_key_replays(live: stripe.StripeClient) -> None:
    once = key()

    assert intent(live, key=once).id == intent(live, key=once).id
    with pytest.raises(stripe.IdempotencyError):
        intent(live, amount=9900, key=once)


def test_the_removed_parameter_is_refused(live: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        intent(live, payment_method_types=["card"])

    assert refused.value.code == "payment_method_types_no_longer_supported"
