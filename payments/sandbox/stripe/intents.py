"""Payment intents as they are kept, shown and moved ("How PaymentIntents work")."""

from payments.sandbox.books import Work
from payments.sandbox.json_types import Json
from payments.sandbox.store import Record
from payments.sandbox.stripe import events
from payments.sandbox.stripe.errors import ApiError, invalid

MINIMUMS = {"usd": 50, "eur": 50, "gbp": 30, "cad": 50, "aud": 50, "mxn": 1000, "chf": 50, "jpy": 50, "brl": 50}
SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "cad": "$", "aud": "$", "mxn": "$"}
LARGEST = 99_999_999
CANCELLABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action")
# What a browser that holds a client secret may see ("PaymentIntents: publishable").
PUBLIC = frozenset(
    {
        "id", "object", "allowed_payment_method_types", "amount", "amount_details", "automatic_payment_methods",
        "canceled_at", "cancellation_reason",
        "capture_method", "client_secret", "confirmation_method", "created", "currency", "description",
        "excluded_payment_method_types", "last_payment_error", "livemode", "next_action", "payment_method",
        "payment_method_configuration_details", "payment_method_types", "processing", "receipt_email",
        "setup_future_usage", "shipping", "source", "status",
    }
)  # fmt: skip


def make(work: Work, values: Json, hidden: Json | None = None) -> Record:
    """Keep a new payment intent and announce it."""
    id_ = work.ids.make("pi")
    body: Json = {
        "id": id_,
        "object": "payment_intent",
        "allowed_payment_method_types": values.get("allowed_payment_method_types"),
        "amount": values["amount"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": values.get("automatic_payment_methods"),
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": values.get("capture_method") or "automatic_async",
        "client_secret": f"{id_}_secret_{work.ids.word(25)}",
        "confirmation_method": "automatic",
        "created": work.now,
        "currency": values["currency"],
        "customer": None,
        "customer_account": None,
        "description": values.get("description"),
        "excluded_payment_method_types": values.get("excluded_payment_method_types"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": values.get("metadata") or {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": method_options(values),
        "payment_method_types": values["payment_method_types"],
        "processing": None,
        "receipt_email": values.get("receipt_email"),
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": values.get("statement_descriptor_suffix"),
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }
    intent = work.add("payment_intent", body, hidden)
    events.emit(work, "payment_intent.created", body)
    return intent


def method_options(values: Json) -> Json:
    """Return the options of the intent's payment methods, cards' with their defaults."""
    card = (values.get("payment_method_options") or {}).get("card") or {}
    if "card" not in values["payment_method_types"]:
        return {}
    return {
        "card": {
            "installments": None,
            "mandate_options": None,
            "network": None,
            "request_three_d_secure": card.get("request_three_d_secure") or "automatic",
        }
    }


def check_amount(amount: int, currency: str, param: str = "amount") -> None:
    """Refuse an amount below Stripe's minimum for the currency, or above what fits ("Minimum and maximum charge")."""
    if currency not in MINIMUMS:
        raise invalid(f"Invalid currency: {currency}. The sandbox knows {', '.join(MINIMUMS)}.", "currency")
    if amount < 1:
        raise invalid("This value must be greater than or equal to 1.", param, "parameter_invalid_integer")
    least = MINIMUMS[currency]
    if amount < least:
        sign = SIGNS.get(currency, "")
        raise invalid(f"Amount must be at least {sign}{least / 100:.2f} {currency}", param, "amount_too_small")
    if amount > LARGEST:
        raise invalid("Amount must be no more than $999,999.99", param, "amount_too_large")


def shown(intent: Record, *, is_public: bool) -> Json:
    """Return an intent as its reader may see it."""
    if not is_public:
        return intent.body
    return {name: value for name, value in intent.body.items() if name in PUBLIC}


def wrong_state(intent: Record, message: str, *, is_public: bool = False) -> ApiError:
    """Refuse a move that the intent's status does not allow."""
    extra = {"payment_intent": shown(intent, is_public=is_public)}
    return ApiError(400, message, code="payment_intent_unexpected_state", extra=extra)


def cancel(work: Work, intent: Record, reason: str | None) -> None:
    """Cancel an intent that can still be cancelled; raise where it cannot."""
    status = intent.body["status"]
    if status not in CANCELLABLE:
        raise wrong_state(
            intent,
            f"You cannot cancel this PaymentIntent because it has a status of {status}. Only a PaymentIntent with one "
            f"of the following statuses may be canceled: {', '.join(CANCELLABLE)}, processing.",
        )
    intent.body |= {
        "status": "canceled",
        "canceled_at": work.now,
        "cancellation_reason": reason,
        "next_action": None,
    }
    work.save(intent)
    events.emit(work, "payment_intent.canceled", intent.body)
