"""What people and banks do, without their pages: pay, pass 3-D Secure, dispute, let a refund fail."""

from payments.sandbox.books import Books, Origin, Work
from payments.sandbox.json_types import Json
from payments.sandbox.store import Record
from payments.sandbox.stripe import confirming, disputes, payment_methods, refunds, sessions
from payments.sandbox.stripe.cards import CARDS
from payments.sandbox.stripe.confirming import Attempt
from payments.sandbox.stripe.errors import ApiError, missing_object

GUEST = {"name": "Guest of the sandbox", "address": {"country": "US", "postal_code": "19801"}}


def pay(books: Books, id_: str, card: str = "pm_card_visa") -> Json:
    """Pay an intent or a session as a guest would, with a test card's number or name.

    Returns the payment intent as it stands; raises ApiError where the card is declined.
    """
    books.catch_up()
    refusal: ApiError | None = None
    with books.work(Origin(books.ids.make("req", 14))) as work:
        try:
            intent = pay_within(work, id_, card)
        except ApiError as error:
            if not error.keep_changes:
                raise
            refusal = error
    if refusal:
        raise refusal
    return intent.body


def pay_within(work: Work, id_: str, card: str) -> Record:
    """Pay within a unit of work."""
    attempt = Attempt(method=method_of(work, card), uses_sdk=True, is_public=True)
    if id_.startswith("cs_"):
        session = work.store.find(id_, "checkout.session")
        if session is None:
            raise missing_object("checkout.session", id_, "session")
        return sessions.pay(work, session, attempt)
    intent = wanted(work, id_, "payment_intent")
    confirming.confirm(work, intent, attempt)
    return intent


def method_of(work: Work, card: str) -> Record:
    """Return a payment method from a test card's number or name."""
    if card in CARDS:
        return payment_methods.make_card(work, CARDS[card], exp_month=12, exp_year=2034, billing=GUEST)
    return payment_methods.resolve(work, card)


def wanted(work: Work, id_: str, kind: str) -> Record:
    """Return an object, or raise as the API would."""
    found = work.store.find(id_, kind)
    if found is None:
        raise missing_object(kind, id_, "id")
    return found


def authenticate(books: Books, id_: str, *, passed: bool) -> Json:
    """Answer 3-D Secure for the guest; a card declined afterwards leaves the intent to be tried again."""
    with books.work() as work:
        intent = wanted(work, id_, "payment_intent")
        try:
            confirming.answer_challenge(work, intent, passed=passed)
        except ApiError as error:
            if not error.keep_changes:
                raise
    return intent.body


def dispute(books: Books, id_: str, *, reason: str = "fraudulent", is_inquiry: bool = False) -> Json:
    """Dispute the charge of an intent, or a charge, as its cardholder."""
    with books.work() as work:
        charge_id = id_
        if id_.startswith("pi_"):
            charge_id = wanted(work, id_, "payment_intent").body["latest_charge"] or id_
        return disputes.open_dispute(work, wanted(work, charge_id, "charge"), reason=reason, is_inquiry=is_inquiry).body


def close_dispute(books: Books, id_: str, *, won: bool) -> Json:
    """Decide a dispute as the bank."""
    with books.work() as work:
        found = wanted(work, id_, "dispute")
        disputes.close(work, found, won=won)
        return found.body


def fail_refund(books: Books, id_: str, *, reason: str = "expired_or_canceled_card") -> Json:
    """Let a refund fail, also after it succeeded."""
    with books.work() as work:
        refunds.fail(work, id_, reason)
        return wanted(work, id_, "refund").body
