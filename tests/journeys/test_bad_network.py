"""A guest in a hurry on a bad network: what is lost, closed, reopened, wrong by an hour, or slow."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from payments import expiry
from payments.models import Order, Payment, PaymentFailure
from payments.sandbox.server import Server
from tests.buying import clock
from tests.journeys.test_buying import card_frame, challenge, choose, press_pay, type_card
from tests.journeys.test_pages import check, width_of
from tickets.models import Event, Ticket

pytestmark = pytest.mark.django_db(transaction=True)

# Playwright's own waiting for a function would take the promise itself for a yes.
HAS_WORKER = """async language => {
  for (let tries = 0; tries < 200; tries += 1) {
    const active = (await navigator.serviceWorker.getRegistration())?.active;
    if (active?.state === "activated" && active.scriptURL.endsWith(`-${language}.js`)) return;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  throw new Error("there is no worker");
}"""
CONFIRM = "**/v1/payment_intents/*/confirm"
# Slow 3G as browsers' own tools mean it.
SLOW_3G = {"offline": False, "latency": 400, "downloadThroughput": 400_000 / 8, "uploadThroughput": 400_000 / 8}


def lose_connection_at(page: Page, *, charged: bool) -> None:
    """Lose the connection the moment the bank is asked: after it heard the question, or before."""

    def lose(route: Route) -> None:
        if charged:
            route.fetch()
        page.context.set_offline(True)
        route.abort()

    page.route(CONFIRM, lose)


@pytest.mark.parametrize("charged", [True, False])
def test_a_connection_lost_in_mid_payment_ends_on_the_true_state(
    club: Server, night: Event, guest: Page, live_server: LiveServer, charged: bool
) -> None:
    choose(guest, live_server)
    type_card(guest, "4242424242424242")
    lose_connection_at(guest, charged=charged)

    press_pay(guest)

    expect(guest.locator("[data-overlay-words]")).to_have_text("The connection was lost. Finding out how it stands…")
    expect(guest.locator("[data-failure]")).to_be_hidden()
    guest.wait_for_timeout(1500)
    expect(guest.locator("[data-overlay]")).to_be_visible()
    guest.unroute(CONFIRM)
    guest.context.set_offline(False)
    if not charged:
        expect(guest.locator("[data-failure]")).to_contain_text("You have not been charged.", timeout=30_000)
        press_pay(guest)
    expect(guest.get_by_text("Your tickets are here")).to_be_visible(timeout=30_000)
    assert Payment.objects.get().status == "succeeded"
    assert Ticket.objects.count() == 2


def test_a_phone_closed_at_the_banks_question_is_reopened_on_the_same_payment(
    club: Server, night: Event, guest: Page, live_server: LiveServer
) -> None:
    choose(guest, live_server)
    address, held_until = guest.url, Order.objects.get().expires_at
    type_card(guest, "4000002760003184")
    press_pay(guest)
    challenge(guest).get_by_role("button", name="Complete").wait_for()
    context = guest.context
    guest.close()

    reopened = context.new_page()
    reopened.goto(address)
    type_card(reopened, "4242424242424242")
    press_pay(reopened)

    expect(reopened.get_by_text("Your tickets are here")).to_be_visible()
    assert Payment.objects.get().status == "succeeded"
    assert Order.objects.get().expires_at == held_until
    assert Ticket.objects.count() == 2


def test_a_phone_closed_before_the_answer_is_reopened_on_the_tickets(
    club: Server, night: Event, guest: Page, live_server: LiveServer
) -> None:
    choose(guest, live_server)
    address = guest.url
    type_card(guest, "4242424242424242")
    guest.route("**/orders/*/return/", lambda route: route.abort())
    press_pay(guest)
    expect(guest.locator("[data-overlay]")).to_be_visible()
    guest.wait_for_timeout(1500)
    context = guest.context
    guest.close()

    reopened = context.new_page()
    reopened.goto(address)

    expect(reopened.get_by_text("Your tickets are here")).to_be_visible()
    assert Payment.objects.get().status == "succeeded"
    assert Ticket.objects.count() == 2


def test_coming_back_before_the_end_restores_the_hold_and_adds_nothing_to_it(
    club: Server, night: Event, guest: Page, live_server: LiveServer
) -> None:
    choose(guest, live_server)
    Order.objects.update(expires_at=clock() + timedelta(minutes=6))
    held_until, address = Order.objects.get().expires_at, guest.url

    guest.goto(live_server.url)
    guest.goto(address)
    guest.reload()

    expect(guest.get_by_role("timer")).to_contain_text("5:")
    expect(guest.get_by_text("2 × General")).to_be_visible()
    expect(guest.get_by_role("button", name="Keep my places")).to_be_visible()
    assert Order.objects.get().expires_at == held_until


@pytest.mark.parametrize("hours", [-1, 1])
def test_the_countdown_follows_our_clock_on_a_phone_whose_own_is_wrong(
    club: Server, night: Event, guest: Page, live_server: LiveServer, hours: int
) -> None:
    guest.clock.install(time=datetime.now().astimezone() + timedelta(hours=hours))
    choose(guest, live_server)

    expect(guest.get_by_role("timer")).to_contain_text("14:")
    guest.clock.fast_forward("13:10")

    expect(guest.locator("hold-countdown")).to_have_class("is-soon")
    expect(guest.get_by_role("timer")).to_contain_text(re.compile(r"^1:[0-4]\d$"))
    expect(guest.locator("hold-countdown [role=status]")).to_contain_text("Less than two minutes left")


def test_a_hold_that_ended_while_a_card_was_typed_takes_no_money(
    club: Server, night: Event, guest: Page, live_server: LiveServer
) -> None:
    choose(guest, live_server)
    type_card(guest, "4242424242424242")
    Order.objects.update(expires_at=clock() - timedelta(seconds=1))
    assert expiry.expire_order(Order.objects.get().pk, now=clock())

    press_pay(guest)

    expect(guest.get_by_role("heading", name="Your time ran out")).to_be_visible(timeout=30_000)
    expect(guest.get_by_text("You have not been charged.")).to_be_visible()
    guest.get_by_role("button", name="Hold the same places again").click()
    guest.wait_for_url("**/pay/")
    assert sorted(Order.objects.values_list("status", flat=True)) == ["expired", "pending"]
    assert not Payment.objects.filter(status="succeeded").exists()
    assert not PaymentFailure.objects.filter(severity="critical").exists()


def test_a_night_can_be_used_at_once_on_slow_3g(
    club: Server, night: Event, guest: Page, live_server: LiveServer
) -> None:
    guest.set_viewport_size({"width": 390, "height": 844})
    session = guest.context.new_cdp_session(guest)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", SLOW_3G)

    guest.goto(f"{live_server.url}/nights/noche/", wait_until="commit")
    guest.get_by_role("button", name="One General more").click()
    ready = guest.evaluate("performance.now()")
    # A busy machine may take the click before it has said when it painted.
    said = guest.wait_for_function("performance.getEntriesByName('first-contentful-paint')[0]")
    painted = said.evaluate("entry => entry.startTime")

    # The tests' own server compresses nothing: what a guest waits for weighs a third of this.
    assert (painted < 4000, ready < 6000) == (True, True), f"painted {painted:.0f} ms, ready {ready:.0f} ms"
    expect(guest.locator("buy-total output")).to_have_text("$28.00")


@pytest.mark.parametrize("language", ["en", "es"])
def test_without_a_signal_a_page_of_ours_says_so_and_goes_on_by_itself(
    night: Event, guest: Page, live_server: LiveServer, language: str, pictures: Path
) -> None:
    guest.set_viewport_size({"width": 390, "height": 844})
    guest.goto(f"{live_server.url}/nights/noche/")
    if language == "es":
        guest.get_by_role("button", name="Español").click()
        expect(guest.get_by_role("button", name="Apartar mis lugares")).to_be_visible()
    guest.evaluate(HAS_WORKER, language)
    guest.reload()
    guest.context.set_offline(True)

    guest.reload()

    heading = {"en": "There is no signal", "es": "No hay señal"}[language]
    expect(guest.get_by_role("heading", name=heading)).to_be_visible()
    assert guest.evaluate("document.fonts.load('20px Anton').then(found => found.length)") == 1
    check(guest, pictures / f"offline-{language}-{width_of(guest)}.png")
    guest.context.set_offline(False)
    expect(guest.locator("input[type=email]")).to_be_visible()


def test_a_browser_keeps_the_page_of_no_signal_and_nothing_of_an_order(
    club: Server, night: Event, guest: Page, live_server: LiveServer
) -> None:
    choose(guest, live_server)
    type_card(guest, "4242424242424242")
    guest.evaluate(HAS_WORKER, "en")
    press_pay(guest)
    expect(guest.get_by_text("Your tickets are here")).to_be_visible()
    guest.reload()

    kept = guest.evaluate(
        """async () => { const all = [];
        for (const name of await caches.keys())
          for (const request of await (await caches.open(name)).keys()) all.push(new URL(request.url).pathname);
        return all; }"""
    )

    assert [path for path in kept if not path.startswith("/static/")] == ["/offline/en/"]
    assert len(kept) == 9
    guest.context.set_offline(True)
    guest.reload()
    expect(guest.get_by_role("heading", name="There is no signal")).to_be_visible()
    assert card_frame(guest).owner.count() == 0
