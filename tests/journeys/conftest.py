"""A real browser, a real server, and a sandbox that is a server too."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from payments.sandbox.server import Server, build
from tests.browser import BROWSER
from tests.factories.tickets import EventFactory, TicketTypeFactory
from tickets.models import Event

# Playwright keeps an event loop in this thread; Django would take it for its own.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

PICTURES = Path("test-results")
expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every journey, and skip it loudly where there is no browser."""
    for item in items:
        if "journeys" not in item.path.parts:
            continue
        item.add_marker(pytest.mark.browser)
        if not BROWSER:
            item.add_marker(pytest.mark.skip(reason="NO BROWSER: install Chromium to run the journeys"))


@pytest.fixture(scope="session")
def pictures(pytestconfig: pytest.Config) -> Path:
    """Return where pictures of pages are kept, to be looked at."""
    place = Path(pytestconfig.getoption("--output"))
    place.mkdir(parents=True, exist_ok=True)
    return place


@pytest.fixture(params=[390, pytest.param(1280, marks=pytest.mark.prove)], ids=["phone", "desktop"])
def width(request: pytest.FixtureRequest) -> int:
    """Return a phone's width, and a desktop's in the long form."""
    return int(request.param)


@pytest.fixture
def club(live_server: LiveServer, settings: Settings) -> Iterator[Server]:
    """Open the club with a sandbox of its own behind it."""
    settings.SITE_URL = live_server.url
    where = urlsplit(django_settings.STRIPE_API_BASE)
    server = build(
        where.hostname or "127.0.0.1",
        where.port or 0,
        faults=True,
        webhook_endpoints=[(f"{live_server.url}/webhooks/stripe/", ["whsec_maguey"])],
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture
def night(transactional_db: None) -> Event:
    """Return a night on sale, with one kind of ticket."""
    type_ = TicketTypeFactory.create(slug="general", name="General", event=EventFactory.create(slug="noche"))
    return type_.event


@pytest.fixture
def guest(page: Page) -> Page:
    """Return a page that fails the test on any script error or refused resource."""
    page.on("pageerror", lambda error: pytest.fail(f"the page's script failed: {error}"))
    page.set_default_timeout(15_000)
    return page
