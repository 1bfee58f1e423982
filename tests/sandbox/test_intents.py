from typing import Any

import pytest
import stripe

from payments.sandbox.stripe.cards import CARDS, TOKENS
from payments.sandbox.testing import Sandbox
from tests.sandbox.making import intent, paid, types


def test_create_returns_an_open_intent(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    made = intent(client, metadata={"order": "A1"})

    assert made.status == "requires_payment_method"
    assert made.payment_method_types == ["card"]
    assert made.metadata["order"] == "A1"
    assert made.client_secret is not None
    assert made.client_secret.startswith(f"{made.id}_secret_")
    assert types(sandbox) == ["payment_intent.created"]


def test_without_a_choice_the_dashboard_decides(client: stripe.StripeClient) -> None:
    made = client.v1.payment_intents.create({"amount": 4500, "currency": "usd"})

    assert made.payment_method_types == ["card", "link", "us_bank_account"]


def test_methods_may_be_excluded(client: stripe.StripeClient) -> None:
    made = client.v1.payment_intents.create(
        {"amount": 4500, "currency": "usd", "excluded_payment_method_types": ["us_bank_account"]}
    )

    assert made.payment_method_types == ["card", "link"]


def test_the_removed_parameter_is_refused_as_stripe_refuses_it(client: stripe.StripeClient) -> None:
    params: Any = {"amount": 4500, "currency": "usd", "payment_method_types": ["card"]}

    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create(params)

    assert refused.value.code == "payment_method_types_no_longer_supported"


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"currency": "usd"}, "parameter_missing", "amount"),
        ({"amount": 4500}, "parameter_missing", "currency"),
        ({"amount": "many", "currency": "usd"}, "parameter_invalid_integer", "amount"),
        ({"amount": 49, "currency": "usd"}, "amount_too_small", "amount"),
        ({"amount": 100_000_000, "currency": "usd"}, "amount_too_large", "amount"),
        ({"amount": 4500, "currency": "usd", "colour": "red"}, "parameter_unknown", "colour"),
        ({"amount": 4500, "currency": "usd", "customer": "cus_1"}, "sandbox_not_built", "customer"),
        ({"amount": 4500, "currency": "usd", "metadata": {"k" * 41: "v"}}, None, "metadata"),
        ({"amount": 4500, "currency": "usd", "metadata": {"k": "v" * 501}}, None, "metadata[k]"),
    ],
)
def test_bad_parameters_are_refused(client: stripe.StripeClient, params: Any, code: str | None, param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create(params)

    assert (refused.value.code, refused.value.param) == (code, param)


def test_paying_charges_the_card(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    id_ = paid(sandbox)
    sandbox.advance(2)

    found = client.v1.payment_intents.retrieve(id_, {"expand": ["latest_charge.balance_transaction"]})

    charge: Any = found.latest_charge
    assert (found.amount_received, charge.status, charge.payment_method_details.card.last4) == (
        4500,
        "succeeded",
        "4242",
    )
    assert (charge.balance_transaction.fee, charge.balance_transaction.net) == (160, 4340)
    assert types(sandbox) == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "charge.updated",
    ]


def test_a_decline_leaves_the_intent_open(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    made = intent(client)

    with pytest.raises(stripe.CardError) as declined:
        client.v1.payment_intents.confirm(made.id, {"payment_method": "pm_card_visa_chargeDeclined"})

    error: Any = declined.value.error
    assert (declined.value.http_status, error.code, error.decline_code) == (402, "card_declined", "generic_decline")
    assert error.payment_intent.id == made.id
    found = client.v1.payment_intents.retrieve(made.id)
    assert found.status == "requires_payment_method"
    assert found.payment_method is None
    assert found.last_payment_error is not None
    assert found.last_payment_error.charge == error.charge
    assert types(sandbox)[-2:] == ["charge.failed", "payment_intent.payment_failed"]
    assert sandbox.pay(made.id)["last_payment_error"] is None


DECLINES = [
    card for card in CARDS.values() if card.decline and not card.challenge and card.decline != "incorrect_number"
]


@pytest.mark.parametrize("card", DECLINES, ids=lambda card: card.number)
def test_every_declined_card_says_why(sandbox: Sandbox, card: Any) -> None:
    made = intent(sandbox.client())

    error = sandbox.pay(made.id, card.number)["last_payment_error"]

    assert (error["code"], error["decline_code"]) == (card.code, card.decline)


@pytest.mark.parametrize("token", sorted(TOKENS))
def test_every_named_card_is_known(sandbox: Sandbox, token: str) -> None:
    made = intent(sandbox.client())

    after = sandbox.pay(made.id, token)

    card = CARDS[TOKENS[token]]
    expected = "succeeded"
    if card.challenge == "required":
        expected = "requires_action"
    elif card.decline:
        expected = "requires_payment_method"
    assert after["status"] == expected


def test_only_published_test_cards_are_accepted(sandbox: Sandbox) -> None:
    made = intent(sandbox.client())
    browser = sandbox.client("pk_test_maguey")
    card = {"number": "4111111111111111", "exp_month": 12, "exp_year": 2034, "cvc": "123"}
    params: Any = {"type": "card", "card": card}

    with pytest.raises(stripe.CardError) as refused:
        browser.v1.payment_methods.create(params)

    error: Any = refused.value.error
    assert error.decline_code == "test_mode_live_card"
    assert "4111111111111111" not in str(sandbox.log())
    assert made.status == "requires_payment_method"


def test_a_secret_key_may_not_send_card_numbers(client: stripe.StripeClient) -> None:
    params: Any = {
        "type": "card",
        "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"},
    }

    with pytest.raises(stripe.StripeError) as refused:
        client.v1.payment_methods.create(params)

    assert refused.value.http_status == 402


@pytest.mark.parametrize(
    ("card", "passed", "status", "code"),
    [
        ("4000002760003184", True, "succeeded", None),
        ("4000002760003184", False, "requires_payment_method", "payment_intent_authentication_failure"),
        ("4000008400001629", True, "requires_payment_method", "card_declined"),
        ("4000008260003178", True, "requires_payment_method", "card_declined"),
    ],
)
def test_three_d_secure_ends(sandbox: Sandbox, card: str, passed: bool, status: str, code: str | None) -> None:
    made = intent(sandbox.client())
    waiting = sandbox.pay(made.id, card)

    after = sandbox.complete_3ds(made.id, passed=passed)

    assert waiting["next_action"]["type"] == "use_stripe_sdk"
    assert after["status"] == status
    assert (after["last_payment_error"] or {}).get("code") == code
    assert "payment_intent.requires_action" in types(sandbox)


def test_three_d_secure_abandoned_leaves_the_intent_waiting_and_cancellable(sandbox: Sandbox) -> None:
    client = sandbox.client()
    made = intent(client)
    sandbox.pay(made.id, "4000002760003184")

    assert client.v1.payment_intents.retrieve(made.id).status == "requires_action"
    assert client.v1.payment_intents.cancel(made.id).status == "canceled"


def test_a_server_that_confirms_is_sent_to_a_page_for_three_d_secure(client: stripe.StripeClient) -> None:
    made = intent(client)

    after = client.v1.payment_intents.confirm(
        made.id, {"payment_method": "pm_card_authenticationRequired", "return_url": "http://shop.test/back"}
    )

    assert after.next_action is not None
    assert after.next_action.redirect_to_url is not None
    assert after.next_action.redirect_to_url.return_url == "http://shop.test/back"


def test_a_slow_method_is_processing_for_days(sandbox: Sandbox) -> None:
    client = sandbox.client()
    made = client.v1.payment_intents.create({"amount": 4500, "currency": "usd"})

    assert sandbox.pay(made.id, "pm_usBankAccount_success")["status"] == "processing"
    sandbox.advance(5 * 86400)

    assert client.v1.payment_intents.retrieve(made.id).status == "succeeded"


def test_a_slow_method_may_fail(sandbox: Sandbox) -> None:
    client = sandbox.client()
    made = client.v1.payment_intents.create({"amount": 4500, "currency": "usd"})
    sandbox.pay(made.id, "pm_usBankAccount_insufficientFunds")

    sandbox.advance(5 * 86400)

    assert client.v1.payment_intents.retrieve(made.id).status == "requires_payment_method"


def test_an_intent_for_cards_takes_nothing_else(sandbox: Sandbox) -> None:
    made = intent(sandbox.client())

    with pytest.raises(stripe.InvalidRequestError):
        sandbox.client().v1.payment_intents.confirm(made.id, {"payment_method": "pm_usBankAccount_success"})


def test_cancel_closes_an_open_intent_and_refuses_a_paid_one(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    made, done = intent(client), paid(sandbox)

    cancelled = client.v1.payment_intents.cancel(made.id, {"cancellation_reason": "abandoned"})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.cancel(done)

    assert (cancelled.status, cancelled.cancellation_reason) == ("canceled", "abandoned")
    assert refused.value.code == "payment_intent_unexpected_state"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.confirm(made.id, {"payment_method": "pm_card_visa"})


def test_a_paid_intent_is_not_paid_twice(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    done = paid(sandbox)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.confirm(done, {"payment_method": "pm_card_visa"})

    assert refused.value.code == "payment_intent_unexpected_state"
    assert len(client.v1.charges.list({"payment_intent": done}).data) == 1


def test_update_changes_amount_and_merges_metadata(client: stripe.StripeClient) -> None:
    made = intent(client, metadata={"a": "1", "b": "2"})

    after = client.v1.payment_intents.update(made.id, {"amount": 5000, "metadata": {"b": "", "c": "3"}})

    assert (after.amount, after.metadata.to_dict()) == (5000, {"a": "1", "c": "3"})


def test_search_finds_by_metadata_and_status(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    wanted = intent(client, metadata={"order": "A1"})
    intent(client, metadata={"order": "B2"})

    found = client.v1.payment_intents.search({"query": "metadata['order']:'A1' AND status:'requires_payment_method'"})

    assert [item.id for item in found.data] == [wanted.id]


def test_a_browser_sees_only_what_its_secret_opens(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    made = intent(client, metadata={"order": "A1"})
    browser = sandbox.client("pk_test_maguey")
    assert made.client_secret is not None

    shown = browser.v1.payment_intents.retrieve(made.id, {"client_secret": made.client_secret})

    assert (shown.status, "metadata" in shown) == ("requires_payment_method", False)
    with pytest.raises(stripe.InvalidRequestError):
        browser.v1.payment_intents.retrieve(made.id, {"client_secret": "pi_1_secret_2"})
    with pytest.raises(stripe.PermissionError):
        browser.v1.payment_intents.list()
