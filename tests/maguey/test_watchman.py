"""Owners hear that PostgreSQL does not answer, though nothing that lives in it can tell them."""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as of_the_product
from django.core.mail import EmailMultiAlternatives
from django.core.management import call_command
from pytest_django.fixtures import Settings

from maguey import watchman
from maguey.watchman import Outage, Watchman
from owners import alerts, apart
from owners.models import Alert, OwnerAssignment
from payments import retrying
from payments.models import PaymentFailure
from tests.factories.tickets import EventFactory
from tests.owners.console import owner

pytestmark = pytest.mark.django_db(transaction=True)

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def a_thread_to_ask_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask in a thread of its own: Playwright keeps an event loop running in this one, once a browser was used."""
    run = asyncio.run

    def in_a_thread(asked: Coroutine[Any, Any, list[str]]) -> list[str]:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(run, asked).result()

    monkeypatch.setattr(watchman.asyncio, "run", in_a_thread)


@pytest.fixture(params=["hung", "gone"])
def away(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """Return the address of a server that takes connections and says nothing, or of none."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1] if request.param == "hung" else 1
        yield {"host": "127.0.0.1", "port": port, "user": "u", "dbname": "d", "connect_timeout": 2}


def heard(letters: list[EmailMultiAlternatives]) -> list[tuple[str, str]]:
    return [(letter.to[0], letter.subject) for letter in letters]


def test_it_knows_whom_alerts_of_every_night_go_to() -> None:
    owner("chief")
    owner("of-one-night", event=EventFactory.create())
    owner("left")
    OwnerAssignment.objects.filter(user__username="left").update(role="door")
    gone = owner("gone")
    gone.is_active = False
    gone.save()

    assert asyncio.run(watchman.ask()) == alerts.addresses_for(None) == ["chief@example.com"]


def test_an_outage_is_told_once_while_it_lasts_and_once_again(
    now: datetime,
    away: dict[str, Any],
    mailoutbox: list[EmailMultiAlternatives],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.ALERT_EMAILS = ["engineer@example.com"]
    owner("chief")
    watch = Watchman()
    watch.look(now=now)
    monkeypatch.setattr(apart, "address", lambda _: away)

    began = time.monotonic()
    watch.look(now=now + SECOND)
    spent = time.monotonic() - began
    monkeypatch.setattr(watchman.asyncio, "run", lambda asked: asked.close())  # the rest need not wait so long
    told = {}
    for seconds in (30, 31, 36, 1800, 1801, 4000):
        watch.look(now=now + seconds * SECOND)
        told[seconds], mailoutbox[:] = heard(mailoutbox), []

    title = "The database does not answer"
    both = ("chief@example.com", "engineer@example.com")
    assert spent < 5
    assert told[31] == [(address, f"[Maguey] {title}") for address in both]
    assert told[1801] == [(address, f"[Maguey] Still open: {title}") for address in both]
    assert told[30] == told[36] == told[1800] == told[4000] == []


def test_a_letter_that_could_not_leave_leaves_in_the_next_round(
    now: datetime, mailoutbox: list[EmailMultiAlternatives], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ALERT_EMAILS = ["engineer@example.com"]
    watch = Watchman()
    watch.outage = Outage(began_at=now)
    with monkeypatch.context() as away:
        away.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
        watch.note_silence(now=now + 31 * SECOND)
    before = len(mailoutbox)
    watch.note_silence(now=now + 36 * SECOND)

    assert (before, len(mailoutbox)) == (0, 1)


def refuse(*_: object) -> int:
    raise ConnectionRefusedError("no mail server")


def in_this_process(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
    """Run one of the operators' commands without a process of its own, which takes seconds to load."""
    assert command[:2] == [sys.executable, str(of_the_product.BASE_DIR / "manage.py")]
    call_command(*command[2:], stdout=StringIO())
    return subprocess.CompletedProcess(command, 0)


def test_what_is_over_is_noted_in_the_console_and_written_to_its_owners(
    now: datetime, mailoutbox: list[EmailMultiAlternatives], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "run", in_this_process)
    chief, watch = owner("chief"), Watchman()
    watch.outage = Outage(began_at=now - 90 * SECOND)

    watch.look(now=now)
    retrying.run_due(now=now + timedelta(minutes=1))

    failure = PaymentFailure.objects.get()
    assert (watch.outage, failure.error_code, failure.severity) == (None, "database_unreachable", "critical")
    assert sorted(Alert.objects.values_list("channel", "recipient")) == [("console", ""), ("email", chief.email)]
    assert heard(mailoutbox) == [(chief.email, "[Maguey] The database did not answer")]
    assert "It answers again" in str(mailoutbox[0].body)
    assert watchman.noted(Outage(began_at=now - 90 * SECOND, ended_at=now))
    assert PaymentFailure.objects.count() == 1


def test_what_cannot_be_noted_yet_is_noted_later_with_its_true_end(
    now: datetime, tmp_path: Path, settings: Settings
) -> None:
    settings.BASE_DIR = tmp_path  # no command is here
    watch = Watchman()
    watch.outage = Outage(began_at=now - 90 * SECOND)

    watch.look(now=now)

    assert watch.outage == Outage(began_at=now - 90 * SECOND, ended_at=now)


def test_a_moments_silence_is_not_worth_a_word(now: datetime) -> None:
    watch = Watchman()
    watch.outage = Outage(began_at=now - 20 * SECOND)

    watch.look(now=now)

    assert watch.outage is None
    assert not PaymentFailure.objects.exists()
