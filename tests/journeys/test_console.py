"""The owner's console in a real browser: what is opened most, at a phone's and a desktop's width."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from payments import retrying
from tests.buying import buy, clock, hold
from tests.factories.tickets import EventFactory, TicketTypeFactory
from tests.factories.vip import buy_table, hold_table
from tests.fakes import FakeProvider
from tickets import nights
from tickets.models import Event, NightChange
from vip import tables

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture(params=[pytest.param(390, marks=pytest.mark.prove), 1280], ids=["phone", "desktop"])
def width(request: pytest.FixtureRequest) -> int:
    """Return a phone's width, in the long form, and a desktop's."""
    return int(request.param)


@pytest.fixture
def club_night(provider: FakeProvider) -> Event:
    """Return a night with tickets and tables sold, one table held."""
    event = EventFactory.create(slug="noche", title="Noche de Cumbia")
    tables.lay_out(event)
    type_ = TicketTypeFactory.create(event=event, capacity=50)
    buy(provider, type_)
    buy_table(provider, event.tables.get(code="F1"))
    buy_table(provider, event.tables.get(code="P2"), size=8)
    hold_table(event.tables.get(code="S4"))
    return event


@pytest.fixture
def console(guest: Page, live_server: LiveServer, width: int) -> Page:
    """Return a page whose owner is signed in."""
    from django.test import Client

    client = Client()
    client.force_login(User.objects.create_superuser("owner", "owner@example.com", "maguey"))
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    guest.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    guest.set_viewport_size({"width": width, "height": 900})
    return guest


def test_an_owner_looks_at_a_nights_tables(
    console: Page, live_server: LiveServer, club_night: Event, pictures: Path, width: int
) -> None:
    console.goto(live_server.url + reverse("admin:tickets_event_reservations", args=[club_night.pk]))

    expect(console.get_by_text("$1,440.00").first).to_be_visible()
    expect(console.get_by_role("img", name="F1: Taken.")).to_be_visible()
    console.screenshot(path=pictures / f"console-tables-{width}.png", full_page=True)


def test_an_owner_calls_a_night_off_and_watches_the_money_go_home(
    console: Page, live_server: LiveServer, club_night: Event, pictures: Path, width: int
) -> None:
    hold(TicketTypeFactory.create(event=club_night))
    console.goto(live_server.url + reverse("admin:tickets_event_change", args=[club_night.pk]))
    if width < 1000:
        console.get_by_text("more_horiz").first.click()
    console.get_by_text("Call off…").locator("visible=true").first.click()
    console.get_by_label("Reason").fill("The roof leaks.")
    console.screenshot(path=pictures / f"console-call-off-{width}.png")
    console.get_by_role("button", name="Call off and refund everybody").click()

    expect(console.get_by_text("Orders to give back: 5.")).to_be_visible()
    retrying.run_due(now=clock() + timedelta(seconds=5))
    console.reload()
    expect(console.get_by_text("5 done")).to_be_visible()
    console.screenshot(path=pictures / f"console-night-off-{width}.png", full_page=True)
    assert NightChange.objects.get().note == "The roof leaks."
    assert nights.catch_up(now=clock()) == 0
