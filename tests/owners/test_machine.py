"""The rows machines leave: read by people, replayed and acknowledged from their own pages."""

from datetime import datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from owners import audit, redaction
from owners.models import Alert
from payments.models import Email, IdempotencyKey, Order, ProviderCall, Refund, WebhookEvent
from payments.refunds import refund_order
from tests.buying import buy, hold, pay, tell
from tests.factories.tickets import EventFactory
from tests.fakes import FakeProvider
from tests.owners.console import client_of, owner
from tests.owners.test_failures import failure_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rosa() -> User:
    return owner("rosa")


@pytest.fixture
def console(rosa: User) -> Client:
    return client_of(rosa)


def page_of(console: Client, row: object) -> str:
    meta = type(row)._meta  # type: ignore[attr-defined]  # any model's
    answer = console.get(reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk]))  # type: ignore[attr-defined]
    assert answer.status_code == 200
    return answer.content.decode()


def confirm(console: Client, page: str, row: object) -> str:
    """Press a dialog's button, as htmx does; return where it leads."""
    address = reverse(f"admin:{page}", args=[row.pk])  # type: ignore[attr-defined]  # any model's
    assert console.get(address).status_code == 200
    return console.post(address, {"_form_submitted": "1"}, headers={"HX-Request": "true"}).headers["HX-Redirect"]


def told_event(provider: FakeProvider) -> WebhookEvent:
    tell(provider, pay(provider, hold()), "payment_intent.succeeded", event_id="evt_1")
    return WebhookEvent.objects.get()


def test_an_events_page_shows_its_payload_and_leads_to_its_order(provider: FakeProvider, console: Client) -> None:
    event = told_event(provider)
    event.payload["data"]["object"] |= {"client_secret": "pi_1_secret_1", "note": "<script>alert(1)</script>"}
    event.save(update_fields=["payload"])

    page = page_of(console, event)

    assert "https://dashboard.stripe.com/test/workbench/events/evt_1" in page
    assert "https://dashboard.stripe.com/test/payments/pi_1" in page
    assert reverse("admin:payments_order_change", args=[Order.objects.get().pk]) in page
    assert '<details class="json"><summary>Payload</summary>' in page
    assert "&quot;amount_received&quot;: 5600" in page
    assert "&quot;client_secret&quot;: &quot;(hidden)&quot;" in page
    assert "pi_1_secret_1" not in page
    assert "<script>alert(1)" not in page


def test_an_event_about_nothing_of_ours_has_a_page_too(console: Client, now: datetime) -> None:
    event = WebhookEvent.objects.create(
        provider="paypal", event_id="WH-1", type="X", payload={}, received_at=now, status="failed", last_error="OSError"
    )

    page = page_of(console, event)

    assert "OSError" in page
    assert "dashboard.stripe.com" not in page


def test_an_event_is_replayed_from_its_page_and_it_is_kept_by_whom(
    provider: FakeProvider, console: Client, rosa: User
) -> None:
    event = told_event(provider)

    assert confirm(console, "payments_webhookevent_replay_one", event) == "/admin/payments/webhookevent/"

    event.refresh_from_db()
    assert event.status == WebhookEvent.Status.PENDING
    (entry,) = LogEntry.objects.filter(object_id=event.pk)
    assert (entry.user, entry.get_change_message()) == (rosa, "Replayed.")


def test_an_owner_of_other_nights_replays_and_acknowledges_nothing(provider: FakeProvider, now: datetime) -> None:
    other = client_of(owner("other", event=EventFactory.create()))
    event = told_event(provider)
    alert = Alert.objects.create(
        cause="x", channel="console", title="X", created_at=now, event=Order.objects.get().event
    )

    for page, row, refused in (
        ("payments_webhookevent_replay_one", event, 403),
        ("owners_alert_acknowledge_one", alert, 404),
    ):
        address = reverse(f"admin:{page}", args=[row.pk])
        assert other.post(address, {"_form_submitted": "1"}).status_code == refused

    event.refresh_from_db()
    alert.refresh_from_db()
    assert (event.status, alert.acknowledged_at) == (WebhookEvent.Status.PROCESSED, None)


def test_an_alert_is_acknowledged_from_its_page_once(console: Client, now: datetime, rosa: User) -> None:
    failure = failure_in(hold().event, severity="critical", customer_email="ana@example.com")
    alert = Alert.objects.create(
        cause="x", channel="console", title="Paid, no tickets", body="SoldOut", created_at=now, failure=failure
    )

    assert "The places are gone".lower() in page_of(console, alert)
    assert confirm(console, "owners_alert_acknowledge_one", alert) == "/admin/owners/alert/"
    alert.refresh_from_db()
    first_seen = alert.acknowledged_at
    confirm(console, "owners_alert_acknowledge_one", alert)

    alert.refresh_from_db()
    assert (alert.acknowledged_by, alert.acknowledged_at) == (rosa, first_seen)
    assert "Acknowledged" in page_of(console, alert)


def test_machine_rows_are_written_to_be_read(provider: FakeProvider, console: Client, now: datetime) -> None:
    order = buy(provider)
    (refund,) = refund_order(order.pk, reason=Refund.Reason.OWNER, cause="x", now=now)
    key = IdempotencyKey.objects.create(
        scope="guest", key="one", method="POST", path="/api/v1/orders/", fingerprint="f", created_at=now,
        response_status=201, response_body={"reference": "abc", "client_secret": "pi_1_secret_1"},
    )  # fmt: skip
    letter = Email.objects.get(kind="tickets_ready")

    assert "&quot;reference&quot;: &quot;abc&quot;" in page_of(console, key)
    assert "pi_1_secret_1" not in page_of(console, key)
    assert ">Waits<" in page_of(console, letter)
    assert ">Succeeded<" in page_of(console, ProviderCall.objects.get())
    assert "$56.00" in page_of(console, refund)
    assert "https://dashboard.stripe.com/test/payments/pi_1" in page_of(console, order.payments.get())
    assert reverse("admin:payments_order_change", args=[order.pk]) in page_of(console, order.fulfilment)


@pytest.mark.parametrize(
    ("page", "asked"),
    [
        ("payments_webhookevent", "provider=stripe"),
        ("payments_webhookevent", "type=payment_intent.succeeded"),
        ("payments_email", "kind=tickets_ready"),
        ("payments_providercall", "operation_type=intent_create"),
        ("owners_alert", "channel=console"),
        ("owners_ledgeraudit", "verdict=holds"),
    ],
)
def test_lists_are_narrowed_down_to_values_they_know(
    provider: FakeProvider, console: Client, now: datetime, page: str, asked: str
) -> None:
    tell(provider, buy(provider).payments.get(), "payment_intent.succeeded")
    Alert.objects.create(cause="x", channel="console", title="X", created_at=now)
    audit.run(now=now)
    name, _, value = asked.partition("=")
    answer = console.get(reverse(f"admin:{page}_changelist"), {name: value})
    other = console.get(reverse(f"admin:{page}_changelist"), {name: "broken"})

    assert (len(answer.context["cl"].result_list), len(other.context["cl"].result_list)) == (1, 0)
    assert f'value="{value}"' in answer.text or f"?{asked}" in answer.text


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"next_attempt_at": None}, "Given up"),
        ({"next_attempt_at": None, "sent_at": "2026-01-01T00:00Z"}, "Sent"),
        ({"next_attempt_at": None, "sent_at": "2026-01-01T00:00Z", "bounced_at": "2026-01-01T00:00Z"}, "Came back"),
    ],
)
def test_a_message_says_what_became_of_it(
    provider: FakeProvider, console: Client, changes: dict[str, object], word: str
) -> None:
    buy(provider)
    Email.objects.update(**changes)

    assert f">{word}<" in page_of(console, Email.objects.get())


def test_secrets_are_hidden_by_name_and_by_looks() -> None:
    said = {
        "id": "pi_1",
        "client_secret": "pi_1_secret_x",
        "Authorization": "Bearer x",
        "access_token": None,
        "list": [{"api_key": "x"}, "use pi_1_secret_x or sk_live_x now", 3],
    }

    assert redaction.without_secrets(said) == {
        "id": "pi_1",
        "client_secret": "(hidden)",
        "Authorization": "(hidden)",
        "access_token": None,
        "list": [{"api_key": "(hidden)"}, "use (hidden) or (hidden) now", 3],
    }
