"""Confirming a payment intent: decline, 3-D Secure, slow methods, success."""

from dataclasses import dataclass

from payments.sandbox.books import Work
from payments.sandbox.json_types import Json
from payments.sandbox.store import Record
from payments.sandbox.stripe import charges, events, intents, session_ends
from payments.sandbox.stripe.cards import CARDS, MESSAGES, Card
from payments.sandbox.stripe.errors import ApiError, doc_url

CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
PROCESSING_SECONDS = 4 * 24 * 3600.0
DISPUTE_SECONDS = 3.0
ADVICE = {
    "generic_decline": "try_again_later",
    "insufficient_funds": "try_again_later",
    "card_velocity_exceeded": "try_again_later",
    "processing_error": "try_again_later",
    "lost_card": "do_not_try_again",
    "stolen_card": "do_not_try_again",
    "fraudulent": "do_not_try_again",
    "expired_card": "confirm_card_data",
    "incorrect_cvc": "confirm_card_data",
}
FAILED_AUTHENTICATION = (
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod "
    "to attempt to fulfill this PaymentIntent again."
)
AUTHENTICATED: Json = {
    "authentication_flow": "challenge",
    "electronic_commerce_indicator": "05",
    "exemption_indicator": None,
    "exemption_indicator_applied": None,
    "result": "authenticated",
    "result_reason": None,
    "transaction_id": "b2a5c1f0-7a4e-4d8e-9f10-5a4db0x",
    "version": "2.2.0",
}


@dataclass(frozen=True)
class Attempt:
    """How one confirmation was asked for."""

    method: Record
    return_url: str = ""
    # Stripe.js shows the challenge itself; anything else sends the guest to a page.
    uses_sdk: bool = False
    is_public: bool = False
    # A decline that a fault rule forces.
    forced: Json | None = None


def confirm(work: Work, intent: Record, attempt: Attempt) -> None:
    """Try to pay: leaves the intent succeeded, processing, waiting for the guest, or raises the decline."""
    check_status(intent, is_public=attempt.is_public)
    kind = attempt.method.body["type"]
    if kind not in intent.body["payment_method_types"]:
        raise ApiError(
            400,
            f"The PaymentMethod provided ({kind}) is not allowed for this PaymentIntent. Please attach a PaymentMethod "
            f"of one of the following types: {', '.join(intent.body['payment_method_types'])}.",
            code="payment_intent_incompatible_payment_method",
            extra={"payment_intent": intents.shown(intent, is_public=attempt.is_public)},
        )
    intent.body |= {"payment_method": attempt.method.id, "last_payment_error": None, "next_action": None}
    intent.hidden["return_url"] = attempt.return_url
    card = CARDS.get(attempt.method.hidden.get("number", ""))
    if card is None:
        begin_processing(work, intent)
    elif attempt.forced is None and needs_challenge(card, intent):
        ask_for_challenge(work, intent, attempt)
    else:
        frictionless = card.challenge == "frictionless"
        challenge = AUTHENTICATED | {"authentication_flow": "frictionless"} if frictionless else None
        charge(work, intent, attempt.method, challenge=challenge, forced=attempt.forced, is_public=attempt.is_public)


def check_status(intent: Record, *, is_public: bool) -> None:
    """Refuse to confirm what is paid, closed or on its way."""
    status = intent.body["status"]
    if status in CONFIRMABLE:
        return
    if status == "succeeded":
        message = (
            "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed."
        )
    else:
        message = (
            f"You cannot confirm this PaymentIntent because it has a status of {status}. Only a PaymentIntent with one "
            "of the following statuses may be confirmed: requires_confirmation, requires_action."
        )
    raise intents.wrong_state(intent, message, is_public=is_public)


def needs_challenge(card: Card, intent: Record) -> bool:
    """Say whether the issuer, or the caller, asks for 3-D Secure."""
    if card.challenge == "optional":
        options = intent.body["payment_method_options"].get("card") or {}
        return options.get("request_three_d_secure") in ("any", "challenge")
    return card.challenge == "required"


def ask_for_challenge(work: Work, intent: Record, attempt: Attempt) -> None:
    """Wait for the guest: in a dialog of Stripe.js, or on a page that returns to `return_url`."""
    source = work.ids.make("src")
    page = f"{work.books.config.public_url}/3ds/{intent.id}/{source}"
    intent.hidden["challenge"] = source
    intent.body["status"] = "requires_action"
    if attempt.uses_sdk or not attempt.return_url:
        action: Json = {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"type": "three_d_secure_redirect", "source": source, "stripe_js": page},
        }
    else:
        action = {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": attempt.return_url, "url": f"{page}?leave=1"},
        }
    intent.body["next_action"] = action
    work.save(intent)
    events.emit(work, "payment_intent.requires_action", intent.body)


def answer_challenge(work: Work, intent: Record, *, passed: bool) -> None:
    """Take the guest's answer to 3-D Secure: charge the card, or refuse and let them try again."""
    if intent.body["status"] != "requires_action":
        raise intents.wrong_state(intent, f"{intent.id} does not wait for authentication.")
    method = work.store.find(intent.body["payment_method"], "payment_method")
    if method is None:
        raise intents.wrong_state(intent, f"{intent.id} has no payment method.")
    intent.hidden.pop("challenge", None)
    intent.body["next_action"] = None
    if passed:
        charge(work, intent, method, challenge=AUTHENTICATED, forced=None, is_public=True)
        return
    error = {
        "code": "payment_intent_authentication_failure",
        "doc_url": doc_url("payment_intent_authentication_failure"),
        "message": FAILED_AUTHENTICATION,
        "payment_method": method.body,
        "type": "invalid_request_error",
    }
    fail(work, intent, error)


def charge(
    work: Work, intent: Record, method: Record, *, challenge: Json | None, forced: Json | None, is_public: bool
) -> None:
    """Charge the card: success, or a failed charge and a decline of 402 whose traces stay."""
    card = CARDS[method.hidden["number"]]
    refusal = forced or refusal_of(card)
    made = charges.make(work, intent.body, method, challenge=challenge, refusal=refusal)
    intent.body["latest_charge"] = made.id
    if refusal is None:
        succeed(work, intent, made, card)
        return
    events.emit(work, "charge.failed", made.body)
    error = {
        **refusal,
        "charge": made.id,
        "doc_url": doc_url(refusal["code"]),
        "network_decline_code": made.body["outcome"]["network_decline_code"],
        "payment_method": method.body,
        "type": "card_error",
    }
    error = {name: value for name, value in error.items() if value is not None}
    fail(work, intent, error)
    extra = {name: value for name, value in error.items() if name not in ("message", "type", "code", "doc_url")}
    extra["payment_intent"] = intents.shown(intent, is_public=is_public)
    raise ApiError(402, refusal["message"], type_="card_error", code=refusal["code"], extra=extra, keep_changes=True)


def refusal_of(card: Card) -> Json | None:
    """Return the issuer's refusal of this card, if it refuses."""
    if not card.decline:
        return None
    return {
        "advice_code": ADVICE.get(card.decline),
        "code": card.code,
        "decline_code": card.decline,
        "message": card.message,
    }


def forced_refusal(code: str, decline_code: str) -> Json:
    """Return the refusal that a fault rule asks for."""
    return {
        "advice_code": ADVICE.get(decline_code),
        "code": code,
        "decline_code": decline_code,
        "message": MESSAGES.get(decline_code, "Your card was declined."),
    }


def fail(work: Work, intent: Record, error: Json) -> None:
    """Go back to `requires_payment_method` with the reason: the guest may try another card."""
    intent.body |= {
        "status": "requires_payment_method",
        "last_payment_error": error,
        "payment_method": None,
        "next_action": None,
        "processing": None,
    }
    work.save(intent)
    events.emit(work, "payment_intent.payment_failed", intent.body)


def succeed(work: Work, intent: Record, made: Record, card: Card | None) -> None:
    """Finish a paid intent: events, then what time brings (settling, a dispute), then its session."""
    intent.body |= {
        "status": "succeeded",
        "amount_received": intent.body["amount"],
        "processing": None,
        "next_action": None,
    }
    work.save(intent)
    events.emit(work, "charge.succeeded", made.body)
    events.emit(work, "payment_intent.succeeded", intent.body)
    work.later("settle_charge", made.id, charges.SETTLE_SECONDS)
    if card and card.dispute:
        work.later("open_dispute", made.id, DISPUTE_SECONDS)
    session_ends.complete(work, intent)


def begin_processing(work: Work, intent: Record) -> None:
    """Begin a payment that takes days."""
    intent.body |= {"status": "processing", "processing": None}
    work.save(intent)
    events.emit(work, "payment_intent.processing", intent.body)
    work.later("finish_processing", intent.id, PROCESSING_SECONDS)
    session_ends.complete(work, intent)


def finish_processing(work: Work, intent_id: str) -> None:
    """End a slow payment: paid, refused, or still on its way."""
    intent = work.store.find(intent_id, "payment_intent")
    if intent is None or intent.body["status"] != "processing":
        return
    method = work.store.find(intent.body["payment_method"], "payment_method")
    outcome = method.hidden.get("outcome") if method else "success"
    if method is None or outcome == "processing":
        return
    if outcome == "success":
        made = charges.make(work, intent.body, method, challenge=None, refusal=None)
        intent.body["latest_charge"] = made.id
        succeed(work, intent, made, None)
        return
    error = {
        "code": "payment_method_not_available",
        "message": "The customer's account has insufficient funds to cover this payment.",
        "payment_method": method.body,
        "type": "invalid_request_error",
    }
    fail(work, intent, error)
    session_ends.fail_later(work, intent)
