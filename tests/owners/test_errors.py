"""Errors of our own code: kept whatever becomes of the request, counted, and shown without anybody's secrets."""

import logging
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from celery import shared_task
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path, reverse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from maguey import logs
from owners import apart, error_handler, errors
from owners.error_handler import ErrorHandler
from owners.models import ErrorCount, ErrorLog, Heartbeat
from payments import purging
from tests.factories.tickets import EventFactory
from tests.owners.console import client_of, owner

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]

LIST = "/admin/owners/errorlog/"
SECRETS = ("ana@example.com", "4242 4242 4242 4242", "sk_test_4eC39Hq", "203.0.113.77", "Zx3_kP-9aQ0mT7vB2cL5wE")


def fails(request: HttpRequest) -> HttpResponse:
    with transaction.atomic():
        Heartbeat.objects.create(name="rolled back", seen_at="2026-01-01T00:00Z")
        raise LookupError(f"no place for {request.GET.get('whom', 'anybody')}")


class Fails(APIView):
    def get(self, request: Request) -> Response:
        raise LookupError("no place in the API")


@shared_task
def failing_task() -> None:
    raise ValueError("the task cannot")


urlpatterns = [path("fails/", fails), path("api-fails/", Fails.as_view()), path("", include("maguey.urls"))]


@pytest.fixture
def handler() -> Iterator[ErrorHandler]:
    """Keep errors as the product does, for one test."""
    handler = ErrorHandler(logs.scrubbed)
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)
    handler.flush()


@pytest.fixture
def guest() -> Client:
    return Client(raise_request_exception=False)


def say(words: str, *arguments: object, at: datetime | None = None, level: int = logging.ERROR) -> None:
    """Log a line of somebody's, at a moment."""
    record = logging.LogRecord("somebody", level, "shop.py", 1, words, arguments, None, func="sell")
    if at:
        record.created = at.timestamp()
    logging.getLogger("somebody").handle(record)


def kept(handler: ErrorHandler) -> list[tuple[str, str, int]]:
    handler.flush()
    return sorted(ErrorLog.objects.values_list("error_type", "message", "count"))


def test_an_error_outlives_the_rollback_of_its_request_and_is_counted_once(
    handler: ErrorHandler, guest: Client
) -> None:
    answer = guest.get("/fails/")

    assert answer.status_code == 500
    assert not Heartbeat.objects.exists()
    assert kept(handler) == [("LookupError", "no place for anybody", 1)]
    error = ErrorLog.objects.get()
    assert (error.severity, error.function) == ("error", "tests.owners.test_errors.fails")
    assert error.context["request"] == "GET /fails/"
    assert error.context["request_id"]
    assert 'raise LookupError(f"no place for' in error.stack


def test_an_error_of_the_api_is_counted_once(handler: ErrorHandler, guest: Client) -> None:
    assert guest.get("/api-fails/").status_code == 500

    assert kept(handler) == [("LookupError", "no place in the API", 1)]


def test_an_error_of_a_task_is_counted_once(handler: ErrorHandler) -> None:
    failing_task.apply()

    assert kept(handler) == [("ValueError", "the task cannot", 1)]
    assert ErrorLog.objects.get().context["task"] == "tests.owners.test_errors.failing_task"


def test_an_answer_we_chose_and_a_guests_own_mistake_are_no_errors(handler: ErrorHandler, guest: Client) -> None:
    guest.get("/nothing/here/")
    guest.get("/", headers={"Host": "x" * 300})
    say("a warning", level=logging.WARNING)
    logging.getLogger("django.request").error("Service Unavailable: %s", "/health/ready/")
    logging.getLogger("django.security.DisallowedHost").error("Invalid HTTP_HOST header")

    assert kept(handler) == []


def test_errors_that_mean_the_same_are_one(handler: ErrorHandler, guest: Client) -> None:
    for whom in ("'ana'", "'luz'", "7", "8a"):
        guest.get("/fails/", {"whom": whom})
    guest.get("/fails/", {"whom": "nobody at all"})

    assert [row[2] for row in kept(handler)] == [4, 1]


def test_nobodys_secrets_are_kept(handler: ErrorHandler, guest: Client) -> None:
    guest.get("/fails/", {"whom": " ".join(SECRETS)})
    handler.flush()

    row = str(ErrorLog.objects.values().get())
    assert [secret for secret in SECRETS if secret in row] == []
    assert "[hidden]" in row


def test_what_postgresql_would_not_take_is_mended_first(handler: ErrorHandler) -> None:
    words = "a zero \x00 and half a character \ud800 " + "x" * 5000
    # Past the logger: half a character, once captured, cannot be sent from one test process to another.
    handler.handle(logging.LogRecord("somebody", logging.ERROR, "shop.py", 1, words, (), None, func="sell"))

    ((_, message, count),) = kept(handler)
    assert (message[:34], len(message), count) == ("a zero  and half a character ? xxx", 1000, 1)


def test_the_worst_are_critical(handler: ErrorHandler) -> None:
    say("cannot go on", level=logging.CRITICAL)
    handler.flush()

    assert ErrorLog.objects.get().severity == "critical"


def test_days_are_counted_at_the_venue(handler: ErrorHandler, now: datetime) -> None:
    today = now.replace(hour=16, minute=0, second=0, microsecond=0)
    for days, times in ((0, 2), (1, 3), (29, 1), (31, 5)):
        for _ in range(times):
            say("again", at=today - timedelta(days=days))
    handler.flush()

    error = ErrorLog.objects.get()
    trend = errors.trend(error, now=today)
    assert (error.count, len(trend), [count for _, count in trend if count]) == (11, 30, [1, 3, 2])
    assert error.first_seen_at == today - timedelta(days=31)
    assert error.last_seen_at == today


def test_what_is_resolved_and_comes_again_is_open_again(handler: ErrorHandler, now: datetime) -> None:
    say("broken", at=now)
    handler.flush()
    error, chief = ErrorLog.objects.get(), owner()
    resolved = [errors.resolve(error.pk, user=chief, now=now + timedelta(minutes=1)) for _ in range(2)]
    say("broken", at=now + timedelta(seconds=30))  # on its way since before
    handler.flush()
    error.refresh_from_db()
    still = (error.resolved, error.resolved_by, error.recurred_at, error.count)
    say("broken", at=now + timedelta(minutes=2))
    handler.flush()
    error.refresh_from_db()

    assert resolved == [True, False]
    assert still == (True, chief, None, 2)
    assert (error.resolved, error.resolved_by, error.resolved_at) == (False, None, None)
    assert (error.recurred_at, error.count) == (now + timedelta(minutes=2), 3)


def test_nobody_waits_while_postgresql_is_away_and_nothing_is_lost(
    handler: ErrorHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, wrong = apart.address("errors"), {"host": "127.0.0.1", "port": 1, "connect_timeout": 2}
    monkeypatch.setattr(error_handler, "PAUSE_SECONDS", (0.0, 0.05))
    monkeypatch.setattr(error_handler, "PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(apart, "address", lambda _: wrong)

    began = time.monotonic()
    for _ in range(3):
        say("while it was away")
    spent = time.monotonic() - began
    handler.flush()
    written = ErrorLog.objects.count()
    monkeypatch.setattr(apart, "address", lambda _: right)
    monkeypatch.setattr(error_handler, "PATIENCE_SECONDS", 5.0)

    assert (written, spent < 0.2) == (0, True)
    assert kept(handler) == [("", "while it was away", 3)]


def test_only_so_many_kinds_wait(handler: ErrorHandler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_handler, "WAITING_MOST", 2)
    held = list[Any]()
    monkeypatch.setattr(handler, "_write_on", lambda: held.append(time.sleep(0.1)))

    for words in ("one", "two", "three", "two"):
        say(words)

    assert [one.count for one in handler._waiting.values()] == [1, 2]
    handler._waiting.clear()


def test_a_line_that_cannot_be_read_fails_nobody(handler: ErrorHandler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)

    say("%d tickets", "many")

    assert kept(handler) == []


def test_errors_that_stayed_away_for_thirty_days_are_forgotten(handler: ErrorHandler, now: datetime) -> None:
    say("old one", at=now - timedelta(days=31))
    say("lasting", at=now - timedelta(days=32))
    say("lasting", at=now)
    handler.flush()

    purged = dict(purging.purge(now=now))

    assert purged == {"error_logs": 2, "error_counts": 1}  # its day goes with the error
    assert list(ErrorLog.objects.values_list("message", "count")) == [("lasting", 2)]
    assert ErrorCount.objects.count() == 1


# --- the console --------------------------------------------------------------------------------------


@pytest.fixture
def error(handler: ErrorHandler, now: datetime) -> ErrorLog:
    say("<b>seven</b> seats %s", "short", at=now - timedelta(days=1))
    say("<b>seven</b> seats %s", "short", at=now)
    handler.flush()
    return ErrorLog.objects.get()


def say_mended(console: Client, error: ErrorLog) -> None:
    dialog = reverse("admin:owners_errorlog_resolve_one", args=[error.pk])
    console.post(dialog, {"_form_submitted": "1"}, headers={"HX-Request": "true"})


def test_an_owner_sees_an_error_and_resolves_it(error: ErrorLog) -> None:
    chief = owner()
    console = client_of(chief)
    listed = console.get(LIST).content.decode()
    shown = console.get(f"{LIST}{error.pk}/change/").content.decode()

    say_mended(console, error)

    error.refresh_from_db()
    assert "&lt;b&gt;seven&lt;/b&gt; seats short" in listed
    assert "<b>seven" not in listed + shown
    assert "2 times in 30 days, 1 on the worst" in listed
    assert "shop.sell" in shown
    assert (error.resolved, error.resolved_by) == (True, chief)
    assert "seats short" not in console.get(LIST).content.decode()
    assert "seats short" in console.get(LIST, {"resolved": "yes"}).content.decode()


def test_several_errors_are_resolved_at_once(error: ErrorLog, handler: ErrorHandler) -> None:
    say("another")
    handler.flush()
    both = list(ErrorLog.objects.values_list("pk", flat=True))

    client_of(owner()).post(LIST, {"action": "resolve", "_selected_action": [str(pk) for pk in both]})

    assert ErrorLog.objects.filter(resolved=True).count() == 2


def test_errors_are_for_who_runs_every_night(error: ErrorLog) -> None:
    console = client_of(owner("of-one-night", event=EventFactory.create()))

    answers = [console.get(LIST).status_code, console.get(f"{LIST}{error.pk}/change/").status_code]
    say_mended(console, error)

    error.refresh_from_db()
    assert (answers, error.resolved) == ([403, 403], False)
    assert "Errors" not in console.get("/admin/").content.decode()
