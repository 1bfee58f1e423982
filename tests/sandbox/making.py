"""What most tests of the sandbox begin with."""

from typing import Any

import stripe

from payments.sandbox.testing import Sandbox


def intent(
    client: stripe.StripeClient, amount: int = 4500, key: str | None = None, **more: Any
) -> stripe.PaymentIntent:
    """Create a payment intent for cards."""
    params: Any = {"amount": amount, "currency": "usd", "allowed_payment_method_types": ["card"], **more}
    return client.v1.payment_intents.create(params, {"idempotency_key": key} if key else None)


def paid(sandbox: Sandbox, card: str = "pm_card_visa", amount: int = 4500) -> str:
    """Create and pay an intent; return its id."""
    made = intent(sandbox.client(), amount)
    assert sandbox.pay(made.id, card)["status"] == "succeeded"
    return str(made.id)


def session(client: stripe.StripeClient, **more: Any) -> stripe.checkout.Session:
    """Open a hosted page for two tickets at $25."""
    line = {"quantity": 2, "price_data": {"currency": "usd", "unit_amount": 2500, "product_data": {"name": "General"}}}
    params: Any = {
        "mode": "payment",
        "success_url": "http://shop.test/ok?s={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://shop.test/no",
        "line_items": [line],
        "allowed_payment_method_types": ["card"],
        **more,
    }
    return client.v1.checkout.sessions.create(params)


def types(sandbox: Sandbox) -> list[str]:
    """Return the types of all events so far, in the order they happened."""
    return [event["type"] for event in sandbox.events()]
