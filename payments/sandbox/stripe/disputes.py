"""Disputes: opened by a card, answered with evidence, won or lost ("How disputes work")."""

from payments.sandbox.books import Work
from payments.sandbox.json_types import Json
from payments.sandbox.store import Record
from payments.sandbox.stripe import balance, charges, events
from payments.sandbox.stripe.cards import CARDS
from payments.sandbox.stripe.errors import ApiError

DISPUTE_FEE = 1500
DAYS_TO_ANSWER = 14
EVIDENCE = (
    "access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure",
    "cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name",
    "customer_purchase_ip", "customer_signature", "duplicate_charge_documentation", "duplicate_charge_explanation",
    "duplicate_charge_id", "product_description", "receipt", "refund_policy", "refund_policy_disclosure",
    "refund_refusal_explanation", "service_date", "service_documentation", "shipping_address", "shipping_carrier",
    "shipping_date", "shipping_documentation", "shipping_tracking_number", "uncategorized_file", "uncategorized_text",
)  # fmt: skip
OPEN = ("needs_response", "warning_needs_response", "under_review", "warning_under_review")
NETWORK_REASONS = {"fraudulent": "10.4", "product_not_received": "13.1", "general": "99"}


def open_by_card(work: Work, charge_id: str) -> None:
    """Open what the test card promises: a dispute, an inquiry or a warning."""
    charge = work.store.find(charge_id, "charge")
    if charge is None:
        return
    what = CARDS[charge.hidden["number"]].dispute
    if what == "warning":
        warn(work, charge)
    else:
        is_inquiry = what == "inquiry"
        open_dispute(work, charge, reason="general" if is_inquiry else what, is_inquiry=is_inquiry)


def warn(work: Work, charge: Record) -> None:
    """Announce that the issuer suspects fraud, before any dispute."""
    body: Json = {
        "id": work.ids.make("issfr"),
        "object": "radar.early_fraud_warning",
        "actionable": True,
        "charge": charge.id,
        "created": work.now,
        "fraud_type": "made_with_stolen_card",
        "livemode": False,
        "payment_intent": charge.body["payment_intent"],
    }
    work.add("radar.early_fraud_warning", body)
    events.emit(work, "radar.early_fraud_warning.created", body)


def open_dispute(work: Work, charge: Record, *, reason: str, is_inquiry: bool) -> Record:
    """Open a dispute: the money leaves at once, unless it is only an inquiry."""
    if charge.body["disputed"]:
        raise ApiError(400, f"{charge.id} is disputed already.", code="charge_disputed")
    body = new_body(work, charge, reason=reason, is_inquiry=is_inquiry)
    if not is_inquiry:
        body["balance_transactions"] = [withdraw(work, body, -body["amount"], DISPUTE_FEE)]
    dispute = work.add("dispute", body)
    charge.hidden["refundable_dispute"] = is_inquiry
    charges.change(work, charge, disputed=True)
    events.emit(work, "charge.dispute.created", body)
    if not is_inquiry:
        events.emit(work, "charge.dispute.funds_withdrawn", body)
    return dispute


def new_body(work: Work, charge: Record, *, reason: str, is_inquiry: bool) -> Json:
    """Return a new dispute over what is left of a charge."""
    card = (charge.body["payment_method_details"] or {}).get("card") or {"brand": "visa"}
    return {
        "id": work.ids.make("du"),
        "object": "dispute",
        "amount": charge.body["amount"] - charge.body["amount_refunded"],
        "balance_transactions": [],
        "charge": charge.id,
        "created": work.now,
        "currency": charge.body["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": work.now + DAYS_TO_ANSWER * 86400,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": is_inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge.body["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": card["brand"],
                "case_type": "inquiry" if is_inquiry else "chargeback",
                "network": card["brand"],
                "network_reason_code": NETWORK_REASONS.get(reason, "10.4"),
            },
            "type": "card",
        },
        "reason": reason,
        "status": "warning_needs_response" if is_inquiry else "needs_response",
    }


def withdraw(work: Work, dispute: Json, amount: int, fee: int) -> Json:
    """Book the disputed money leaving, or coming back."""
    return balance.post(
        work,
        amount=amount,
        fee=fee,
        currency=dispute["currency"],
        type_="adjustment",
        category="dispute" if amount < 0 else "dispute_reversal",
        source=dispute["id"],
        description=f"Chargeback {'withdrawal' if amount < 0 else 'reversal'} for {dispute['charge']}",
    )


def answer(work: Work, dispute: Record, params: Json) -> None:
    """Take evidence; two texts decide at once, as on Stripe's test cards."""
    if dispute.body["status"] not in OPEN:
        raise ApiError(400, "This dispute is already closed", param="evidence")
    before = {name: dispute.body[name] for name in ("evidence", "evidence_details", "metadata", "status")}
    given = params.get("evidence") or {}
    dispute.body["evidence"] = {**dispute.body["evidence"], **given}
    if given:
        dispute.body["evidence_details"] = {**dispute.body["evidence_details"], "has_evidence": True}
    if given and params.get("submit", True):
        submit(dispute)
    dispute.body["metadata"] = {**dispute.body["metadata"], **(params.get("metadata") or {})}
    work.save(dispute)
    events.emit(
        work, "charge.dispute.updated", dispute.body, events.changes(before, {n: dispute.body[n] for n in before})
    )
    text = given.get("uncategorized_text")
    if text in ("winning_evidence", "losing_evidence") and params.get("submit", True):
        close(work, dispute, won=text == "winning_evidence")


def submit(dispute: Record) -> None:
    """Send the evidence to the bank."""
    details = dispute.body["evidence_details"]
    dispute.body["evidence_details"] = {
        **details,
        "submission_count": details["submission_count"] + 1,
        "submission_method": "manual",
    }
    is_inquiry = dispute.body["status"].startswith("warning")
    dispute.body["status"] = "warning_under_review" if is_inquiry else "under_review"


def close(work: Work, dispute: Record, *, won: bool) -> None:
    """Close a dispute: the money comes back, or is gone."""
    if dispute.body["status"] not in OPEN:
        raise ApiError(400, "This dispute is already closed")
    is_inquiry = dispute.body["status"].startswith("warning")
    dispute.body["status"] = "warning_closed" if is_inquiry else "won" if won else "lost"
    if won and not is_inquiry:
        back = withdraw(work, dispute.body, dispute.body["amount"], -DISPUTE_FEE)
        dispute.body["balance_transactions"] = [*dispute.body["balance_transactions"], back]
        events.emit(work, "charge.dispute.funds_reinstated", dispute.body)
    work.save(dispute)
    events.emit(work, "charge.dispute.closed", dispute.body)
