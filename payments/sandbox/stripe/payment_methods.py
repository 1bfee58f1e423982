"""Payment methods: cards typed into the frame, and the `pm_card_*` names tests use."""

import hashlib
from datetime import UTC, datetime

from payments.sandbox.books import Work
from payments.sandbox.json_types import Json
from payments.sandbox.store import Record
from payments.sandbox.stripe import cards
from payments.sandbox.stripe.cards import BANK_TOKENS, CARDS, TOKENS, Card
from payments.sandbox.stripe.errors import ApiError, missing_object

RAW_CARD_NUMBERS = (
    "Sending credit card numbers directly to the Stripe API is generally unsafe. We suggest you use test tokens that "
    "map to the test card you are using, see https://stripe.com/docs/testing."
)
LIVE_CARD = (
    "Your card was declined. Your request was in test mode, but used a non test (live) card. For a list of valid test "
    "cards, visit: https://stripe.com/docs/testing."
)
EMPTY_ADDRESS: Json = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))


def resolve(work: Work, id_: str, param: str = "payment_method") -> Record:
    """Return the payment method of this id; a `pm_card_*` name makes a new one."""
    if id_ in TOKENS:
        year = datetime.fromtimestamp(work.now, UTC).year + 1
        return make_card(work, CARDS[TOKENS[id_]], exp_month=work_month(work), exp_year=year, billing={})
    if id_ in BANK_TOKENS:
        return make_bank_account(work, BANK_TOKENS[id_])
    found = work.store.find(id_, "payment_method")
    if found is None:
        raise missing_object("PaymentMethod", id_, param)
    return found


def work_month(work: Work) -> int:
    """Return the current month."""
    return datetime.fromtimestamp(work.now, UTC).month


def from_data(work: Work, data: Json, *, is_public: bool) -> Record:
    """Make a payment method from what a card form sent; only a browser may send a number."""
    card = data.get("card")
    if data.get("type") != "card" or not isinstance(card, dict):
        raise ApiError(400, "SANDBOX: the form takes cards only", code="sandbox_not_built", param="type")
    if not is_public:
        raise ApiError(402, RAW_CARD_NUMBERS)
    month, year = read_expiry(work, card)
    return make_card(work, read_number(card), exp_month=month, exp_year=year, billing=data.get("billing_details") or {})


def card_error(message: str, code: str, param: str, decline_code: str | None = None) -> ApiError:
    """Refuse what was typed into the card form."""
    extra = {"decline_code": decline_code} if decline_code else {}
    return ApiError(402, message, type_="card_error", code=code, param=param, extra=extra)


def read_number(card: Json) -> Card:
    """Return the test card of a typed number; any other number is refused and not kept."""
    number = "".join(str(card.get("number", "")).split())
    known = CARDS.get(number)
    if known is not None and known.decline != "incorrect_number":
        check_cvc(str(card.get("cvc", "")), known)
        return known
    if not number.isascii() or not number.isdigit() or not cards.passes_luhn(number):
        raise card_error("Your card number is incorrect.", "incorrect_number", "number")
    raise card_error(LIVE_CARD, "card_declined", "", "test_mode_live_card")


def check_cvc(cvc: str, card: Card) -> None:
    """Refuse a security code of the wrong length (American Express prints four digits)."""
    allowed = (3, 4) if card.brand == "amex" else (3,)
    if not (cvc.isascii() and cvc.isdigit()) or len(cvc) not in allowed:
        raise card_error("Your card's security code is invalid.", "invalid_cvc", "cvc")


def read_expiry(work: Work, card: Json) -> tuple[int, int]:
    """Return month and year of expiry, refused where they make no date or a past one."""
    month, year = str(card.get("exp_month", "")), str(card.get("exp_year", ""))
    if not month.isdigit() or not 1 <= int(month) <= 12:
        raise card_error("Your card's expiration month is invalid.", "invalid_expiry_month", "exp_month")
    today = datetime.fromtimestamp(work.now, UTC)
    full_year = int(year) + 2000 if year.isdigit() and int(year) < 100 else int(year) if year.isdigit() else 0
    if not today.year <= full_year <= today.year + 50 or (full_year, int(month)) < (today.year, today.month):
        raise card_error("Your card's expiration year is invalid.", "invalid_expiry_year", "exp_year")
    return int(month), full_year


def make_card(work: Work, card: Card, *, exp_month: int, exp_year: int, billing: Json) -> Record:
    """Keep a card payment method; of the number only brand and last four digits are shown."""
    checks = {
        "address_line1_check": card.line1_check if (billing.get("address") or {}).get("line1") else None,
        "address_postal_code_check": card.zip_check if (billing.get("address") or {}).get("postal_code") else None,
        "cvc_check": card.cvc_check,
    }
    body = common(work, "card", billing) | {
        "card": {
            "brand": card.brand,
            "checks": checks,
            "country": card.country,
            "display_brand": card.brand,
            "exp_month": exp_month,
            "exp_year": exp_year,
            "fingerprint": hashlib.sha256(card.number.encode()).hexdigest()[:16],
            "funding": card.funding,
            "generated_from": None,
            "last4": card.number[-4:],
            "networks": {"available": [card.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": card.brand != "amex"},
            "wallet": None,
        }
    }
    return work.add("payment_method", body, {"number": card.number})


def make_bank_account(work: Work, outcome: str) -> Record:
    """Keep a bank account: the method that stays `processing` for days."""
    body = common(work, "us_bank_account", {"name": "Jenny Rosen"}) | {
        "us_bank_account": {
            "account_holder_type": "individual",
            "account_type": "checking",
            "bank_name": "STRIPE TEST BANK",
            "financial_connections_account": None,
            "fingerprint": "sandboxbank",
            "last4": "6789",
            "networks": {"preferred": "ach", "supported": ["ach"]},
            "routing_number": "110000000",
            "status_details": {},
        }
    }
    return work.add("payment_method", body, {"outcome": outcome})


def common(work: Work, type_: str, billing: Json) -> Json:
    """Return what payment methods of every type show."""
    address = EMPTY_ADDRESS | (billing.get("address") or {})
    return {
        "id": work.ids.make("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {
            "address": {name: value or None for name, value in address.items() if name in EMPTY_ADDRESS},
            **{name: billing.get(name) or None for name in ("email", "name", "phone", "tax_id")},
        },
        "created": work.now,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": type_,
    }
