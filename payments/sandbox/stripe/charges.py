"""Charges: one attempt to take the money each."""

from payments.sandbox.books import Work
from payments.sandbox.json_types import Json
from payments.sandbox.store import Record
from payments.sandbox.stripe import balance, events
from payments.sandbox.stripe.cards import CARDS, Card

SETTLE_SECONDS = 1.0
ACCEPTED: Json = {
    "advice_code": None,
    "network_advice_code": None,
    "network_decline_code": None,
    "network_status": "approved_by_network",
    "reason": None,
    "seller_message": "Payment complete.",
    "type": "authorized",
}
NETWORK_CODES = {"insufficient_funds": "51", "lost_card": "41", "stolen_card": "43", "expired_card": "54"}
RISK_SCORES = {"normal": 24, "elevated": 70, "highest": 92}


def make(work: Work, intent: Json, method: Record, *, challenge: Json | None, refusal: Json | None) -> Record:
    """Keep the charge of one attempt; `refusal` holds its code, decline code and message."""
    card = CARDS.get(method.hidden.get("number", ""))
    failed = refusal is not None
    body: Json = {
        "id": work.ids.make("ch" if card else "py"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0 if failed else intent["amount"],
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": method.body["billing_details"],
        "calculated_statement_descriptor": "MAGUEY SANDBOX",
        "captured": not failed,
        "created": work.now,
        "currency": intent["currency"],
        "customer": None,
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": refusal["code"] if refusal else None,
        "failure_message": refusal["message"] if refusal else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": outcome(card, refusal),
        "paid": not failed,
        "payment_intent": intent["id"],
        "payment_method": method.id,
        "payment_method_details": details(intent, method, card, challenge),
        "presentment_details": None,
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None if failed else f"{work.books.config.public_url}/receipts/{intent['id']}",
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "failed" if failed else "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }
    return work.add("charge", body, {"number": card.number if card else ""})


def outcome(card: Card | None, refusal: Json | None) -> Json:
    """Return what the network and Radar said of an attempt."""
    risk = card.risk if card else "normal"
    judged = ACCEPTED | {"risk_level": risk, "risk_score": RISK_SCORES[risk]}
    if refusal is None:
        return judged
    if risk == "highest":
        return judged | {
            "network_status": "not_sent_to_network",
            "reason": "highest_risk_level",
            "seller_message": "Stripe blocked this payment as too risky.",
            "type": "blocked",
        }
    return judged | {
        "advice_code": refusal.get("advice_code"),
        "network_decline_code": NETWORK_CODES.get(refusal.get("decline_code") or "", "01"),
        "network_status": "declined_by_network",
        "reason": refusal.get("decline_code"),
        "seller_message": f"The bank returned the decline code `{refusal.get('decline_code')}`.",
        "type": "issuer_declined",
    }


def details(intent: Json, method: Record, card: Card | None, challenge: Json | None) -> Json:
    """Return the payment method as it was when it was charged."""
    if card is None:
        return {"type": "us_bank_account", "us_bank_account": bank_details(method.body["us_bank_account"])}
    shown = method.body["card"]
    kept = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4")
    return {
        "type": "card",
        "card": {name: shown[name] for name in kept}
        | {
            "amount_authorized": intent["amount"],
            "authorization_code": "123456",
            "extended_authorization": {"status": "disabled"},
            "incremental_authorization": {"status": "unavailable"},
            "installments": None,
            "mandate": None,
            "multicapture": {"status": "unavailable"},
            "network": card.brand,
            "network_token": {"used": False},
            "network_transaction_id": "110711871001311",
            "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
            "regulated_status": "unregulated",
            "three_d_secure": challenge,
            "transaction_link_id": None,
            "wallet": None,
        },
    }


def bank_details(account: Json) -> Json:
    """Return a bank account as it was when it was charged."""
    kept = ("account_holder_type", "account_type", "bank_name", "fingerprint", "last4", "routing_number")
    return {name: account[name] for name in kept} | {"mandate": None, "payment_reference": None}


def settle(work: Work, charge_id: str) -> None:
    """Book a charge's balance transaction, a moment after the charge (`automatic_async` capture)."""
    charge = work.store.find(charge_id, "charge")
    if charge is None or charge.body["balance_transaction"]:
        return
    booked = balance.post(
        work,
        amount=charge.body["amount"],
        fee=balance.card_fee(charge.body["amount"]),
        currency=charge.body["currency"],
        type_="charge" if charge.id.startswith("ch") else "payment",
        category="charge",
        source=charge.id,
        description=charge.body["description"],
    )
    change(work, charge, balance_transaction=booked["id"])


def change(work: Work, charge: Record, event: str = "charge.updated", **values: object) -> None:
    """Change fields of a charge and announce it."""
    previous = events.changes(charge.body, values)
    charge.body |= values
    work.save(charge)
    events.emit(work, event, charge.body, previous)
