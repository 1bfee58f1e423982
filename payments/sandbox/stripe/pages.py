"""Stripe's pages and scripts: stripe.js, the card frame, 3-D Secure, the hosted page."""

import mimetypes
from importlib.resources import files

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from payments.sandbox.books import Books
from payments.sandbox.stripe import challenge_page, hosted_page
from payments.sandbox.stripe.markup import choices, page, tag

STATIC = files("payments.sandbox.stripe") / "static"
# Everything a page may load is its own; the frames may stand in any page, as Stripe's may.
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'"
COUNTRIES = (("US", "United States"), ("MX", "México"), ("CA", "Canada"), ("ES", "España"), ("GB", "United Kingdom"))


class Pages:
    """Answer everything that is not the API."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._map = Map(
            [
                Rule("/", endpoint=self._front, methods=["GET"]),
                Rule("/favicon.ico", endpoint=self._icon, methods=["GET"]),
                Rule("/stripe.js", endpoint=self._script, methods=["GET"]),
                Rule("/v3/", endpoint=self._script, methods=["GET"]),
                Rule("/static/<name>", endpoint=self._static, methods=["GET"]),
                Rule("/frame/payment", endpoint=self._frame, methods=["GET"]),
                Rule("/3ds/<intent>/<source>", endpoint=self._challenge, methods=["GET", "POST"]),
                Rule("/receipts/<intent>", endpoint=self._receipt, methods=["GET"]),
                Rule("/c/pay/<session>", endpoint=self._hosted, methods=["GET", "POST"]),
            ]
        )

    def answer(self, request: Request) -> Response | None:
        """Answer a page, or nothing where there is none of that name."""
        try:
            endpoint, words = self._map.bind("sandbox").match(request.path, request.method)
        except HTTPException:
            return None
        answered: Response = endpoint(request, **words)
        answered.headers.setdefault("Content-Security-Policy", POLICY)
        answered.headers.setdefault("Cache-Control", "no-store")
        answered.headers["X-Content-Type-Options"] = "nosniff"
        answered.headers["Referrer-Policy"] = "no-referrer"
        return answered

    def _front(self, request: Request) -> Response:
        return html(
            page(
                "Stripe",
                tag("h1", "SANDBOX"),
                tag("p", "A stand-in for Stripe. No money moves; only published test cards are accepted."),
            )
        )

    def _icon(self, request: Request) -> Response:
        return Response(status=204)

    def _script(self, request: Request) -> Response:
        return Response(
            (STATIC / "stripe.js").read_bytes(),
            mimetype="text/javascript",
            headers={"Access-Control-Allow-Origin": "*"},
        )

    def _static(self, request: Request, name: str) -> Response:
        asset = STATIC / name
        if "/" in name or name.startswith(".") or not asset.is_file():
            return Response("SANDBOX: not found\n", status=404, mimetype="text/plain")
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Response(asset.read_bytes(), mimetype=kind)

    def _frame(self, request: Request) -> Response:
        return html(page("card", payment_form(), scripts=("words.js", "frame.js"), styles=("frame.css",)))

    def _challenge(self, request: Request, intent: str, source: str) -> Response:
        if request.method == "POST":
            answered = challenge_page.answer(
                self._books, intent, source, passed=request.form.get("outcome") == "complete"
            )
            if answered is not None and request.args.get("leave"):
                return redirect(answered, code=303)
        return html(challenge_page.show(self._books, intent, source, leave=bool(request.args.get("leave"))))

    def _receipt(self, request: Request, intent: str) -> Response:
        found = self._books.store.find(intent, "payment_intent")
        if found is None:
            return html(page("Receipt", tag("h1", "SANDBOX"), tag("p", "No such receipt.")), status=404)
        paid = hosted_page.money(found.body["amount_received"], found.body["currency"])
        return html(page("Receipt", tag("h1", "SANDBOX"), tag("p", f"Receipt: {paid}")))

    def _hosted(self, request: Request, session: str) -> Response:
        if request.method == "POST":
            outcome = hosted_page.pay(self._books, session, request.form.to_dict())
            if outcome.leave_for:
                return redirect(outcome.leave_for, code=303)
            return html(hosted_page.show(self._books, session, trouble=outcome.trouble), status=outcome.status)
        arrived = hosted_page.after_challenge(self._books, session) if request.args.get("returned") else None
        if arrived and arrived.leave_for:
            return redirect(arrived.leave_for, code=303)
        return html(hosted_page.show(self._books, session, trouble=arrived.trouble if arrived else ""))


def html(body: str, status: int = 200) -> Response:
    """Return a page."""
    return Response(body, status=status, mimetype="text/html")


def payment_form() -> str:
    """Return the card form inside the frame; its script gives it life."""
    options = [tag("option", name, value=code) for code, name in COUNTRIES]
    inputs = (
        ("number", "Card number", "1234 1234 1234 1234", "numeric", "wide"),
        ("expiry", "Expiration date", "MM / YY", "numeric", ""),
        ("cvc", "Security code", "CVC", "numeric", ""),
    )
    boxes = [
        tag(
            "div",
            tag("label", label, for_=name, data_label=name),
            tag("input", id=name, inputmode=mode, placeholder=hint, autocomplete="off", spellcheck="false",
                aria_describedby=f"{name}-error", maxlength="23"),
            tag("p", id=f"{name}-error", class_="error", role="alert"),
            class_=f"box {wide}".strip(),
        )
        for name, label, hint, mode, wide in inputs
    ]  # fmt: skip
    boxes += [
        tag("div", tag("label", "Country", for_="country", data_label="country"),
            tag("select", *options, id="country", autocomplete="off"), class_="box"),
        tag("div", tag("label", "ZIP code", for_="zip", data_label="zip"),
            tag("input", id="zip", placeholder="12345", autocomplete="off", aria_describedby="zip-error",
                maxlength="12"),
            tag("p", id="zip-error", class_="error", role="alert"), class_="box"),
    ]  # fmt: skip
    return tag(
        "main",
        tag("p", "SANDBOX: no real cards, no real money", class_="sandbox"),
        tag("form", tag("div", *boxes, class_="grid"), choices(kind="button"), id="form", novalidate=True),
    )
