"""The card form in a real browser, under the strictest policy a product's page can set."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
import stripe
from playwright.sync_api import Browser, FrameLocator, Page, expect

from payments.sandbox import server
from tests.browser import BROWSER
from tests.sandbox.making import intent, session

SCRIPT = """
const words = new URLSearchParams(location.search);
const out = document.getElementById("out");
const show = (result) => {
  const intent = result.paymentIntent || (result.error && result.error.payment_intent);
  const fact = result.error ? result.error.decline_code || result.error.code : "no error";
  out.textContent = `${fact}: ${intent ? intent.status : "not tried"}`;
};
if (words.has("secret")) {
  const stripe = Stripe("pk_test_maguey");
  const secret = words.get("secret");
  const appearance = { variables: { colorBackground: "#17121f", colorText: "#ffffff", colorPrimary: "#ff4fa3" } };
  const elements = stripe.elements({ clientSecret: secret, locale: words.get("locale") || "en", appearance });
  const element = elements.create("payment", { layout: "tabs" });
  for (const name of ["ready", "change", "loaderror"]) {
    element.on(name, (event) => { document.body.dataset[name] = JSON.stringify(event); });
  }
  element.mount("#form");
  document.getElementById("pay").addEventListener("click", async () => {
    out.textContent = "";
    const confirmParams = { return_url: `${location.origin}/done` };
    show(await stripe.confirmPayment({ elements, confirmParams, redirect: words.get("redirect") || "if_required" }));
  });
  document.getElementById("look").addEventListener("click", async () => {
    out.textContent = "";
    show(await stripe.retrievePaymentIntent(secret));
  });
}
"""


class Shop(BaseHTTPRequestHandler):
    stripe_url = ""

    def do_GET(self) -> None:
        origin = self.stripe_url
        page = (
            f'<!doctype html><html lang="en"><head><title>Shop</title><script src="{origin}/stripe.js" defer></script>'
            '<script src="/shop.js" defer></script></head><body><div id="form"></div><button id="pay">Pay</button>'
            '<button id="look">Look</button><p id="out"></p></body></html>'
        )
        is_script = self.path.startswith("/shop.js")
        body = (SCRIPT if is_script else page).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if is_script else "text/html; charset=utf-8")
        self.send_header(
            "Content-Security-Policy",
            f"default-src 'none'; script-src 'self' {origin}; style-src 'self'; connect-src 'self' {origin}; "
            f"frame-src {origin}; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        )
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def stripe_server() -> Iterator[server.Server]:
    made = server.build(port=0)
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def shop_url(stripe_server: server.Server) -> Iterator[str]:
    handler = type("ThisShop", (Shop,), {"stripe_url": stripe_server.url})
    made = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def stripe_client(stripe_server: server.Server) -> stripe.StripeClient:
    http = stripe.RequestsClient(session=requests.Session(), timeout=5)
    return stripe.StripeClient("sk_test_maguey", base_addresses={"api": stripe_server.url}, http_client=http)


@pytest.fixture
def guest(request: pytest.FixtureRequest) -> Iterator[Page]:
    if BROWSER is None:
        pytest.skip("NO BROWSER: install Chromium to try the card form")
    browser: Browser = request.getfixturevalue("browser")
    page = browser.new_page(viewport={"width": 390, "height": 844})
    violations: list[str] = []
    page.on("console", lambda message: violations.append(message.text) if "Policy" in message.text else None)
    page.on("pageerror", lambda error: violations.append(str(error)))
    yield page
    page.close()
    assert violations == []


def open_form(page: Page, shop_url: str, made: stripe.PaymentIntent, more: str = "") -> FrameLocator:
    page.goto(f"{shop_url}/?secret={made.client_secret}{more}")
    page.wait_for_selector("body[data-ready]")
    return page.frame_locator("#form iframe")


def type_card(form: FrameLocator, number: str) -> None:
    form.get_by_label("Card number").fill(number)
    form.get_by_label("Expiration date").fill("1234")
    form.get_by_label("Security code").fill("123")
    form.get_by_label("ZIP code").fill("19801")


@pytest.mark.browser
def test_a_card_is_declined_then_another_pays(guest: Page, shop_url: str, stripe_client: stripe.StripeClient) -> None:
    made = intent(stripe_client)
    form = open_form(guest, shop_url, made)
    out = guest.locator("#out")

    guest.click("#pay")
    expect(out).to_have_text("incomplete_number: not tried")
    type_card(form, "4000000000000002")
    expect(form.get_by_label("Card number")).to_have_value("4000 0000 0000 0002")
    guest.click("#pay")
    expect(out).to_have_text("generic_decline: requires_payment_method")
    type_card(form, "4242424242424242")
    guest.click("#pay")
    expect(out).to_have_text("no error: succeeded")
    guest.click("#look")

    expect(out).to_have_text("no error: succeeded")
    assert stripe_client.v1.payment_intents.retrieve(made.id).status == "succeeded"


@pytest.mark.browser
def test_three_d_secure_fails_is_closed_and_passes(
    guest: Page, shop_url: str, stripe_client: stripe.StripeClient
) -> None:
    form = open_form(guest, shop_url, intent(stripe_client))
    out, bank = guest.locator("#out"), guest.frame_locator("dialog iframe")
    failed = "payment_intent_authentication_failure: requires_payment_method"
    form.get_by_role("button", name="…3184").click()

    guest.click("#pay")
    bank.get_by_role("button", name="Fail").click()
    expect(out).to_have_text(failed)
    guest.click("#pay")
    bank.get_by_role("button", name="Complete").wait_for()
    guest.get_by_role("button", name="Close").click()
    expect(out).to_have_text(failed)
    guest.click("#pay")
    bank.get_by_role("button", name="Complete").click()

    expect(out).to_have_text("no error: succeeded")


@pytest.mark.browser
def test_the_frame_speaks_spanish_and_leaves_for_the_return_url(
    guest: Page, shop_url: str, stripe_client: stripe.StripeClient
) -> None:
    made = intent(stripe_client)
    form = open_form(guest, shop_url, made, "&locale=es&redirect=always")
    expect(form.get_by_label("Número de tarjeta")).to_be_visible()
    form.get_by_role("button", name="4242…").click()
    before = guest.locator("#form iframe").bounding_box()

    guest.click("#pay")
    guest.wait_for_url("**/done?*")

    assert f"payment_intent={made.id}" in guest.url
    assert "redirect_status=succeeded" in guest.url
    assert before is not None
    assert before["height"] > 250


@pytest.mark.browser
def test_the_hosted_page_needs_no_script(shop_url: str, stripe_client: stripe.StripeClient, guest: Page) -> None:
    made = session(stripe_client, success_url=f"{shop_url}/ok?s={{CHECKOUT_SESSION_ID}}", cancel_url=f"{shop_url}/no")
    browser: Any = guest.context.browser
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(made.url)

    page.get_by_role("button", name="…0002").click()
    expect(page.get_by_role("alert")).to_have_text("Your card was declined.")
    page.get_by_role("button", name="…3184").click()
    page.get_by_role("button", name="Complete").click()
    page.wait_for_url("**/ok?*")

    assert made.id in page.url
    assert stripe_client.v1.checkout.sessions.retrieve(made.id).payment_status == "paid"
