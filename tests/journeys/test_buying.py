"""A guest in a browser, from the night's page to tickets, and every way it can go wrong."""

import time

import pytest
from playwright.sync_api import FrameLocator, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from payments.models import Order, Payment, PaymentFailure
from payments.sandbox.server import Server
from tests.journeys.conftest import PICTURES
from tickets.models import Event, Ticket

pytestmark = pytest.mark.django_db(transaction=True)


def choose(page: Page, live_server: LiveServer, *, quantity: int = 2) -> None:
    """Choose tickets and hold them."""
    page.goto(f"{live_server.url}/nights/noche/")
    for _ in range(quantity):
        page.get_by_role("button", name="+ General").click()
    page.get_by_label("Name").fill("Ana Ruiz")
    page.get_by_label("Email").fill("ana@example.com")
    page.get_by_role("button", name="Hold my places").click()
    page.wait_for_url("**/pay/")


def card_frame(page: Page) -> FrameLocator:
    """Return the provider's card field."""
    return page.frame_locator("[data-card] iframe").first


def type_card(page: Page, number: str) -> None:
    """Type a card into the provider's field, once it is there."""
    expect(page.locator("[data-loading]")).to_have_count(0)
    frame = card_frame(page)
    frame.get_by_label("Card number").fill(number)
    frame.get_by_label("Expiration date").fill("12 / 34")
    frame.get_by_label("Security code").fill("123")
    frame.get_by_label("ZIP code").fill("19801")


def press_pay(page: Page) -> None:
    """Press the button, whatever it is called by now."""
    button = page.locator("[data-pay]")
    button.scroll_into_view_if_needed()
    page.wait_for_timeout(300)  # the browser's picture of where the card's frame lies follows a scroll a little later
    button.click()


def take_picture(page: Page, name: str) -> None:
    """Keep a picture of the page."""
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


def test_a_card_buys_tickets(club: Server, night: Event, guest: Page, live_server: LiveServer, width: int) -> None:
    guest.set_viewport_size({"width": width, "height": 844})
    began = time.monotonic()
    choose(guest, live_server)
    take_picture(guest, f"pay-{width}")
    type_card(guest, "4242424242424242")

    press_pay(guest)

    expect(guest.get_by_text("Your tickets are here")).to_be_visible()
    expect(guest.get_by_role("img", name="QR code of ticket 2")).to_be_visible()
    assert time.monotonic() - began < 60
    take_picture(guest, f"tickets-{width}")
    order = Order.objects.get()
    assert (order.status, order.total_cents) == ("fulfilled", 5600)
    assert Ticket.objects.filter(order=order).count() == 2
    assert guest.request.get(f"{live_server.url}/orders/{order.reference}/tickets.pdf").body()[:5] == b"%PDF-"


def test_a_declined_card_shows_the_toast_and_the_same_intent_is_tried_again(
    club: Server, night: Event, guest: Page, live_server: LiveServer, width: int
) -> None:
    guest.set_viewport_size({"width": width, "height": 844})
    choose(guest, live_server)
    type_card(guest, "4000000000000002")

    press_pay(guest)

    toast = guest.locator("[data-toast]")
    expect(toast).to_be_visible()
    shown = time.monotonic()
    expect(toast.get_by_role("alert")).to_have_text("Payment failed. Please try again.")
    take_picture(guest, f"declined-{width}")
    expect(toast).to_be_hidden(timeout=8000)
    assert 3.5 < time.monotonic() - shown < 7
    expect(guest.locator("[data-pay]")).to_have_text("Try again")
    expect(guest.get_by_text("Another card may work")).to_be_visible()
    type_card(guest, "4242424242424242")
    press_pay(guest)
    expect(guest.get_by_text("Your tickets are here")).to_be_visible()
    assert Payment.objects.count() == 1
    assert PaymentFailure.objects.get().resolved


def test_retry_in_the_toast_tries_again_behind_an_overlay(
    club: Server, night: Event, guest: Page, live_server: LiveServer
) -> None:
    choose(guest, live_server)
    type_card(guest, "4000000000000119")
    press_pay(guest)
    club.app.books.faults.add(action="latency", path="/v1/payment_intents/*", seconds=3.0, count=9)

    guest.get_by_role("button", name="Retry").click()

    overlay = guest.locator("[data-overlay]")
    expect(overlay).to_be_visible()
    guest.keyboard.press("Escape")
    expect(overlay).to_be_visible()
    under = "document.elementFromPoint(innerWidth / 2, innerHeight / 2).closest('[data-overlay]') !== null"
    assert guest.evaluate(under)
    assert guest.evaluate("document.querySelector('main').inert")
    expect(guest.locator("[data-toast]")).to_be_visible()
    assert Order.objects.get().status == "pending"


def test_a_toast_stays_while_it_is_hovered(club: Server, night: Event, guest: Page, live_server: LiveServer) -> None:
    choose(guest, live_server)
    type_card(guest, "4000000000000002")
    press_pay(guest)
    toast = guest.locator("[data-toast]")
    expect(toast).to_be_visible()

    toast.hover()
    guest.wait_for_timeout(6500)
    expect(toast).to_be_visible()
    guest.mouse.move(5, 700)

    expect(toast).to_be_hidden(timeout=7000)


def test_3d_secure_passed(club: Server, night: Event, guest: Page, live_server: LiveServer) -> None:
    choose(guest, live_server)
    type_card(guest, "4000002760003184")
    press_pay(guest)

    challenge(guest).get_by_role("button", name="Complete").click()

    expect(guest.get_by_text("Your tickets are here")).to_be_visible()


def test_3d_secure_failed_may_be_tried_again(club: Server, night: Event, guest: Page, live_server: LiveServer) -> None:
    choose(guest, live_server)
    type_card(guest, "4000002760003184")
    press_pay(guest)

    challenge(guest).get_by_role("button", name="Fail").click()

    expect(guest.locator("[data-toast]")).to_be_visible()
    expect(guest.locator("[data-pay]")).to_have_text("Try again")
    assert Order.objects.get().status == "pending"


def challenge(page: Page) -> FrameLocator:
    """Return the bank's own dialog."""
    return page.frame_locator("iframe[src*='3ds'], iframe[src*='challenge'], iframe[src*='authenticate']").last


def test_a_hold_that_runs_out_says_so_kindly(
    club: Server, night: Event, guest: Page, live_server: LiveServer, settings: Settings
) -> None:
    guest.clock.install()
    choose(guest, live_server)
    expect(guest.get_by_role("timer")).to_contain_text("14:")

    guest.clock.fast_forward("13:10")
    expect(guest.locator("hold-countdown")).to_have_class("is-soon")
    expect(guest.locator("hold-countdown [role=status]")).to_contain_text("Less than two minutes left")
    Order.objects.update(expires_at="2020-01-01T00:00Z")
    guest.clock.fast_forward("02:00")

    expect(guest.get_by_text("You have not been charged.")).to_be_visible()
    guest.get_by_role("link", name="Choose the same places again").click()
    expect(guest.get_by_label("Name")).to_have_value("Ana Ruiz")
    expect(guest.locator("input[type=number]")).to_have_value("2")


def test_ten_more_minutes_once(club: Server, night: Event, guest: Page, live_server: LiveServer) -> None:
    choose(guest, live_server)

    guest.get_by_role("button", name="Keep my places").click()

    expect(guest.get_by_role("timer")).to_contain_text("24:")
    expect(guest.get_by_role("button", name="Keep my places")).to_have_count(0)


def test_the_hosted_page_works_without_javascript(
    club: Server, night: Event, live_server: LiveServer, browser: object
) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()  # type: ignore[attr-defined]
    page.goto(f"{live_server.url}/nights/noche/")
    page.locator("input[type=number]").fill("2")
    page.get_by_label("Name").fill("Ana Ruiz")
    page.get_by_label("Email").fill("ana@example.com")
    page.get_by_role("button", name="Hold my places").click()
    page.get_by_role("button", name="Pay").click()
    page.get_by_label("Card number").fill("4242424242424242")
    page.get_by_label("Expiration").fill("12 / 34")
    page.get_by_label("Security code").fill("123")

    page.get_by_role("button", name="Pay").click()

    expect(page.get_by_text("Your tickets are here")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/nights/noche/", "/find/"])
def test_nothing_scrolls_sideways_on_a_small_phone(
    club: Server, night: Event, guest: Page, live_server: LiveServer, path: str
) -> None:
    guest.set_viewport_size({"width": 320, "height": 700})

    guest.goto(live_server.url + path)

    assert guest.evaluate("document.documentElement.scrollWidth") <= 320
