"""Every page of the console at a phone's and a desktop's width: a picture, nothing sideways, nothing axe objects to."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.urls import reverse
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from maguey import logs
from owners import audit
from owners.error_handler import ErrorHandler
from payments.models import IdempotencyKey, ProviderCall, Refund
from payments.refunds import refund_order
from tests.buying import buy, clock, tell
from tests.fakes import FakeProvider
from tests.journeys.test_errors import say
from tests.journeys.test_owners_home import goes_sideways, objections
from tests.owners.console import busy_night, client_of, doors_tonight
from tickets.models import Event, WaitingGuest
from vip.models import WaitingParty

pytestmark = [pytest.mark.django_db(transaction=True)]

WITH_LONG_WORDS = frozenset({IdempotencyKey, ProviderCall, WaitingGuest, WaitingParty})
EVERY = frozenset(admin.site._registry)
CUT_OFF = """[...document.querySelectorAll("#result_list :is(td, th)")].filter(cell => cell.checkVisibility()
  && cell.scrollWidth > cell.clientWidth + 1).map(cell => cell.textContent.trim().slice(0, 80))"""


@pytest.fixture
def busy(provider: FakeProvider) -> Event:
    """Return a night on which everything has happened that leaves a row."""
    night, now = busy_night(provider, doors_at=doors_tonight()), clock()
    order = buy(provider, night.ticket_types.get(name="Early"), quantity=1)
    tell(provider, order.payments.get(), "payment_intent.succeeded")
    refund_order(order.pk, reason=Refund.Reason.OWNER, cause="x", now=now)
    audit.run(now=now)
    wait_in_line(night, now)
    keep_keys(now)
    go_wrong()
    return night


def wait_in_line(night: Event, now: datetime) -> None:
    """Let guests and parties wait, with names as long as people have."""
    people = {"Guadalupe Hernández-Villanueva": "guadalupe.hernandez.villanueva@universidad.example", "Bo": "bo@e.co"}
    for number, (name, email) in enumerate(people.items()):
        joined = now - timedelta(hours=number)
        WaitingGuest.objects.create(
            ticket_type=night.ticket_types.get(name="Early"), name=name, email=email, quantity=2, joined_at=joined
        )
        WaitingParty.objects.create(
            event=night, name=name, email=email, phone="+1 302 555 0142", party_size=6, joined_at=joined
        )


def keep_keys(now: datetime) -> None:
    """Leave keys as programs and browsers send them, one of them with another request than at first."""
    held = {"reference": "b2f0d1c3a4", "status": "pending", "items": [{"ticket_type": "general", "quantity": 2}]}
    sold_out = {"type": "about:blank", "code": "sold_out", "detail": "These tickets are sold out."}
    answers = ((201, held, 3, 0), (409, sold_out, 0, 2), (None, None, 0, 0))
    for status, body, replays, mismatches in answers:
        IdempotencyKey.objects.create(
            scope="203.0.113.77", key=str(uuid4()) + "-checkout-from-the-app", method="POST", fingerprint="5f" * 32,
            path=f"/api/v1/orders/{uuid4().hex}/payments/", response_status=status, response_body=body,
            response_headers={"Content-Type": "application/json"} if body else {}, replays=replays,
            mismatches=mismatches, created_at=now,
        )  # fmt: skip


def go_wrong() -> None:
    """Leave two errors of ours, one with more to say than a list has room for."""
    handler = ErrorHandler(logs.scrubbed)
    for words in ("The printer at the door", "no place left at table 'P1' " + "of the party " * 12):
        handler.handle(say(logging.getLogger("shop"), words))
    handler.flush()


@pytest.fixture
def chief(guest: Page, live_server: LiveServer, width: int) -> Page:
    """Return a page whose superuser is signed in: every page there is is theirs."""
    user = User.objects.create_superuser("chief", "chief@example.com", "maguey")
    cookie = client_of(user).cookies[settings.SESSION_COOKIE_NAME]
    guest.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    guest.set_viewport_size({"width": width, "height": 900})
    return guest


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("shown", [WITH_LONG_WORDS, pytest.param(EVERY, marks=pytest.mark.prove)], ids=["some", "all"])
def test_lists_and_a_row_of_each_are_read_on_any_screen(
    chief: Page, live_server: LiveServer, pictures: Path, width: int, shown: frozenset[type[Model]]
) -> None:
    wrong = {}
    for name, address in pages(shown):
        answer = chief.goto(live_server.url + address)
        chief.screenshot(path=pictures / f"console-{name}-{width}.png", full_page=True)
        found = answer and answer.status, objections(chief), goes_sideways(chief), cut_off(chief)
        if found != (200, [], False, []):
            wrong[name] = found

    assert wrong == {}


def pages(shown: frozenset[type[Model]]) -> Iterator[tuple[str, str]]:
    """Return the list of each of these models, and the page of a row where there is one."""
    for model in sorted(shown, key=lambda model: model._meta.label):
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        yield f"{name}-list", reverse(f"admin:{name}_changelist")
        row = model._default_manager.order_by("pk").first()
        if row and "celery" not in name:  # their forms are the library's own
            yield f"{name}-row", reverse(f"admin:{name}_change", args=[row.pk])


def cut_off(page: Page) -> Any:  # Any: JSON
    """Return the cells of a list whose words are wider than they are."""
    return page.evaluate(CUT_OFF)
