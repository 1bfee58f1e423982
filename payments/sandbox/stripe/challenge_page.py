"""The bank's 3-D Secure page: in the dialog of stripe.js, or on its own."""

from urllib.parse import urlencode, urlsplit, urlunsplit

from payments.sandbox.books import Books
from payments.sandbox.stripe import actors
from payments.sandbox.stripe.errors import ApiError
from payments.sandbox.stripe.markup import page, tag, text


def show(books: Books, intent_id: str, source: str, *, leave: bool) -> str:
    """Return the page: Complete and Fail while the bank waits, a word of thanks after."""
    intent = books.store.find(intent_id, "payment_intent")
    waits = intent is not None and intent.hidden.get("challenge") == source
    if not waits or intent is None:
        done = tag("p", "SANDBOX: this authentication is over.", id="done", data_intent=intent_id)
        return page("3-D Secure", done, scripts=("challenge.js",))
    amount = f"{intent.body['amount'] / 100:.2f} {intent.body['currency'].upper()}"
    buttons = tag(
        "form",
        tag("button", "Complete", name="outcome", value="complete", class_="primary"),
        tag("button", "Fail", name="outcome", value="fail"),
        method="post",
    )
    return page(
        "3-D Secure",
        tag(
            "main",
            tag("p", "SANDBOX", class_="sandbox"),
            tag("h1", "3-D Secure test page"),
            tag("p", f"Your bank asks whether you want to pay {text(amount)}."),
            buttons,
        ),
        scripts=() if leave else ("challenge.js",),
    )


def answer(books: Books, intent_id: str, source: str, *, passed: bool) -> str | None:
    """Take the guest's answer; return where they came from, with Stripe's three words added."""
    with books.work() as work:
        intent = work.store.find(intent_id, "payment_intent")
        if intent is None or intent.hidden.get("challenge") != source:
            return None
    try:
        body = actors.authenticate(books, intent_id, passed=passed)
    except ApiError:
        return None
    return with_outcome(str(intent.hidden.get("return_url") or ""), body) or None


def with_outcome(url: str, intent: dict[str, object]) -> str:
    """Return a return URL with `payment_intent`, its client secret and `redirect_status`."""
    if not url:
        return ""
    parts = urlsplit(url)
    status = {"succeeded": "succeeded", "processing": "pending"}.get(str(intent["status"]), "failed")
    words = urlencode(
        {
            "payment_intent": intent["id"],
            "payment_intent_client_secret": intent["client_secret"],
            "redirect_status": status,
        }
    )
    return urlunsplit(parts._replace(query="&".join(part for part in (parts.query, words) if part)))
