"""The sandbox's objects against Stripe's published schemas and samples, where `../shared/contracts` exists."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import stripe

from payments.sandbox.testing import Sandbox
from tests.sandbox.checker import check
from tests.sandbox.making import intent, paid, session

CONTRACTS = Path(__file__).resolve().parents[3] / "shared" / "contracts" / "stripe"
RESOURCES = [
    "payment_intent",
    "charge",
    "refund",
    "checkout.session",
    "dispute",
    "balance_transaction",
    "payment_method",
]
# What the sample holds and the pinned version no longer answers, or answers only when expanded.
NOT_SHOWN = {
    "payment_intent": {"managed_payments"},
    "charge": {"refunds"},
    "checkout.session": {"managed_payments"},
}

pytestmark = pytest.mark.skipif(not CONTRACTS.exists(), reason="the published contracts are not beside the project")


@lru_cache(maxsize=1)
def samples() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CONTRACTS / "fixtures3.json").read_text())["resources"]
    return found


def nullable(node: Any) -> Any:
    """Rewrite OpenAPI's `nullable` as JSON Schema says it."""
    if isinstance(node, list):
        return [nullable(item) for item in node]
    if not isinstance(node, dict):
        return node
    rewritten = {key: nullable(value) for key, value in node.items() if key != "nullable"}
    return {"anyOf": [rewritten, {"type": "null"}]} if node.get("nullable") is True else rewritten


@lru_cache(maxsize=1)
def schemas() -> dict[str, Any]:
    found: dict[str, Any] = nullable(json.loads((CONTRACTS / "spec3.json").read_text())["components"])
    return found


@pytest.fixture(scope="module")
def bodies() -> dict[str, dict[str, Any]]:
    """One object of each kind, as the sandbox answers it."""
    sandbox = Sandbox()
    client = sandbox.client()
    id_ = paid(sandbox)
    client.v1.refunds.create({"payment_intent": id_, "amount": 100})
    sandbox.dispute(paid(sandbox))
    session(client)
    intent(client)
    sandbox.advance(2)
    rows = sandbox.books.store.rows("SELECT kind, body FROM objects ORDER BY seq")
    return {row["kind"]: json.loads(row["body"]) for row in rows}


@pytest.mark.parametrize("name", RESOURCES)
def test_every_key_of_stripe_s_sample_is_answered(bodies: dict[str, dict[str, Any]], name: str) -> None:
    assert samples()[name].keys() - bodies[name].keys() == NOT_SHOWN.get(name, set())


@pytest.mark.parametrize("name", RESOURCES)
def test_objects_fit_the_published_schema(bodies: dict[str, dict[str, Any]], name: str) -> None:
    validator = jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": schemas()})

    wrong = [f"{error.json_path}: {error.message[:120]}" for error in validator.iter_errors(bodies[name])]

    assert wrong == []
    assert list(validator.iter_errors({**bodies[name], "created": "yesterday"})) != []


@pytest.mark.parametrize("name", ["refund", "balance_transaction", "payment_method"])
def test_stripe_s_own_samples_pass_the_checker(name: str) -> None:
    assert check(samples()[name]) == []


def test_the_sdk_knows_the_version() -> None:
    assert stripe.api_version == "2026-10-28.endive"
