"""An order's story in a real browser: looked at, held against axe, and written into by a letter to the guest."""

from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.fakes import FakeProvider
from tests.journeys.test_owners_home import goes_sideways, objections
from tests.owners.console import client_of, owner
from tests.owners.test_story import eventful

pytestmark = [pytest.mark.django_db(transaction=True)]


def test_an_owner_reads_an_orders_story_and_writes_to_its_guest(
    guest: Page, live_server: LiveServer, provider: FakeProvider, pictures: Path, width: int
) -> None:
    rosa = owner("rosa")
    order = eventful(provider, rosa)
    cookie = client_of(rosa).cookies[settings.SESSION_COOKIE_NAME]
    guest.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    guest.set_viewport_size({"width": width, "height": 900})

    guest.goto(live_server.url + reverse("admin:payments_order_change", args=[order.pk]))
    expect(guest.get_by_text("Ticket 1 was let in at Main.")).to_be_visible()
    guest.screenshot(path=pictures / f"console-story-{width}.png", full_page=True)
    assert (objections(guest), goes_sideways(guest)) == ([], False)

    guest.evaluate("document.querySelector('[hx-get$=\"/email/\"]').click()")
    dialog = guest.get_by_role("dialog", name="Write to the guest")
    expect(dialog.get_by_text("To Ana Ruiz · ana@example.com")).to_be_visible()
    dialog.get_by_label("Subject").fill("Your second ticket")
    dialog.get_by_label("Text").fill("It waits for you at the door.")
    guest.screenshot(path=pictures / f"console-letter-{width}.png")
    dialog.get_by_role("button", name="Send").click()
    expect(guest.get_by_text("A letter was written to the guest: “Your second ticket”.")).to_be_visible()
    expect(guest.get_by_text("rosa, by “Email guest”")).to_be_visible()
