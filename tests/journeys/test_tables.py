"""A party in a browser: from the room's map to passes, and a table that goes while one looks at it."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from payments import bounces, checkout, expiry, retrying
from payments.gateways.types import IntentStatus
from payments.models import Order, Payment, PaymentFailure
from payments.sandbox.server import Server
from tests.buying import clock, intent_of, start
from tests.factories.vip import buy_table, hold_table
from tests.fakes import FakeProvider
from tests.journeys.test_buying import card_frame, press_pay, type_card
from tests.journeys.test_pages import check, width_of
from tickets.models import Event, RefundPolicy
from vip import cancelling, passes, tables, waiting
from vip.models import GuestPass, Table, VipReservation, WaitingParty

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def room(night: Event) -> Event:
    """Return a night with its whole room."""
    tables.lay_out(night)
    return night


def book(page: Page, *, party: str = "5") -> None:
    """Say who comes, and hold the table that is open."""
    page.get_by_label("How many are you?").select_option(party)
    page.get_by_label("Your name").fill("Ana Ruiz")
    page.get_by_label("Email").fill("ana@example.com")
    page.get_by_label("Phone").fill("+1 302 555 0100")
    page.get_by_label("I have read").check()
    page.get_by_role("button", name="Hold this table").click()


def test_a_card_buys_a_table_and_a_guest_takes_a_seat(  # noqa: PLR0917 (fixtures)
    club: Server, room: Event, guest: Page, live_server: LiveServer, width: int, pictures: Path
) -> None:
    guest.set_viewport_size({"width": width, "height": 844})
    guest.goto(f"{live_server.url}/nights/noche/")
    guest.get_by_role("link", name="See the room").click()
    expect(guest.locator("floor-plan a.spot")).to_have_count(26)
    guest.get_by_label("How many are you?").fill("5")
    expect(guest.locator(".table-card:visible")).to_have_count(22)  # a booth is for six at least
    guest.screenshot(path=pictures / f"floor-{width}.png", full_page=True)
    spot = guest.get_by_role("link", name=re.compile("Table F2, Front row"))
    spot.focus()
    guest.keyboard.press("Enter")
    expect(guest.get_by_label("How many are you?")).to_have_value("5")
    guest.screenshot(path=pictures / f"book-{width}.png", full_page=True)

    book(guest)
    guest.wait_for_url("**/pay/")
    guest.screenshot(path=pictures / f"pay-table-{width}.png", full_page=True)
    type_card(guest, "4242424242424242")
    press_pay(guest)

    expect(guest.get_by_text("Table F2 is yours.")).to_be_visible()
    expect(guest.get_by_role("img", name="QR code of seat 5")).to_be_visible()
    expect(guest.get_by_text("Paid: $240.00")).to_be_visible()
    guest.screenshot(path=pictures / f"host-{width}.png", full_page=True)
    assert guest.context.browser is not None
    invited = guest.context.browser.new_context().new_page()
    invited.goto(guest.get_by_label("Invitation link").input_value())
    expect(invited.get_by_text("4 seats left")).to_be_visible()
    invited.get_by_label("Name").fill("Beto")
    invited.get_by_role("button", name="Take my seat").click()
    expect(invited.get_by_role("img", name="QR code of your pass")).to_be_visible()
    expect(invited.get_by_text("Table F2, with Ana Ruiz")).to_be_visible()
    assert (Order.objects.get().status, VipReservation.objects.get().status) == ("fulfilled", "confirmed")
    assert GuestPass.objects.get(number=2).name == "Beto"


def open_table(page: Page, live_server: LiveServer, code: str) -> None:
    """Hold a table and come to paying for it."""
    page.goto(f"{live_server.url}/nights/noche/tables/{code}/")
    book(page)
    page.wait_for_url("**/pay/")


def test_a_declined_card_is_told_and_tried_again_at_a_table_as_for_tickets(
    club: Server, room: Event, guest: Page, live_server: LiveServer
) -> None:
    guest.clock.install()
    open_table(guest, live_server, "F2")
    type_card(guest, "4000000000000002")

    press_pay(guest)

    toast = guest.locator("[data-toast]")
    expect(toast.get_by_role("alert")).to_have_text("Payment failed. Please try again.")
    expect(guest.locator("[data-pay]")).to_have_text("Try again")
    expect(guest.locator("[data-failure]")).to_have_text("Your card was not accepted. Another card may work.")
    club.app.books.faults.add(action="latency", path="/v1/payment_intents/*", seconds=2.0, count=9)
    toast.get_by_role("button", name="Retry").click()
    expect(guest.locator("[data-overlay]")).to_be_visible()
    assert guest.evaluate("document.querySelector('main').inert")
    expect(toast).to_be_visible()
    guest.mouse.move(5, 700)
    guest.clock.run_for(6500)
    expect(toast).to_be_hidden()
    club.app.books.faults.clear()
    type_card(guest, "4242424242424242")
    press_pay(guest)
    expect(guest.get_by_text("Table F2 is yours.")).to_be_visible()
    assert Payment.objects.count() == 1
    failures = PaymentFailure.objects.values_list("payment_type", "resolved")
    assert list(failures) == [("vip_reservation", True)] * 2


def test_a_table_whose_time_ran_out_is_held_again_in_one_tap(  # noqa: PLR0917 (fixtures)
    club: Server, room: Event, guest: Page, live_server: LiveServer, width: int, pictures: Path
) -> None:
    guest.set_viewport_size({"width": width, "height": 844})
    open_table(guest, live_server, "F2")
    expect(card_frame(guest).owner).to_be_visible()  # what opens a payment leads elsewhere too where time is over
    Order.objects.update(expires_at=clock())
    VipReservation.objects.update(expires_at=clock())

    guest.reload()

    expect(guest.get_by_role("heading", name="Your time ran out")).to_be_visible()
    expect(guest.get_by_text("You have not been charged.")).to_be_visible()
    check(guest, pictures / f"table-ran-out-{width}.png")
    guest.get_by_role("button", name="Hold table F2 again").click()
    guest.wait_for_url("**/pay/")
    expect(guest.get_by_text("Ana Ruiz · ana@example.com")).to_be_visible()
    assert sorted(VipReservation.objects.values_list("status", "party_size")) == [("expired", 5), ("held", 5)]


def test_a_party_waits_for_a_table_and_is_offered_one(  # noqa: PLR0917 (fixtures)
    club: Server, room: Event, guest: Page, live_server: LiveServer, width: int, pictures: Path
) -> None:
    guest.set_viewport_size({"width": width, "height": 844})
    Table.objects.exclude(code="F2").update(blocked=True, blocked_reason="repairs")
    first = hold_table(Table.objects.get(code="F2"))
    guest.goto(f"{live_server.url}/nights/noche/tables/")
    guest.get_by_label("How many are you?").fill("5")
    check(guest, pictures / f"floor-full-{width}.png")
    guest.get_by_role("link", name="Wait for a table").click()
    expect(guest.get_by_label("How many are you?")).to_have_value("5")
    guest.get_by_role("button", name="Put me in the line").click()
    check(guest, pictures / f"table-wait-mistyped-{width}.png")
    guest.get_by_label("Your name").fill("Eva Luna")
    guest.get_by_label("Email").fill("eva@example.com")
    guest.get_by_label("Phone").fill("+1 302 555 0101")
    guest.get_by_label("I have read").check()

    guest.get_by_role("button", name="Put me in the line").click()

    expect(guest.get_by_text("You are in the line.")).to_be_visible()
    party = WaitingParty.objects.get()
    guest.goto(f"{live_server.url}/waiting/tables/{party.reference}/")
    check(guest, pictures / f"table-waiting-{width}.png")
    expiry.cancel_order(first.pk, now=clock())
    assert waiting.offer_tables(now=clock()) == 1
    guest.reload()
    guest.wait_for_url("**/pay/")
    expect(guest.get_by_role("timer")).to_contain_text("59:")
    expect(guest.get_by_text("Eva Luna · eva@example.com")).to_be_visible()


def test_an_open_map_stays_true_and_a_stale_tap_is_answered_kindly(  # noqa: PLR0917 (fixtures)
    club: Server, room: Event, guest: Page, live_server: LiveServer, width: int, pictures: Path
) -> None:
    guest.set_viewport_size({"width": width, "height": 844})
    guest.goto(f"{live_server.url}/nights/noche/tables/")
    spot = guest.locator("a.spot[data-code=F2]")
    expect(spot).to_have_attribute("data-state", "free")
    hold_table(Table.objects.get(code="F2"))

    spot.focus()
    guest.keyboard.press("Enter")
    expect(guest.get_by_role("alert")).to_contain_text("You have not been charged")
    guest.screenshot(path=pictures / f"just-taken-{width}.png", full_page=True)
    guest.go_back()

    expect(spot).to_have_attribute("data-state", "held")
    expect(spot).to_have_attribute("aria-disabled", "true")
    expect(guest.locator(".table-card[data-code=F2] .word")).to_have_text("Held for somebody")
    VipReservation.objects.update(status="released", closed_at=clock())
    expect(spot).to_have_attribute("data-state", "free", timeout=8000)
    expect(spot).to_have_attribute("href", "/nights/noche/tables/F2/")


def test_a_table_is_booked_without_javascript(
    club: Server, room: Event, live_server: LiveServer, browser: Browser
) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{live_server.url}/nights/noche/tables/")
    page.get_by_label("How many are you?").fill("4")
    page.get_by_role("button", name="Show tables that fit").click()
    expect(page.locator(".table-card:visible")).to_have_count(22)
    page.get_by_role("link", name="Choose table S7").click()

    book(page, party="4")

    page.wait_for_url("**/pay/")
    assert VipReservation.objects.get().table.code == "S7"


@pytest.mark.parametrize("path", ["/nights/noche/tables/", "/nights/noche/tables/F1/"])
def test_nothing_scrolls_sideways_on_a_small_phone(
    club: Server, room: Event, guest: Page, live_server: LiveServer, path: str
) -> None:
    guest.set_viewport_size({"width": 320, "height": 700})

    guest.goto(live_server.url + path)

    assert guest.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.fixture(params=[320, pytest.param(1280, marks=pytest.mark.prove)])
def screen(request: pytest.FixtureRequest, guest: Page) -> Page:
    """Return a page on the smallest phone, and on a desktop in the long form."""
    guest.set_viewport_size({"width": request.param, "height": 800})
    return guest


@pytest.mark.parametrize("path", ["tables/", "tables/F2/"])
def test_choosing_and_booking_are_sound(
    room: Event, screen: Page, live_server: LiveServer, path: str, pictures: Path
) -> None:
    screen.goto(f"{live_server.url}/nights/noche/{path}")

    check(screen, pictures / f"{path.strip('/').replace('/', '-')}-{width_of(screen)}.png")


def just_taken(room: Event, provider: FakeProvider) -> str:
    hold_table(Table.objects.get(event=room, code="F2"))
    return reverse("vip:book", args=[room.slug, "F2"])


def all_gone(room: Event, provider: FakeProvider) -> str:
    table = Table.objects.get(event=room, code="F2")
    hold_table(table)
    Table.objects.exclude(pk=table.pk).update(blocked=True, blocked_reason="repairs")
    return reverse("vip:book", args=[room.slug, "F2"])


def deciding(room: Event, provider: FakeProvider) -> str:
    order = hold_table(Table.objects.get(event=room, code="F2"))
    provider.set_status(intent_of(start(order)), IntentStatus.PROCESSING)
    checkout.ask_provider(order, now=clock())
    return reverse("vip:order", args=[order.reference])


def cancelled(room: Event, provider: FakeProvider) -> str:
    party = buy_table(provider, Table.objects.get(event=room, code="F2"))
    cancelling.cancel_by_guest(party.pk, shown_cents="0", now=clock())
    return reverse("vip:order", args=[party.order.reference])


def given_on(room: Event, provider: FakeProvider) -> str:
    party = passes.offer_host(
        buy_table(provider, Table.objects.get(event=room, code="F2")).pk, email="eva@example.com", now=clock()
    )
    return reverse("vip:accept_host", args=[party.transfer_code])


def money_back(room: Event, provider: FakeProvider) -> str:
    RefundPolicy.objects.create(event=room)
    return reverse("vip:cancel", args=[buy_table(provider, Table.objects.get(event=room, code="F2")).host_code])


def link_over(room: Event, provider: FakeProvider) -> str:
    party = buy_table(provider, Table.objects.get(event=room, code="F2"))
    passes.rotate_invite(party.pk)
    return reverse("vip:invite", args=[party.invite_code])


def mail_came_back(room: Event, provider: FakeProvider) -> str:
    party = buy_table(provider, Table.objects.get(event=room, code="F2"))
    retrying.run_due(now=clock() + timedelta(seconds=60))
    bounces.note(recipient=party.host_email, reason="550", now=clock())
    return reverse("vip:host", args=[party.host_code])


STATES = [
    just_taken, all_gone, deciding, cancelled, given_on, money_back, link_over, mail_came_back,
]  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_a_tables_other_states_are_sound(  # noqa: PLR0917 (fixtures)
    room: Event,
    provider: FakeProvider,
    screen: Page,
    live_server: LiveServer,
    state: Callable[[Event, FakeProvider], str],
    pictures: Path,
) -> None:
    screen.goto(live_server.url + state(room, provider))

    check(screen, pictures / f"table-{state.__name__}-{width_of(screen)}.png")


def test_booking_is_sound_mistyped(room: Event, screen: Page, live_server: LiveServer, pictures: Path) -> None:
    screen.goto(f"{live_server.url}/nights/noche/tables/F2/")
    screen.get_by_label("Email").fill("ana@gmial.com")
    screen.get_by_label("Email").blur()
    expect(screen.get_by_text("Did you mean ana@gmail.com?")).to_be_visible()
    screen.get_by_role("button", name="Hold this table").click()

    expect(screen.get_by_text("Type your name").first).to_be_visible()
    check(screen, pictures / f"book-mistyped-{width_of(screen)}.png")


@pytest.mark.parametrize("view", ["vip:order", "vip:host", "vip:cancel", "vip:invite", "vip:pass"])
def test_a_partys_pages_are_sound(  # noqa: PLR0917 (fixtures)
    room: Event, provider: FakeProvider, screen: Page, live_server: LiveServer, view: str, pictures: Path
) -> None:
    party = buy_table(provider, Table.objects.get(event=room, code="F2"))
    keys = {
        "vip:order": party.order.reference,
        "vip:host": party.host_code,
        "vip:cancel": party.host_code,
        "vip:invite": party.invite_code,
        "vip:pass": party.passes.get(number=2).link,
    }

    screen.goto(live_server.url + reverse(view, args=[keys[view]]))

    check(screen, pictures / f"{view.replace(':', '-')}-{width_of(screen)}.png")
