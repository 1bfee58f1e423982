"""The console's home and its failures in a real browser: looked at, acted in, and held against axe."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from payments import retrying
from payments.models import Order, PaymentFailure
from tests.buying import clock
from tests.fakes import FakeProvider
from tests.journeys.test_pages import RULES
from tests.owners.console import busy_night, client_of, doors_tonight, owner
from tickets.models import Event

pytestmark = [pytest.mark.django_db(transaction=True)]

AXE = Path(__file__).parents[1] / "vendor" / "axe.min.js"
RUN = """axe.run(document, {runOnly: %s, resultTypes: ["violations"]}).then(found => found.violations
  .filter(rule => ["serious", "critical"].includes(rule.impact))
  .map(rule => [rule.id, rule.nodes.map(node => node.html.slice(0, 200))]))"""


@pytest.fixture
def tonight(provider: FakeProvider) -> Event:
    """Return a busy night whose doors open this evening."""
    return busy_night(provider, doors_at=doors_tonight())


@pytest.fixture
def console(guest: Page, live_server: LiveServer, width: int) -> Page:
    """Return a page whose owner, no superuser, is signed in."""
    cookie = client_of(owner()).cookies[settings.SESSION_COOKIE_NAME]
    guest.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    guest.set_viewport_size({"width": width, "height": 900})
    return guest


def objections(page: Page) -> Any:  # Any: JSON
    """Return what axe objects to in earnest."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Runtime.evaluate", {"expression": AXE.read_text()})
    ran = devtools.send("Runtime.evaluate", {"expression": RUN % RULES, "awaitPromise": True, "returnByValue": True})
    return ran["result"].get("value")


def goes_sideways(page: Page) -> bool:
    """Say whether a page is wider than its window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def test_an_owner_sees_what_is_wrong_and_puts_it_right(
    console: Page, live_server: LiveServer, tonight: Event, pictures: Path, width: int
) -> None:
    console.goto(live_server.url + reverse("admin:index"))
    expect(console.get_by_role("heading", name="Money without a ticket 1")).to_be_visible()
    console.screenshot(path=pictures / f"console-home-{width}.png", full_page=True)
    assert (objections(console), goes_sideways(console)) == ([], False)

    console.get_by_role("link", name="Refund $56.00").click()
    dialog = console.get_by_role("dialog", name="Send the money back?")
    expect(dialog.get_by_text("$56.00 goes back to Ana Ruiz")).to_be_visible()
    expect(dialog.get_by_role("button", name="Refund")).to_be_visible()
    console.screenshot(path=pictures / f"console-refund-{width}.png")
    dialog.get_by_role("button", name="Cancel").click()
    console.get_by_role("button", name="Retry now").click()
    expect(console.get_by_text("Started afresh: 1.")).to_be_visible()
    retrying.run_due(now=clock() + timedelta(seconds=5))
    console.reload()
    expect(console.get_by_text("Everyone who paid has what they paid for.")).to_be_visible()
    assert not Order.objects.filter(status="paid").exists()


def test_an_owner_resolves_a_failure_and_says_how(
    console: Page, live_server: LiveServer, tonight: Event, pictures: Path, width: int
) -> None:
    console.goto(live_server.url + reverse("admin:payments_paymentfailure_changelist"))
    expect(console.get_by_text("Paid, and the tickets could not be made").first).to_be_visible()
    console.screenshot(path=pictures / f"console-failures-{width}.png", full_page=True)
    assert (objections(console), goes_sideways(console)) == ([], False)

    console.get_by_role("link", name="Resolve ana@example.com").click()
    dialog = console.get_by_role("dialog", name="Resolve this failure")
    expect(dialog.get_by_label("What was done about it")).to_be_focused()
    console.screenshot(path=pictures / f"console-resolve-{width}.png")
    dialog.get_by_role("button", name="Resolve").click()
    expect(dialog.get_by_text("This field is required.")).to_be_visible()
    dialog.get_by_label("What was done about it").fill("Printed at the door.")
    dialog.get_by_role("button", name="Resolve").click()
    expect(console.get_by_text("Resolved.", exact=True)).to_be_visible()

    failure = PaymentFailure.objects.get(category="fulfilment")
    assert (failure.resolution_note, str(failure.resolved_by)) == ("Printed at the door.", "owner")
    console.goto(live_server.url + reverse("admin:payments_paymentfailure_change", args=[failure.pk]))
    expect(console.get_by_text("Printed at the door.")).to_be_visible()
    console.screenshot(path=pictures / f"console-failure-{width}.png", full_page=True)
