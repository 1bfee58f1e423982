from urllib.parse import parse_qs, urlsplit

import pytest
import stripe

from payments.sandbox.testing import Sandbox
from tests.sandbox.making import intent, session

TYPED = {"number": "4242 4242 4242 4242", "expiry": "12 / 34", "cvc": "123", "zip": "19801"}


def test_the_page_says_sandbox_and_escapes(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    line = {"quantity": 1, "price_data": {"currency": "usd", "unit_amount": 2500, "product_data": {"name": "<b>GA"}}}
    made = session(client, line_items=[line], custom_text={"submit": {"message": "Held until 21:15"}})

    shown = sandbox.session.get(made.url or "")

    assert "SANDBOX" in shown.text
    assert "&lt;b&gt;GA" in shown.text
    assert "Held until 21:15" in shown.text
    assert "script" not in shown.text
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]


def test_paying_leads_to_the_success_url(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    made = session(client)

    answer = sandbox.session.post(made.url or "", data=TYPED, allow_redirects=False)

    assert (answer.status_code, answer.headers["Location"]) == (303, f"http://shop.test/ok?s={made.id}")
    assert client.v1.checkout.sessions.retrieve(made.id).payment_status == "paid"


def test_the_page_waits_for_the_endpoint_s_answer(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    seen: list[bytes] = []

    def endpoint(url: str, body: bytes, headers: object) -> int:
        seen.append(body)
        return 200

    sandbox.books.deliveries.post = endpoint
    made = session(client)

    sandbox.session.post(made.url or "", data=TYPED, allow_redirects=False)

    assert len(seen) == 1
    assert b'"type": "checkout.session.completed"' in seen[0]


@pytest.mark.parametrize(
    ("words", "trouble"),
    [
        ({"number": "4000000000000002"}, "Your card was declined."),
        ({"number": "4242424242424241"}, "Your card number is incorrect."),
        ({"number": "4111111111111111"}, "used a non test (live) card"),
        ({"expiry": "13/34"}, "expiration month is invalid"),
        ({"expiry": "12/20"}, "expiration year is invalid"),
        ({"cvc": "99"}, "security code is invalid"),
    ],
)
def test_a_decline_is_shown_and_may_be_tried_again(
    sandbox: Sandbox, client: stripe.StripeClient, words: dict[str, str], trouble: str
) -> None:
    made = session(client)

    answer = sandbox.session.post(made.url or "", data={**TYPED, **words}, allow_redirects=False)

    assert answer.status_code == 402
    assert trouble in answer.text.replace("&#x27;", "'")
    assert client.v1.checkout.sessions.retrieve(made.id).status == "open"


@pytest.mark.parametrize(("outcome", "status"), [("complete", "complete"), ("fail", "open")])
def test_three_d_secure_has_a_page(sandbox: Sandbox, client: stripe.StripeClient, outcome: str, status: str) -> None:
    made = session(client)
    bank = sandbox.session.post(made.url or "", data={"test_card": "4000002760003184"}, allow_redirects=False)

    back = sandbox.session.post(bank.headers["Location"], data={"outcome": outcome}, allow_redirects=False)
    end = sandbox.session.get(back.headers["Location"], allow_redirects=False)

    assert client.v1.checkout.sessions.retrieve(made.id).status == status
    assert (end.status_code == 303) is (status == "complete")


def test_an_expired_page_says_so_vaguely(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    made = session(client)
    client.v1.checkout.sessions.expire(made.id)

    answer = sandbox.session.post(made.url or "", data=TYPED, allow_redirects=False)

    assert answer.status_code == 410
    assert "timed out" in answer.text


def test_a_redirect_for_three_d_secure_returns_with_stripe_s_words(
    sandbox: Sandbox, client: stripe.StripeClient
) -> None:
    made = intent(client)
    waiting = client.v1.payment_intents.confirm(
        made.id, {"payment_method": "pm_card_authenticationRequired", "return_url": "http://shop.test/back?order=A1"}
    )
    assert waiting.next_action is not None
    assert waiting.next_action.redirect_to_url is not None

    page = waiting.next_action.redirect_to_url.url or ""
    back = sandbox.session.post(page, data={"outcome": "complete"}, allow_redirects=False)

    words = parse_qs(urlsplit(back.headers["Location"]).query)
    assert words["order"] == ["A1"]
    assert words["payment_intent"] == [made.id]
    assert words["redirect_status"] == ["succeeded"]


def test_scripts_and_styles_are_served(sandbox: Sandbox) -> None:
    for path in ("/stripe.js", "/v3/", "/static/frame.js", "/static/frame.css", "/frame/payment", "/"):
        assert sandbox.session.get(f"http://127.0.0.1:8901{path}").status_code == 200
    assert sandbox.session.get("http://127.0.0.1:8901/static/nothing.js").status_code == 404
