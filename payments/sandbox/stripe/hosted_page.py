"""Checkout's hosted page, without JavaScript: pay, be declined, authenticate, go back."""

import time
from dataclasses import dataclass

from payments.sandbox.books import Books, Origin, Work
from payments.sandbox.json_types import Json
from payments.sandbox.store import Record
from payments.sandbox.stripe import payment_methods, sessions
from payments.sandbox.stripe.confirming import Attempt
from payments.sandbox.stripe.errors import ApiError
from payments.sandbox.stripe.markup import choices, field, page, tag, text

WAIT_FOR_ENDPOINT_SECONDS = 10.0
TOO_LATE = "You completed the payment or it timed out."


@dataclass(frozen=True)
class Outcome:
    """Where the guest goes next, or what to tell them."""

    leave_for: str = ""
    trouble: str = ""
    status: int = 200


def show(books: Books, session_id: str, *, trouble: str = "") -> str:
    """Return the page: what is bought, and the form while the session is open."""
    books.catch_up()
    session = books.store.find(session_id, "checkout.session")
    if session is None:
        return page("Checkout", tag("h1", "SANDBOX"), tag("p", "No such page."))
    body = session.body
    if body["status"] != "open":
        return page("Checkout", tag("h1", "SANDBOX"), tag("p", TOO_LATE))
    message = (body["custom_text"].get("submit") or {}).get("message") or ""
    back = tag("a", "Back", href=body["cancel_url"], class_="back") if body["cancel_url"] else ""
    return page(
        "Checkout",
        tag(
            "main",
            tag("p", "SANDBOX: no real cards, no real money", class_="sandbox"),
            back,
            tag("h1", f"Pay {text(money(body['amount_total'], body['currency']))}"),
            tag("ul", *(item_line(item) for item in session.hidden["items"])),
            tag("p", text(trouble), class_="error", role="alert") if trouble else "",
            form(body),
            tag("p", text(message)) if message else "",
        ),
    )


def item_line(item: Json) -> str:
    """Return one line of what is bought."""
    price = money(item["amount_total"], item["currency"])
    return tag("li", text(f"{item['quantity']} × {item['description']}: {price}"))


def form(body: Json) -> str:
    """Return the card form."""
    return tag(
        "form",
        field("Email", "email", value=body["customer_email"] or "", mode="email", longest=254),
        field("Card number", "number", mode="numeric", hint="4242 4242 4242 4242", longest=23),
        field("Expiration date", "expiry", mode="numeric", hint="MM / YY", longest=7),
        field("Security code", "cvc", mode="numeric", hint="CVC", longest=4),
        field("Name on card", "name"),
        field("ZIP code", "zip", longest=12),
        tag("button", "Pay", class_="primary"),
        choices(),
        method="post",
    )


def money(amount: int, currency: str) -> str:
    """Return an amount as people read it."""
    return f"{'$' if currency == 'usd' else ''}{amount / 100:,.2f} {currency.upper()}"


def pay(books: Books, session_id: str, words: dict[str, str]) -> Outcome:
    """Try to pay with what was typed; the guest stays on a decline and leaves on success."""
    books.catch_up()
    trouble: ApiError | None = None
    intent: Record | None = None
    with books.work(Origin(books.ids.make("req", 14))) as work:
        session = work.store.find(session_id, "checkout.session")
        if session is None or session.body["status"] != "open":
            return Outcome(trouble=TOO_LATE, status=410)
        try:
            back = f"{books.config.public_url}/c/pay/{session_id}?returned=1"
            attempt = Attempt(method=typed_method(work, words), return_url=back, is_public=True)
            intent = sessions.pay(work, session, attempt)
        except ApiError as error:
            trouble = error
    if trouble is not None or intent is None:
        return Outcome(trouble=str(trouble), status=402)
    if intent.body["status"] == "requires_action":
        return Outcome(leave_for=intent.body["next_action"]["redirect_to_url"]["url"])
    return leave(books, session_id)


def typed_method(work: Work, words: dict[str, str]) -> Record:
    """Return the payment method that was typed, or the test card whose button was pressed."""
    month, _, year = words.get("expiry", "").replace(" ", "").partition("/")
    card = {"number": words.get("number", ""), "exp_month": month, "exp_year": year, "cvc": words.get("cvc", "")}
    if number := words.get("test_card"):
        cvc = "1234" if number.startswith("37") else "123"
        card = {"number": number, "exp_month": "12", "exp_year": "34", "cvc": cvc}
    billing = {
        "email": words.get("email"),
        "name": words.get("name"),
        "address": {"country": "US", "postal_code": words.get("zip")},
    }
    data = {"type": "card", "card": card, "billing_details": billing}
    return payment_methods.from_data(work, data, is_public=True)


def after_challenge(books: Books, session_id: str) -> Outcome:
    """Go on after 3-D Secure: away where it is paid, back to the form where it is not."""
    session = books.store.find(session_id, "checkout.session")
    if session is None:
        return Outcome(trouble=TOO_LATE, status=410)
    if session.body["status"] == "complete":
        return leave(books, session_id)
    intent = books.store.find(session.body["payment_intent"] or "", "payment_intent")
    error = (intent.body["last_payment_error"] if intent else None) or {}
    return Outcome(trouble=str(error.get("message", "")), status=402)


def leave(books: Books, session_id: str) -> Outcome:
    """Send the guest to `success_url`, once the endpoint has answered or ten seconds are over."""
    session = books.store.find(session_id, "checkout.session")
    if session is None:
        return Outcome(trouble=TOO_LATE, status=410)
    wait_for_endpoint(books, session_id)
    return Outcome(leave_for=str(session.body["success_url"]).replace("{CHECKOUT_SESSION_ID}", session_id))


def wait_for_endpoint(books: Books, session_id: str) -> None:
    """Deliver `checkout.session.completed` and wait for its answer ("Fulfill orders")."""
    rows = books.store.rows(
        "SELECT id FROM objects WHERE kind = 'event' AND json_extract(body, '$.type') = 'checkout.session.completed'"
        " AND json_extract(body, '$.data.object.id') = ?",
        session_id,
    )
    if books.deliveries.post is None or not rows:
        return
    event_id = rows[0]["id"]
    for seq in books.deliveries.of_event(event_id):
        books.deliveries.attempt(seq)
    until = time.monotonic() + WAIT_FOR_ENDPOINT_SECONDS
    while books.deliveries.untried_of(event_id) and time.monotonic() < until:
        time.sleep(0.05)
