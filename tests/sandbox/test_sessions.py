import threading
import time
from typing import Any

import pytest
import stripe

from payments.sandbox.stripe.errors import ApiError
from payments.sandbox.testing import Sandbox
from tests.sandbox.making import session, types


def test_a_session_is_open_with_its_lines(client: stripe.StripeClient) -> None:
    made = session(client, client_reference_id="order-1", metadata={"order": "A1"})

    lines = client.v1.checkout.sessions.line_items.list(made.id)

    assert (made.status, made.payment_status, made.amount_total, made.payment_intent) == ("open", "unpaid", 5000, None)
    assert made.url is not None
    assert made.url.endswith(f"/c/pay/{made.id}")
    assert [(line.description, line.quantity, line.amount_total) for line in lines.data] == [("General", 2, 5000)]


def test_paying_completes_the_session(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    made = session(client, metadata={"order": "A1"}, payment_intent_data={"metadata": {"order": "B2"}})

    sandbox.pay(made.id)

    found = client.v1.checkout.sessions.retrieve(made.id, {"expand": ["payment_intent", "line_items"]})
    intent: Any = found.payment_intent
    assert (found.status, found.payment_status, found.url) == ("complete", "paid", None)
    assert (intent.status, intent.metadata.to_dict()) == ("succeeded", {"order": "B2"})
    assert types(sandbox) == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


def test_a_decline_leaves_the_session_open(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    made = session(client)

    sandbox.pay(made.id, "pm_card_visa_chargeDeclined")
    after = sandbox.pay(made.id)

    assert after["status"] == "succeeded"
    assert types(sandbox).count("payment_intent.created") == 1


def test_expire_closes_an_open_session_and_its_intent(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    made = session(client)
    sandbox.pay(made.id, "pm_card_visa_chargeDeclined")

    after = client.v1.checkout.sessions.expire(made.id)

    assert (after.status, sandbox.intent_of(made.id)["status"]) == ("expired", "canceled")
    with pytest.raises(ApiError):
        sandbox.pay(made.id)


def test_a_complete_session_is_not_expired_in_stripe_s_words(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    made = session(client)
    sandbox.pay(made.id)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.expire(made.id)

    assert 'Only Checkout Sessions with a status in ["open"] can be expired.' in str(refused.value)
    assert "This Checkout Session has a status of `complete`." in str(refused.value)


def test_a_session_s_intent_is_closed_through_the_session_only(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    made = session(client)
    sandbox.pay(made.id, "pm_card_visa_chargeDeclined")
    intent_id = sandbox.intent_of(made.id)["id"]

    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.cancel(intent_id)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.confirm(intent_id, {"payment_method": "pm_card_visa"})


def test_time_expires_a_session(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    made = session(client, expires_at=int(time.time()) + 31 * 60)

    sandbox.advance(32 * 60)

    assert client.v1.checkout.sessions.retrieve(made.id).status == "expired"
    assert types(sandbox) == ["checkout.session.expired"]


@pytest.mark.parametrize("minutes", [29, 24 * 60 + 1])
def test_a_session_lives_from_half_an_hour_to_a_day(client: stripe.StripeClient, minutes: int) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        session(client, expires_at=int(time.time()) + minutes * 60)

    assert refused.value.param == "expires_at"


def test_pay_and_expire_have_one_winner(sandbox: Sandbox) -> None:
    for _ in range(20):
        made = session(sandbox.client())
        outcomes: list[str] = []
        start = threading.Barrier(2)

        def pay(id_: str = made.id, start: threading.Barrier = start, outcomes: list[str] = outcomes) -> None:
            start.wait()
            try:
                sandbox.pay(id_)
                outcomes.append("paid")
            except ApiError:
                pass

        def expire(id_: str = made.id, start: threading.Barrier = start, outcomes: list[str] = outcomes) -> None:
            start.wait()
            try:
                sandbox.client().v1.checkout.sessions.expire(id_)
                outcomes.append("expired")
            except stripe.InvalidRequestError:
                pass

        threads = [threading.Thread(target=pay), threading.Thread(target=expire)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        status = sandbox.client().v1.checkout.sessions.retrieve(made.id).status
        assert outcomes == ["paid" if status == "complete" else "expired"]


def test_a_slow_method_completes_the_session_unpaid(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    made = session(client, allowed_payment_method_types=["us_bank_account"])

    sandbox.pay(made.id, "pm_usBankAccount_success")
    waiting = client.v1.checkout.sessions.retrieve(made.id)
    sandbox.advance(5 * 86400)

    assert (waiting.status, waiting.payment_status) == ("complete", "unpaid")
    assert client.v1.checkout.sessions.retrieve(made.id).payment_status == "paid"
    assert "checkout.session.async_payment_succeeded" in types(sandbox)


def test_elements_mode_has_a_secret_and_no_page(client: stripe.StripeClient) -> None:
    made = session(client, ui_mode="elements", return_url="http://shop.test/back", success_url=None, cancel_url=None)

    assert made.url is None
    assert made.client_secret is not None


def test_sessions_are_listed_by_status(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    first, second = session(client), session(client)
    sandbox.pay(first.id)

    found = client.v1.checkout.sessions.list({"status": "open"})

    assert [item.id for item in found.data] == [second.id]
