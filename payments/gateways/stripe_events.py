"""Stripe's events: is it theirs, and what is it about."""

import json
from typing import Any

import stripe

from payments.exceptions import SignatureRefused
from payments.gateways import stripe_objects
from payments.gateways.types import DisputeChanged, Hint, RefundsChanged, Subject

TOLERANCE_SECONDS = 300
INTENT_EVENTS = {
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.canceled",
}
SESSION_EVENTS = {
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.expired",
}
CHARGE_EVENTS = {"charge.refunded"}
REFUND_EVENTS = {"refund.created", "refund.updated", "refund.failed"}
DISPUTE_EVENTS = {
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
}
EVENTS = INTENT_EVENTS | SESSION_EVENTS | CHARGE_EVENTS | REFUND_EVENTS | DISPUTE_EVENTS


def read(body: bytes, signature: str, *, secrets: list[str]) -> Hint:
    """Verify the signature over the raw body with any secret in force, then read the event.

    While a secret is rolled both are in force ("Verify webhook signatures"). Raises SignatureRefused.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SignatureRefused("the body is not UTF-8") from error
    if not any(is_signed(text, signature, secret) for secret in secrets):
        raise SignatureRefused("no secret in force has signed this body in the last 300 seconds")
    try:
        # PostgreSQL keeps no NUL, and no name has one.
        return hint_from(json.loads(text.replace("\\u0000", "")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SignatureRefused("the body is not an event") from error


def is_signed(text: str, signature: str, secret: str) -> bool:
    """Say whether one secret signed the body within the tolerance."""
    try:
        return bool(stripe.WebhookSignature.verify_header(text, signature, secret, TOLERANCE_SECONDS))
    except (stripe.SignatureVerificationError, ValueError):
        return False


def hint_from(payload: dict[str, Any]) -> Hint:
    """Say what an event is about; the subject is empty where we do not use its type."""
    if not isinstance(payload["id"], str) or not isinstance(payload["type"], str):
        raise ValueError("an event has an id and a type")
    data = payload.get("data", {}).get("object", {})
    return Hint(
        event_id=payload["id"],
        type=payload["type"],
        payload=payload,
        subject=subject_of(payload["type"], data),
        about=about(data),
    )


def about(data: Any) -> str:  # Any: whatever an event carries, of a type we may not know
    """Return the payment intent an object belongs to, or else its own id."""
    if not isinstance(data, dict):
        return ""
    intent = data.get("payment_intent")
    found = (intent.get("id") if isinstance(intent, dict) else intent) or data.get("id")
    return found if isinstance(found, str) else ""


def subject_of(type_: str, data: dict[str, Any]) -> Subject | None:
    """Read the object an event carries, or only its id where the current one must be read."""
    if type_ in INTENT_EVENTS:
        return stripe_objects.intent_from(data)
    if type_ in SESSION_EVENTS:
        return stripe_objects.session_from(data)
    if type_ in CHARGE_EVENTS:
        return RefundsChanged(intent_id=stripe_objects.id_of(data.get("payment_intent")))
    if type_ in REFUND_EVENTS:
        refund = stripe_objects.refund_from(data)
        return RefundsChanged(intent_id=refund.intent_id, refund=refund)
    if type_ in DISPUTE_EVENTS:
        dispute = stripe_objects.dispute_from(data)
        return DisputeChanged(dispute_id=dispute.id, intent_id=dispute.intent_id, dispute=dispute)
    return None


def hint_for_object(type_: str, data: dict[str, Any]) -> Hint:
    """Say of a listed object what an event about it would have said."""
    return hint_from({"id": f"listed:{data['id']}", "type": type_, "data": {"object": data}})


def type_for_intent(data: dict[str, Any]) -> str:
    """Name the event that tells where a payment intent stands."""
    return {
        "succeeded": "payment_intent.succeeded",
        "canceled": "payment_intent.canceled",
        "processing": "payment_intent.processing",
    }.get(data["status"], "payment_intent.payment_failed")


def type_for_refund(data: dict[str, Any]) -> str:
    """Name the event that tells where a refund stands."""
    return "refund.failed" if data["status"] == "failed" else "refund.updated"


def type_for_dispute(data: dict[str, Any]) -> str:
    """Name the event that tells where a dispute stands."""
    return "charge.dispute.updated"
