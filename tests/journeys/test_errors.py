"""The console's errors in a real browser: read on any screen, and held against axe."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from maguey import logs
from owners import errors
from owners.error_handler import ErrorHandler
from owners.models import ErrorLog
from tests.journeys.test_owners_home import console, goes_sideways, objections
from tests.owners.console import owner

__all__ = ["console"]
pytestmark = [pytest.mark.django_db(transaction=True)]


def stumble(depth: int, words: str) -> None:
    if depth:
        stumble(depth - 1, words)
    raise LookupError(words)


@pytest.fixture
def a_month_of_errors() -> Iterator[ErrorLog]:
    """Leave three errors, one of which somebody mended too early, and return the one that lasts."""
    now, handler, logger = timezone.now(), ErrorHandler(logs.scrubbed), logging.getLogger("shop")
    for days in range(30):
        for _ in range((days * 7) % 5):
            record = say(logger, "no place left for ana@example.com at table 'P1' " + "of the party " * 12)
            record.created = (now - timedelta(days=29 - days)).timestamp()
            handler.handle(record)
    handler.handle(say(logger, "The printer at the door", level=logging.CRITICAL))
    handler.flush()
    critical = ErrorLog.objects.get(severity="critical")
    errors.resolve(critical.pk, user=owner("mender"), now=critical.last_seen_at)
    handler.handle(say(logger, "The printer at the door", level=logging.CRITICAL))
    handler.flush()
    yield ErrorLog.objects.get(severity="error")
    handler.flush()


def say(logger: logging.Logger, words: str, *, level: int = logging.ERROR) -> logging.LogRecord:
    try:
        stumble(3, words)
    except LookupError as error:
        found = (type(error), error, error.__traceback__)
    return logger.makeRecord("shop", level, "shop.py", 1, "It failed", (), found, func="sell")


def test_errors_are_read_on_any_screen(
    console: Page, live_server: LiveServer, a_month_of_errors: ErrorLog, pictures: Path, width: int
) -> None:
    console.goto(live_server.url + reverse("admin:owners_errorlog_changelist"))
    expect(console.get_by_text("Came back")).to_be_visible()
    console.screenshot(path=pictures / f"console-errors-{width}.png", full_page=True)
    assert (objections(console), goes_sideways(console)) == ([], False)

    console.goto(live_server.url + reverse("admin:owners_errorlog_change", args=[a_month_of_errors.pk]))
    expect(console.get_by_text("What it was doing, the last time")).to_be_visible()
    console.screenshot(path=pictures / f"console-error-{width}.png", full_page=True)
    assert not goes_sideways(console)
    console.locator("a", has_text="Resolve…").first.evaluate("link => link.click()")  # a phone folds it away
    dialog = console.get_by_role("dialog", name="Is this mended?")
    dialog.get_by_role("button", name="Resolve").click()
    expect(console.get_by_text("Resolved. If it comes back")).to_be_visible()
