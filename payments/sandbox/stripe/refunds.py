"""Refunds: never more than the charge; some are slow, some fail after they succeeded ("Refunds")."""

from payments.sandbox.books import Work
from payments.sandbox.json_types import Json
from payments.sandbox.store import Record
from payments.sandbox.stripe import balance, charges, events
from payments.sandbox.stripe.cards import CARDS
from payments.sandbox.stripe.errors import ApiError, invalid, missing_object, missing_parameter

SLOW_SECONDS = 10.0


def create(work: Work, params: Json) -> Record:
    """Refund a charge, in part or in full; raise where more is asked than is left."""
    charge = charge_of(work, params)
    amount = amount_of(charge, params.get("amount"))
    card = CARDS.get(charge.hidden.get("number", ""))
    is_slow = bool(card and card.refund == "pending")
    body: Json = {
        "id": work.ids.make("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge.id,
        "created": work.now,
        "currency": charge.body["currency"],
        "customer": None,
        "customer_account": None,
        "destination_details": {"card": {"reference_status": "pending", "reference_type": "acquirer_reference_number",
                                         "type": "refund"}, "type": "card"},
        "metadata": params.get("metadata") or {},
        "payment_intent": charge.body["payment_intent"],
        "payment_method": charge.body["payment_method"],
        "reason": params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending" if is_slow else "succeeded",
        "transfer_reversal": None,
    }  # fmt: skip
    body["balance_transaction"] = move_money(work, body, -amount, "refund")
    refund = work.add("refund", body)
    events.emit(work, "refund.created", body)
    returned = charge.body["amount_refunded"] + amount
    charges.change(
        work, charge, "charge.refunded", amount_refunded=returned, refunded=returned == charge.body["amount"]
    )
    if is_slow:
        work.later("finish_refund", refund.id, SLOW_SECONDS)
    elif card and card.refund == "fails":
        work.later("fail_refund", refund.id, SLOW_SECONDS)
    return refund


def charge_of(work: Work, params: Json) -> Record:
    """Return the charge to refund, named by itself or by its payment intent."""
    if id_ := params.get("charge"):
        charge = work.store.find(id_, "charge")
        if charge is None:
            raise missing_object("charge", id_, "charge")
        return charge
    id_ = params.get("payment_intent")
    if not id_:
        raise missing_parameter("charge")
    intent = work.store.find(id_, "payment_intent")
    if intent is None:
        raise missing_object("payment_intent", id_, "payment_intent")
    charge = work.store.find(intent.body["latest_charge"] or "", "charge")
    if charge is None or not charge.body["paid"]:
        raise ApiError(
            400,
            f"This PaymentIntent ({id_}) does not have a successful charge to refund.",
            code="payment_intent_unexpected_state",
            param="payment_intent",
        )
    return charge


def amount_of(charge: Record, asked: int | None) -> int:
    """Return how much to refund: what was asked, or all that is left."""
    if charge.body["disputed"] and not charge.hidden.get("refundable_dispute"):
        raise ApiError(400, f"Charge {charge.id} has been charged back; cannot issue a refund.", code="charge_disputed")
    left = charge.body["amount"] - charge.body["amount_refunded"]
    if not charge.body["paid"] or charge.body["status"] != "succeeded":
        raise ApiError(400, f"Charge {charge.id} did not succeed; cannot issue a refund.", code="charge_not_refundable")
    if left == 0:
        raise ApiError(400, f"Charge {charge.id} has already been refunded.", code="charge_already_refunded")
    if asked is None:
        return int(left)
    if asked < 1:
        raise invalid("This value must be greater than or equal to 1.", "amount", "parameter_invalid_integer")
    if asked > left:
        raise ApiError(
            400,
            f"Refund amount (${asked / 100:.2f}) is greater than unrefunded amount on charge (${left / 100:.2f})",
            param="amount",
        )
    return asked


def move_money(work: Work, refund: Json, amount: int, type_: str) -> str:
    """Book the money leaving, or coming back."""
    booked = balance.post(
        work,
        amount=amount,
        fee=0,
        currency=refund["currency"],
        type_=type_,
        category=type_,
        source=refund["id"],
        description=f"REFUND FOR CHARGE ({refund['charge']})",
    )
    return str(booked["id"])


def finish(work: Work, refund_id: str) -> None:
    """Let a slow refund succeed."""
    refund = work.store.find(refund_id, "refund")
    if refund is None or refund.body["status"] != "pending":
        return
    change(work, refund, status="succeeded")


def change(work: Work, refund: Record, **values: object) -> None:
    """Change fields of a refund and announce it, under its old and its new name."""
    previous = events.changes(refund.body, values)
    refund.body |= values
    work.save(refund)
    events.emit(work, "refund.updated", refund.body, previous)
    events.emit(work, "charge.refund.updated", refund.body, previous)


def fail(work: Work, refund_id: str, reason: str = "expired_or_canceled_card") -> None:
    """Let a refund fail, also after it succeeded: the money is back with the merchant."""
    refund = work.store.find(refund_id, "refund")
    if refund is None:
        raise missing_object("refund", refund_id, "id")
    if refund.body["status"] not in ("pending", "succeeded"):
        return
    returned = move_money(work, refund.body, refund.body["amount"], "refund_failure")
    change(work, refund, status="failed", failure_reason=reason, failure_balance_transaction=returned)
    events.emit(work, "refund.failed", refund.body)
    charge = work.store.find(refund.body["charge"], "charge")
    if charge:
        left = charge.body["amount_refunded"] - refund.body["amount"]
        charges.change(work, charge, amount_refunded=left, refunded=False)


def fail_slowly(work: Work, refund_id: str) -> None:
    """Let a refund fail, as its test card says."""
    fail(work, refund_id)
