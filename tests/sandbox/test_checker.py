from typing import Any

import pytest
import stripe

from payments.sandbox.stripe.api import OPERATIONS
from payments.sandbox.stripe.parameters import SDK_OPTIONS, fields_of
from payments.sandbox.testing import Sandbox
from tests.sandbox.checker import check
from tests.sandbox.making import paid


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        ({"amount": "4500"}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": None}, "amount"),
        ({"status": "paid"}, "status"),
        ({"colour": "red"}, "unknown"),
        ({"payment_method_types": "card"}, "payment_method_types"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"last_payment_error": {"type": "sad"}}, "last_payment_error"),
    ],
)
def test_the_checker_finds_what_is_wrong(sandbox: Sandbox, change: dict[str, Any], trouble: str) -> None:
    body = sandbox.intent_of(paid(sandbox))

    (found,) = check({**body, **change})

    assert check(body) == []
    assert trouble in found


def test_the_checker_misses_no_absence(sandbox: Sandbox) -> None:
    body = sandbox.intent_of(paid(sandbox))
    del body["amount"]

    assert check(body) == ["payment_intent.amount: missing from PaymentIntent"]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda item: f"{item.method} {item.path}")
def test_everything_built_is_a_parameter_of_the_sdk(operation: Any) -> None:
    known = fields_of(operation.shape.type)

    assert {name.split(".")[0] for name in operation.shape.built} <= known.keys()
    assert not SDK_OPTIONS & known.keys()
    assert stripe.VERSION == "16.1.0"
