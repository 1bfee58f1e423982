"""Stripe's objects read into the club's words."""

from typing import Any

from payments.gateways.types import (
    Decline,
    Dispute,
    DisputeStatus,
    Intent,
    IntentStatus,
    ProviderRefund,
    RefundStatus,
    Session,
    SessionStatus,
)

INTENT_STATUSES = {
    "processing": IntentStatus.PROCESSING,
    "succeeded": IntentStatus.SUCCEEDED,
    "canceled": IntentStatus.CANCELLED,
}
REFUND_STATUSES = {
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}
DISPUTE_STATUSES = {
    "won": DisputeStatus.WON,
    "warning_closed": DisputeStatus.WON,
    "prevented": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
}


def id_of(value: Any) -> str:  # Any: Stripe gives an id or, expanded, the object itself
    """Return the id of an object that may come expanded."""
    return str(value["id"] if isinstance(value, dict) else value or "")


def intent_from(data: dict[str, Any]) -> Intent:
    """Read a payment intent; every status not named waits for the guest."""
    return Intent(
        id=data["id"],
        status=INTENT_STATUSES.get(data["status"], IntentStatus.OPEN),
        amount_cents=data["amount"],
        received_cents=data.get("amount_received") or 0,
        currency=data["currency"],
        payment_ref=(data.get("metadata") or {}).get("payment_id", ""),
        client_secret=data.get("client_secret") or "",
        decline=decline_from(data),
    )


def decline_from(intent: dict[str, Any]) -> Decline | None:
    """Read why the last attempt failed, where it did; an attempt is known by its charge."""
    error = intent.get("last_payment_error")
    if not error:
        return None
    return Decline(
        attempt_id=error.get("charge") or id_of(error.get("payment_method")) or intent["id"],
        code=error.get("decline_code") or error.get("code") or "",
        message=error.get("message") or "",
    )


def session_from(data: dict[str, Any]) -> Session:
    """Read a Checkout session."""
    return Session(
        id=data["id"],
        status=SessionStatus(data["status"]),
        is_paid=data["payment_status"] == "paid",
        amount_cents=data.get("amount_total") or 0,
        currency=data.get("currency") or "",
        payment_ref=data.get("client_reference_id") or "",
        intent_id=id_of(data.get("payment_intent")),
        url=data.get("url") or "",
    )


def refund_from(data: dict[str, Any]) -> ProviderRefund:
    """Read a refund."""
    return ProviderRefund(
        id=data["id"],
        intent_id=id_of(data.get("payment_intent")),
        status=REFUND_STATUSES.get(data["status"], RefundStatus.PENDING),
        amount_cents=data["amount"],
        refund_ref=(data.get("metadata") or {}).get("refund_id", ""),
        failure_reason=data.get("failure_reason") or "",
    )


def dispute_from(data: dict[str, Any]) -> Dispute:
    """Read a dispute."""
    return Dispute(
        id=data["id"],
        intent_id=id_of(data.get("payment_intent")),
        status=DISPUTE_STATUSES.get(data["status"], DisputeStatus.OPEN),
        amount_cents=data["amount"],
        reason=data.get("reason") or "",
    )
