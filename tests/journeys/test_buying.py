"""A guest in a browser, from the night's page to tickets, and every way it can go wrong."""

import gzip
import re
import time

import pytest
from playwright.sync_api import FrameLocator, Page, Response, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from payments.models import Order, Payment, PaymentFailure
from payments.sandbox.server import Server
from tickets.models import Event, Ticket

pytestmark = pytest.mark.django_db(transaction=True)


OUR_FIELDS = "main :is(input, select, textarea):visible"
CARD_LABELS = [
    re.compile(label)
    for label in ("Card number|Número", "Expiration date|caducidad", "Security code|seguridad", "ZIP code|postal")
]


def choose(page: Page, live_server: LiveServer, *, quantity: int = 2) -> None:
    """Choose tickets and hold them."""
    page.goto(f"{live_server.url}/nights/noche/")
    for _ in range(quantity):
        page.get_by_role("button", name="One General more").click()
    page.get_by_label("Name").fill("Ana Ruiz")
    page.get_by_label("Email").fill("ana@example.com")
    page.get_by_role("button", name="Hold my places").click()
    page.wait_for_url("**/pay/")


def card_frame(page: Page) -> FrameLocator:
    """Return the provider's card field."""
    return page.frame_locator("[data-card] iframe").first


def type_card(page: Page, number: str) -> None:
    """Type a card into the provider's field, once it is there."""
    frame = card_frame(page)
    for label, typed in zip(CARD_LABELS, (number, "12 / 34", "123", "19801"), strict=True):
        frame.get_by_label(label).fill(typed)


def press_pay(page: Page) -> None:
    """Press the button, whatever it is called by now."""
    button = page.locator("[data-pay]")
    button.scroll_into_view_if_needed()
    page.wait_for_timeout(300)  # the browser's picture of where the card's frame lies follows a scroll a little later
    button.click()


def test_a_card_buys_tickets(club: Server, night: Event, guest: Page, live_server: LiveServer, width: int) -> None:
    guest.set_viewport_size({"width": width, "height": 844})
    guest.goto(f"{live_server.url}/nights/noche/")
    fields = guest.locator(OUR_FIELDS).count()
    screens: list[str] = []
    guest.on("framenavigated", lambda frame: frame.parent_frame or screens.append(frame.url))
    began = time.monotonic()
    choose(guest, live_server)
    fields += guest.locator(OUR_FIELDS).count()
    type_card(guest, "4242424242424242")

    press_pay(guest)

    expect(guest.get_by_text("Your tickets are here")).to_be_visible()
    expect(guest.get_by_role("img", name="QR code of ticket 2")).to_be_visible()
    assert time.monotonic() - began < 60
    assert len(set(screens)) == 3  # the night, paying, the tickets; a page that renews itself is one
    assert fields == 3  # how many, name, email; the card's are the provider's, and a wallet fills them
    order = Order.objects.get()
    assert (order.status, order.total_cents) == ("fulfilled", 5600)
    assert Ticket.objects.filter(order=order).count() == 2
    assert guest.request.get(f"{live_server.url}/orders/{order.reference}/tickets.pdf").body()[:5] == b"%PDF-"


def test_a_guest_buys_in_spanish_and_switches(club: Server, night: Event, guest: Page, live_server: LiveServer) -> None:
    guest.goto(f"{live_server.url}/nights/noche/")
    guest.get_by_role("button", name="Español").click()
    guest.get_by_role("button", name="Un boleto General más").click()
    expect(guest.locator("buy-total output")).to_have_text("$28.00")
    guest.get_by_label("Nombre").fill("Ana Ruiz")
    guest.get_by_label("Correo").fill("ana@example.com")
    guest.get_by_role("button", name="Apartar mis lugares").click()
    guest.wait_for_url("**/pay/")
    type_card(guest, "4000000000000002")
    press_pay(guest)
    expect(guest.get_by_role("alert")).to_have_text("El pago no pasó. Intenta de nuevo, por favor.")
    expect(guest.locator("[data-pay]")).to_have_text("Intentar de nuevo")
    type_card(guest, "4242424242424242")

    press_pay(guest)

    expect(guest.get_by_text("Pagaste $28.00. Tus boletos están aquí")).to_be_visible()
    assert Order.objects.get().language == "es"
    guest.get_by_role("button", name="English").click()
    expect(guest.get_by_text("Paid $28.00. Your tickets are here")).to_be_visible()


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
    expect(toast).to_be_hidden(timeout=8000)
    assert 3.5 < time.monotonic() - shown < 7
    expect(guest.locator("[data-pay]")).to_have_text("Try again")
    expect(guest.locator("[data-failure]")).to_have_text("Your card was not accepted. Another card may work.")
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
    expect(guest.locator("[data-failure]")).to_contain_text("Your bank did not answer in time")
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
    guest.clock.install()
    choose(guest, live_server)
    type_card(guest, "4000000000000002")
    press_pay(guest)
    toast = guest.locator("[data-toast]")
    expect(toast).to_be_visible()

    toast.hover()
    guest.clock.run_for(6500)
    expect(toast).to_be_visible()
    guest.mouse.move(5, 700)
    guest.clock.run_for(6500)

    expect(toast).to_be_hidden()


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

    expect(guest.get_by_role("heading", name="Your time ran out")).to_be_visible()
    expect(guest.get_by_text("You have not been charged.")).to_be_visible()
    guest.get_by_role("button", name="Hold the same places again").click()
    guest.wait_for_url("**/pay/")
    expect(guest.get_by_text("2 × General")).to_be_visible()
    expect(guest.get_by_text("Ana Ruiz · ana@example.com")).to_be_visible()
    assert sorted(Order.objects.values_list("status", flat=True)) == ["expired", "pending"]


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


def test_two_presses_two_tabs_and_back_are_one_order_and_one_intent(
    club: Server, night: Event, guest: Page, live_server: LiveServer
) -> None:
    choose(guest, live_server)
    first = guest.url
    card_frame(guest).get_by_label("Card number").wait_for()
    tab = guest.context.new_page()
    tab.goto(first)
    card_frame(tab).get_by_label("Card number").wait_for()
    tab.close()

    guest.go_back()
    guest.get_by_role("button", name="Hold my places").click()
    guest.wait_for_url("**/pay/")

    assert guest.url == first
    assert (Order.objects.count(), Payment.objects.count()) == (1, 1)


def test_another_choice_lets_the_first_one_go(club: Server, night: Event, guest: Page, live_server: LiveServer) -> None:
    choose(guest, live_server)

    guest.go_back()
    guest.get_by_role("button", name="One General more").click()
    guest.get_by_role("button", name="Hold my places").click()
    guest.wait_for_url("**/pay/")

    expect(guest.get_by_text("3 × General")).to_be_visible()
    assert sorted(Order.objects.values_list("status", flat=True)) == ["cancelled", "pending"]


def test_a_second_tab_of_a_paid_order_leads_to_the_tickets(
    club: Server, night: Event, guest: Page, live_server: LiveServer
) -> None:
    choose(guest, live_server)
    tab = guest.context.new_page()
    tab.goto(guest.url)
    type_card(guest, "4242424242424242")
    press_pay(guest)
    expect(guest.get_by_text("Your tickets are here")).to_be_visible()

    type_card(tab, "4242424242424242")
    press_pay(tab)

    expect(tab.get_by_text("Your tickets are here")).to_be_visible()
    assert Payment.objects.get().status == "succeeded"
    assert Ticket.objects.count() == 2


def test_a_lost_answer_is_asked_for_before_anything_is_said(
    club: Server, night: Event, guest: Page, live_server: LiveServer
) -> None:
    choose(guest, live_server)
    type_card(guest, "4242424242424242")
    club.app.books.faults.add(action="answer_lost", path="/v1/payment_intents/*/confirm", count=1)

    press_pay(guest)

    expect(guest.get_by_text("Your tickets are here")).to_be_visible(timeout=30_000)
    assert Payment.objects.count() == 1


def test_a_lost_question_ends_in_the_plain_truth(
    club: Server, night: Event, guest: Page, live_server: LiveServer
) -> None:
    choose(guest, live_server)
    type_card(guest, "4242424242424242")
    guest.route("**/v1/payment_intents/*/confirm", lambda route: route.abort())

    press_pay(guest)

    expect(guest.locator("[data-failure]")).to_have_text(
        "The connection was lost for a moment. You have not been charged.", timeout=30_000
    )
    guest.unroute("**/v1/payment_intents/*/confirm")
    press_pay(guest)
    expect(guest.get_by_text("Your tickets are here")).to_be_visible()


def test_without_the_providers_script_the_button_leads_to_its_page(
    club: Server, night: Event, guest: Page, live_server: LiveServer
) -> None:
    guest.route("**/stripe.js", lambda route: route.abort())
    choose(guest, live_server)
    expect(guest.locator("[data-failure]")).to_contain_text("could not be opened")

    guest.locator("[data-pay]").click()

    guest.wait_for_url("**/c/pay/**")


def test_no_number_of_failures_closes_the_way(club: Server, night: Event, guest: Page, live_server: LiveServer) -> None:
    choose(guest, live_server)
    type_card(guest, "4000000000009995")
    for _ in range(4):
        press_pay(guest)
        expect(guest.locator("[data-toast]")).to_be_visible()
        guest.locator("[data-close]").click()
        expect(guest.locator("[data-toast]")).to_be_hidden()

    type_card(guest, "4242424242424242")
    press_pay(guest)

    expect(guest.get_by_text("Your tickets are here")).to_be_visible()
    assert PaymentFailure.objects.filter(resolved=True).count() == 4


def test_escape_closes_the_toast_and_gives_the_focus_back(
    club: Server, night: Event, guest: Page, live_server: LiveServer
) -> None:
    guest.clock.install()
    choose(guest, live_server)
    type_card(guest, "4000000000000002")
    press_pay(guest)
    retry = guest.locator("[data-retry]")
    expect(retry).to_be_visible()

    retry.focus()
    guest.clock.run_for(6500)
    expect(retry).to_be_visible()
    guest.keyboard.press("Escape")

    expect(guest.locator("[data-toast]")).to_be_hidden()
    expect(guest.locator("[data-pay]")).to_be_focused()


def test_tickets_are_bought_by_keyboard_alone(
    club: Server, night: Event, guest: Page, live_server: LiveServer, width: int
) -> None:
    guest.set_viewport_size({"width": width, "height": 700})
    guest.goto(f"{live_server.url}/nights/noche/")
    guest.keyboard.press("Tab")
    assert focused(guest) == "Skip to content"
    guest.keyboard.press("Enter")

    tab_to(guest, "One General more")
    guest.keyboard.press("Enter")
    guest.keyboard.press("Space")
    tab_to(guest, "Name")
    guest.keyboard.type("Ana Ruiz")
    tab_to(guest, "Email")
    guest.keyboard.type("ana@example.com")
    tab_to(guest, "Hold my places")
    guest.keyboard.press("Enter")

    guest.wait_for_url("**/pay/")
    card_frame(guest).get_by_label("Card number").wait_for()
    tab_to(guest, "Keep my places")
    type_card_by_keyboard(guest, "4000000000000002")
    tab_to(guest, "Pay $56.00")
    guest.keyboard.press("Enter")
    expect(guest.locator("[data-toast]")).to_be_visible()
    expect(guest.locator("[data-pay]")).to_be_focused()
    tab_to(guest, "Retry")
    guest.keyboard.press("Enter")
    expect(guest.locator("[data-pay]")).to_be_focused()
    expect(guest.locator("[data-toast]")).to_be_visible()
    type_card(guest, "4242424242424242")
    guest.locator("[data-pay]").focus()
    guest.keyboard.press("Enter")
    expect(guest.get_by_text("Your tickets are here")).to_be_visible()
    tab_to(guest, "Tickets as PDF")
    assert Ticket.objects.count() == 2
    resolved = PaymentFailure.objects.filter(resolved=True)
    for _ in range(50):  # the last decline's event may come after the guest has their tickets
        if resolved.count() == 2:
            break
        guest.wait_for_timeout(100)
    assert resolved.count() == PaymentFailure.objects.count() == 2


FOCUSED = """() => { const part = document.activeElement;
  const words = part.ariaLabel || part.labels?.[0]?.textContent || part.textContent || "";
  return words.replace(/\\s+/g, " ").trim(); }"""
# What has the focus can be seen: it has an outline, and nothing lies over its middle.
SEEN = """() => { const part = document.activeElement, box = part.getBoundingClientRect();
  if (part === document.body || part.tagName === "MAIN" || part.tagName === "IFRAME") return true;
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return getComputedStyle(part).outlineStyle !== "none" && (part.contains(top) || !!top?.contains(part)); }"""


def focused(page: Page) -> str:
    """Return what the focused part of a page is called."""
    return str(page.evaluate(FOCUSED))


def tab_to(page: Page, name: str) -> None:
    """Press Tab until a part of this name has the focus; every part on the way can be seen."""
    for _ in range(40):
        if focused(page).startswith(name):
            return
        page.keyboard.press("Tab")
        page.wait_for_timeout(60)
        assert page.evaluate(SEEN), f"{focused(page)} has the focus and cannot be seen"
    pytest.fail(f"Tab does not lead to {name}")


def type_card_by_keyboard(page: Page, number: str) -> None:
    """Tab into the provider's field and type a card there."""
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "IFRAME":
            break
    # The field lives in a process of its own: where the focus is said to be, keys arrive a little later.
    for label, typed, tabs in zip(CARD_LABELS, (number, "1234", "123", "19801"), (0, 1, 1, 2), strict=True):
        for _ in range(tabs):
            page.keyboard.press("Tab")
        expect(card_frame(page).get_by_label(label)).to_be_focused()
        page.keyboard.type(typed)


def test_a_mistyped_address_is_hinted_at(club: Server, night: Event, guest: Page, live_server: LiveServer) -> None:
    guest.goto(f"{live_server.url}/nights/noche/")
    email = guest.get_by_label("Email")
    email.fill("ana@gmial.com")
    email.blur()

    guest.get_by_role("button", name="Did you mean ana@gmail.com?").click()

    expect(email).to_have_value("ana@gmail.com")
    expect(guest.get_by_text("Did you mean")).to_have_count(0)


def test_the_button_says_what_it_will_cost(club: Server, night: Event, guest: Page, live_server: LiveServer) -> None:
    guest.goto(f"{live_server.url}/nights/noche/")

    for _ in range(3):
        guest.get_by_role("button", name="One General more").click()
    guest.get_by_role("button", name="One General less").click()

    expect(guest.locator("buy-total output")).to_have_text("$56.00")


@pytest.mark.parametrize(("where", "budget"), [("night", 100), ("pay", 150)])
def test_a_page_weighs_little_and_nothing_in_it_moves(  # noqa: PLR0917 (fixtures)
    club: Server, night: Event, guest: Page, live_server: LiveServer, where: str, budget: int
) -> None:
    weights: list[int] = []
    guest.add_init_script(
        "window.moved = 0; new PerformanceObserver(list => list.getEntries().forEach("
        "entry => { if (!entry.hadRecentInput) window.moved += entry.value; })"
        ").observe({type: 'layout-shift', buffered: true})"
    )
    guest.set_viewport_size({"width": 390, "height": 844})
    ours = lambda response: response.url.startswith(live_server.url)  # noqa: E731 (an event's listener)
    if where == "night":
        guest.on("response", lambda response: ours(response) and weights.append(weight(response)))
        guest.goto(f"{live_server.url}/nights/noche/")
    else:
        choose(guest, live_server)
        address = guest.url
        guest.goto("about:blank")
        guest.context.clear_cookies(name="none")
        guest.on("response", lambda response: ours(response) and weights.append(weight(response)))
        guest.goto(address)
        card_frame(guest).get_by_label("Card number").wait_for()
    guest.wait_for_load_state("networkidle")

    assert sum(weights) < budget * 1024
    assert guest.evaluate("window.moved") < 0.1


def weight(response: Response) -> int:
    """Return what a response weighs on its way, as the web server compresses it."""
    body = response.body()
    return len(body if response.url.endswith((".woff2", ".jpg")) else gzip.compress(body))
