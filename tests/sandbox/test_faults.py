import time
from typing import Any

import pytest
import stripe

from payments.sandbox.faults import Rule, matches
from payments.sandbox.testing import Sandbox
from tests.sandbox.making import intent

CONTROL = "http://127.0.0.1:8901/_sandbox"


@pytest.mark.parametrize("action", ["hang", "reset"])
def test_nothing_happens_when_the_connection_ends_first(sandbox: Sandbox, action: str) -> None:
    sandbox.faults.add(action=action, seconds=20)

    with pytest.raises(stripe.APIConnectionError):
        intent(sandbox.client())

    assert sandbox.events() == []


@pytest.mark.parametrize("fault", [{"action": "answer_lost"}, {"action": "latency", "seconds": 20}])
def test_it_happened_though_nobody_was_told(sandbox: Sandbox, fault: dict[str, object]) -> None:
    sandbox.faults.add(fault)

    with pytest.raises(stripe.APIConnectionError):
        intent(sandbox.client())

    assert len(sandbox.events("payment_intent.created")) == 1


@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_error_before_executing_is_not_kept(sandbox: Sandbox, status: int) -> None:
    sandbox.faults.add(action="error", status=status)

    with pytest.raises(stripe.APIError) as failed:
        intent(sandbox.client(), key="order-1")

    assert failed.value.http_status == status
    assert sandbox.events() == []
    assert intent(sandbox.client(), key="order-1").id


@pytest.mark.parametrize("action", ["truncated", "malformed"])
def test_a_broken_body_is_an_api_error(sandbox: Sandbox, action: str) -> None:
    sandbox.faults.add(action=action)

    with pytest.raises(stripe.APIError):
        intent(sandbox.client())


def test_a_conflict_and_a_limit(sandbox: Sandbox) -> None:
    sandbox.faults.add(action="conflict", nth=1)
    with pytest.raises(stripe.StripeError) as refused:
        intent(sandbox.client())
    assert refused.value.http_status == 409

    sandbox.faults.add(action="rate_limited")
    with pytest.raises(stripe.RateLimitError):
        intent(sandbox.client())


def test_a_decline_may_be_forced(sandbox: Sandbox) -> None:
    client = sandbox.client()
    made = intent(client)
    sandbox.faults.add(action="decline", decline_code="insufficient_funds", path="/v1/payment_intents/*/confirm")

    with pytest.raises(stripe.CardError) as declined:
        client.v1.payment_intents.confirm(made.id, {"payment_method": "pm_card_visa"})

    error: Any = declined.value.json_body
    assert error["error"]["decline_code"] == "insufficient_funds"
    assert client.v1.payment_intents.confirm(made.id, {"payment_method": "pm_card_visa"}).status == "succeeded"


def test_a_slow_body_still_arrives(sandbox: Sandbox) -> None:
    sandbox.faults.add(action="slow_body", seconds=0.2)

    started = time.monotonic()
    made = intent(sandbox.client())

    assert made.status == "requires_payment_method"
    assert time.monotonic() - started > 0.15


def test_rules_count_and_choose(sandbox: Sandbox) -> None:
    sandbox.faults.add(action="error", method="POST", path="/v1/payment_intents", nth=2, count=1, key_prefix="order-")
    client = sandbox.client()

    intent(client, key="other-1")
    intent(client, key="order-1")
    with pytest.raises(stripe.APIError):
        intent(client, key="order-2")
    assert intent(client, key="order-3").id


def test_a_random_storm_repeats_with_its_seed() -> None:
    def storm() -> list[int]:
        sandbox = Sandbox()
        sandbox.faults.randomise(seed=7, rate=0.5, actions=["error", "rate_limited"])
        for _ in range(20):
            try:
                intent(sandbox.client())
            except stripe.StripeError:
                continue
        return [line["status"] for line in sandbox.log()]

    first = storm()

    assert first == storm()
    assert {200, 429, 500} == set(first)


def test_unknown_faults_are_refused() -> None:
    with pytest.raises(ValueError, match="no such fault"):
        Rule("explode")


def test_patterns() -> None:
    assert matches("", "/v1/refunds")
    assert matches("/v1/*/confirm", "/v1/payment_intents/pi_1/confirm")
    assert not matches("/v1/*/confirm", "/v1/payment_intents/pi_1/cancel")
    assert not matches("/v1/refunds", "/v1/refunds/re_1")


def test_the_control_room(sandbox: Sandbox) -> None:
    made = intent(sandbox.client())
    order = sandbox.session.post

    assert order(f"{CONTROL}/faults", json={"action": "error"}).json() == {"added": "error"}
    assert order(f"{CONTROL}/faults", json={"action": "error", "colour": "red"}).status_code == 400
    assert sandbox.session.delete(f"{CONTROL}/faults").status_code == 200
    assert order(f"{CONTROL}/pay", json={"id": made.id, "card": "pm_card_visa_chargeDeclined"}).status_code == 402
    assert order(f"{CONTROL}/pay", json={"id": made.id}).json()["status"] == "succeeded"
    dispute = order(f"{CONTROL}/dispute", json={"id": made.id}).json()
    assert order(f"{CONTROL}/close_dispute", json={"id": dispute["id"], "won": True}).json()["status"] == "won"
    before = sandbox.session.get(f"{CONTROL}/clock").json()["now"]
    assert order(f"{CONTROL}/clock", json={"advance": 60}).json()["now"] >= before + 60
    assert len(sandbox.session.get(f"{CONTROL}/log").json()["data"]) == 1
    assert order(f"{CONTROL}/reset").status_code == 200
    assert sandbox.session.get(f"{CONTROL}/log").json()["data"] == []
    assert order(f"{CONTROL}/nonsense").status_code == 404


def test_without_faults_there_is_no_control_room() -> None:
    sandbox = Sandbox(faults=False)

    assert sandbox.session.get(f"{CONTROL}/log").status_code == 404
