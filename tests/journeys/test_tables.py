"""A party in a browser: from the room's map to passes, and a table that goes while one looks at it."""

import re
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from payments.models import Order
from payments.sandbox.server import Server
from tests.buying import clock
from tests.factories.vip import buy_table, hold_table
from tests.fakes import FakeProvider
from tests.journeys.test_buying import press_pay, type_card
from tests.journeys.test_pages import check, width_of
from tickets.models import Event
from vip import tables
from vip.models import GuestPass, Table, VipReservation

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
