from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from maguey import health
from owners import alerts, tasks, watch
from owners.models import Alert, OwnerAssignment
from payments import retrying
from payments.models import Email, PaymentFailure, ProviderCall, WebhookEvent
from tests.buying import buy, clock
from tests.factories.tickets import TicketTypeFactory
from tests.fakes import FakeProvider

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def now() -> datetime:
    return clock()


@pytest.fixture
def owner() -> User:
    user = User.objects.create_user("owner", "owner@example.com")
    OwnerAssignment.objects.create(user=user, role="owner")
    return user


def event(now: datetime, *, minutes: float, status: str = "failed") -> WebhookEvent:
    received = now - timedelta(minutes=minutes)
    return WebhookEvent.objects.create(
        provider="stripe",
        event_id=f"evt_{WebhookEvent.objects.count()}",
        type="x",
        payload={},
        status=status,
        received_at=received,
        processed_at=received if status in WebhookEvent.FINISHED else None,
    )


def open_failures() -> list[str]:
    return sorted(PaymentFailure.objects.unresolved().values_list("error_code", flat=True))


# --- what is asked from outside -------------------------------------------------------------------


def test_ready_names_what_is_away(client: Client, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    first = client.get("/health/ready/")
    watch.tick(now=now)
    ticking = client.get("/health/ready/").json()["beat"]
    watch.tick(now=now - timedelta(minutes=3))
    silent = client.get("/health/ready/")

    assert (first.status_code, first.json()) == (200, {"database": "ok", "redis": "ok", "beat": "never seen"})
    assert (ticking, silent.json()["beat"], silent.status_code) == ("ok", "silent", 200)


def test_a_web_process_ahead_of_its_database_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    health.check_migrated.cache_clear()
    monkeypatch.setattr("django.db.migrations.executor.MigrationExecutor.migration_plan", lambda *_: ["0002"])

    answer = client.get("/health/ready/")
    monkeypatch.undo()

    assert (answer.status_code, answer.json()["database"]) == (503, "not migrated")
    assert client.get("/health/ready/").status_code == 200


def test_webhooks_are_healthy_until_they_wait_or_fail_too_much(
    client: Client, now: datetime, settings: Settings
) -> None:
    assert client.get("/health/webhooks/").json() == {"providers": {}}
    event(now, minutes=1, status="processed")
    event(now, minutes=2)
    well = client.get("/health/webhooks/")
    settings.WEBHOOK_FAILURES_PER_HOUR = 1
    event(now, minutes=3)
    failing = client.get("/health/webhooks/")
    settings.WEBHOOK_FAILURES_PER_HOUR = 10
    event(now, minutes=6, status="pending")
    waiting = client.get("/health/webhooks/")

    stripe = well.json()["providers"]["stripe"]
    assert (well.status_code, stripe["backlog"], stripe["failed_last_hour"], stripe["status"]) == (200, 1, 1, "ok")
    assert stripe["last_processed_at"] == stripe["last_received_at"]
    assert failing.status_code == 503
    assert (waiting.status_code, waiting.json()["providers"]["stripe"]["status"]) == (503, "trouble")
    assert 359 <= waiting.json()["providers"]["stripe"]["oldest_age_seconds"] <= 370


def test_prometheus_reads_the_books(client: Client, provider: FakeProvider, now: datetime) -> None:
    buy(provider)
    event(now, minutes=1, status="processed")
    watch.tick(now=now)

    with CaptureQueriesContext(connection) as queries:
        page = client.get("/metrics")

    text = page.content.decode()
    assert page["Content-Type"].startswith("text/plain")
    assert 'maguey_orders{status="fulfilled"} 1.0' in text
    assert "maguey_payments_awaiting_tickets 0.0" in text
    assert 'maguey_webhook_backlog{provider="stripe"} 0.0' in text
    assert "maguey_emails_owed 1.0" in text
    assert len(queries) <= 20


def test_figures_are_for_whoever_has_the_token(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = "s3cret"
    answers = [client.get("/metrics", headers={"Authorization": word}).status_code for word in ("", "Bearer x", "é")]
    right = client.get("/metrics", headers={"Authorization": "Bearer s3cret"}).status_code
    settings.METRICS_TOKEN = ""
    settings.MAGUEY_ENV = "production"

    assert (answers, right) == ([401, 401, 401], 200)
    assert client.get("/metrics").status_code == 401


# --- what the watchman sees -----------------------------------------------------------------------


def test_events_that_wait_are_told_once_and_put_right_when_they_go(owner: User, now: datetime) -> None:
    late = event(now, minutes=6)

    for _ in range(3):
        watch.look_around(now=now)
    assert open_failures() == ["webhook_backlog"]
    assert Alert.objects.filter(channel="email", recipient=owner.email).count() == 1

    late.status, late.processed_at = WebhookEvent.Status.PROCESSED, now
    late.save()
    watch.look_around(now=now)
    assert open_failures() == []
    event(now, minutes=7)
    watch.look_around(now=now)
    assert open_failures() == ["webhook_backlog"]
    assert Alert.objects.filter(channel="email").count() == 2


def test_payments_without_events_are_told(provider: FakeProvider, owner: User, now: datetime) -> None:
    type_ = TicketTypeFactory.create(capacity=50)
    buy(provider, type_)
    buy(provider, type_)
    later = clock()
    watch.look_around(now=later)
    assert open_failures() == []

    buy(provider, type_)
    watch.look_around(now=clock())
    assert open_failures() == ["webhook_silence"]
    event(clock(), minutes=0, status="processed")
    watch.look_around(now=clock())
    assert open_failures() == []


def test_letters_that_do_not_go_out_are_told(owner: User, now: datetime) -> None:
    for number in range(3):
        Email.objects.create(kind="x", cause=f"c{number}", recipient="a@example.com", created_at=now, attempts=3)

    watch.look_around(now=now)
    assert open_failures() == ["email_delivery_failing"]
    Email.objects.update(sent_at=now)
    watch.look_around(now=now)
    assert open_failures() == []


def test_a_provider_that_never_answers_is_told(owner: User, now: datetime) -> None:
    def call(number: int, state: str) -> None:
        ProviderCall.objects.create(
            operation_type="intent_create",
            operation_id=str(number),
            key=f"k{number}",
            state=state,
            created_at=now,
            last_used_at=now,
        )

    for number in range(3):
        call(number, "unknown")
    watch.look_around(now=now)
    assert open_failures() == ["provider_unreachable"]
    call(3, "succeeded")
    watch.look_around(now=now)
    assert open_failures() == []


def test_what_nobody_has_seen_is_told_again_once(
    owner: User, now: datetime, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    event(now, minutes=6)
    watch.look_around(now=now)

    early = alerts.send_again(now=now + timedelta(minutes=29))
    due = alerts.send_again(now=now + timedelta(minutes=30))
    twice = alerts.send_again(now=now + timedelta(minutes=31))
    retrying.run_due(now=now + timedelta(minutes=31))

    assert (early, due, twice) == (0, 1, 0)
    assert [letter.subject.startswith("[Maguey] Still open: ") for letter in mailoutbox] == [False, True]


@pytest.mark.parametrize("seen", ["acknowledged", "resolved"])
def test_what_somebody_has_seen_is_not_told_again(owner: User, now: datetime, seen: str) -> None:
    event(now, minutes=6)
    watch.look_around(now=now)
    if seen == "acknowledged":
        Alert.objects.filter(channel="console").update(acknowledged_at=now, acknowledged_by=owner)
    else:
        PaymentFailure.objects.update(resolved=True, resolved_at=now, resolution_note="done")

    assert alerts.send_again(now=now + timedelta(hours=1)) == 0


def test_beat_keeps_watch(owner: User, now: datetime) -> None:
    event(now, minutes=6)

    tasks.keep_watch()

    assert watch.last_tick() is not None
    assert open_failures() == ["webhook_backlog"]


# --- the chat -------------------------------------------------------------------------------------


class Chat(BaseHTTPRequestHandler):
    heard: list[bytes]
    answers: list[int]

    def do_POST(self) -> None:
        self.heard.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(self.answers.pop(0))
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_a_chat_hears_of_trouble_once_it_answers(owner: User, now: datetime, settings: Settings) -> None:
    Chat.heard, Chat.answers = [], [500, 200]
    server = HTTPServer(("127.0.0.1", 0), Chat)
    Thread(target=server.serve_forever, daemon=True).start()
    settings.ALERT_WEBHOOK_URL = f"http://127.0.0.1:{server.server_port}/hook"
    event(now, minutes=6)

    watch.look_around(now=now)
    retrying.run_due(now=now + timedelta(seconds=1))
    retrying.run_due(now=now + timedelta(minutes=1))
    retrying.run_due(now=now + timedelta(minutes=9))
    server.shutdown()
    server.server_close()

    assert len(Chat.heard) == 2
    assert b"have waited over 5 minutes" in Chat.heard[1]
    assert Alert.objects.get(channel="chat").sent_at is not None
