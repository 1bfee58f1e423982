"""Where a payment or an event is shown at its provider."""

from django.conf import settings

STRIPE = "https://dashboard.stripe.com"


def of_payment(payment_id: str) -> str:
    """Return the address of a payment in its provider's own dashboard; empty where it has none there."""
    if payment_id.startswith("pi_"):
        return f"{stripe()}/payments/{payment_id}"
    return f"{paypal()}/activity/payment/{payment_id}" if payment_id else ""


def of_event(event_id: str) -> str:
    """Return the address of an event in Stripe's dashboard; PayPal shows none by its id."""
    return f"{stripe()}/workbench/events/{event_id}" if event_id.startswith("evt_") else ""


def stripe() -> str:
    """Return Stripe's dashboard, for live or for test money as our key is."""
    return f"{STRIPE}/test" if is_test() else STRIPE


def paypal() -> str:
    """Return PayPal's dashboard, for live or for test money as our key at Stripe is."""
    return "https://www.sandbox.paypal.com" if is_test() else "https://www.paypal.com"


def is_test() -> bool:
    """Say whether the money is play money."""
    return settings.STRIPE_SECRET_KEY.startswith(("sk_test_", "rk_test_"))
