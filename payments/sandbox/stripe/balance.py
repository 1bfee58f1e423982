"""Balance transactions: what each movement of money did to the account."""

from payments.sandbox.books import Work
from payments.sandbox.json_types import Json

DAYS_UNTIL_AVAILABLE = 2


def card_fee(amount: int) -> int:
    """Return Stripe's usual fee on a card payment: 2.9 % and 30 cents."""
    return round(amount * 0.029) + 30


def post(
    work: Work, *, amount: int, fee: int, currency: str, type_: str, category: str, source: str, description: str | None
) -> Json:
    """Book one movement and return its balance transaction."""
    details = [
        {
            "amount": fee,
            "application": None,
            "currency": currency,
            "description": "Stripe processing fees" if type_ != "adjustment" else "Dispute fee",
            "type": "stripe_fee",
        }
    ]
    body: Json = {
        "id": work.ids.make("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": work.now + DAYS_UNTIL_AVAILABLE * 86400,
        "balance_type": "payments",
        "created": work.now,
        "currency": currency,
        "description": description,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": details if fee else [],
        "net": amount - fee,
        "reporting_category": category,
        "source": source,
        "status": "pending",
        "type": type_,
    }
    work.add("balance_transaction", body)
    return body
