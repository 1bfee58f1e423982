import csv
import io
import re
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from owners import exporting, provider_pages, reasons
from payments import retrying
from payments.models import Fulfilment, Order, PaymentFailure, Refund
from tests.buying import buy, clock, fresh, hold
from tests.factories.tickets import EventFactory, TicketTypeFactory
from tests.fakes import FakeProvider
from tests.owners.console import client_of, give_up, hire, owner
from tickets.models import Event

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/payments/paymentfailure/"


def failure_in(event: Event | None, **fields: object) -> PaymentFailure:
    given = {"category": "declined", "severity": "info", "payment_type": "ga_ticket", "cause": uuid4().hex, **fields}
    return PaymentFailure.objects.create(event=event, created_at=given.pop("created_at", clock()), **given)


@pytest.fixture
def given_up(provider: FakeProvider, now: datetime) -> Order:
    return give_up(provider, TicketTypeFactory.create(), now=now)


@pytest.fixture
def console(given_up: Order) -> Client:
    return client_of(owner())


def dialog(console: Client, failure: PaymentFailure, name: str, **fields: object) -> str:
    address = reverse(f"admin:payments_paymentfailure_{name}_one", args=[failure.pk])
    answer = console.post(address, {"_form_submitted": "1", **fields}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return answer.headers.get("HX-Redirect", "") or answer.content.decode()


def emails_in(console: Client, query: str = "") -> list[str]:
    page = console.get(LIST + query).content.decode()
    return re.findall(r'<strong class="block font-normal">([^<]+)</strong>', page)


def test_the_worst_that_is_unresolved_comes_first(now: datetime) -> None:
    event = EventFactory.create()
    failure_in(event, customer_email="old-info@example.com", created_at=now - timedelta(days=2))
    failure_in(event, customer_email="new-info@example.com", created_at=now)
    failure_in(event, customer_email="critical@example.com", severity="critical", created_at=now - timedelta(days=3))
    failure_in(event, customer_email="warning@example.com", severity="warning", created_at=now - timedelta(days=3))
    failure_in(
        event, customer_email="done@example.com", severity="critical", resolved=True, resolved_at=now,
        resolution_note="done",
    )  # fmt: skip

    seen = emails_in(client_of(owner()))

    assert seen == [
        "critical@example.com", "warning@example.com", "new-info@example.com", "old-info@example.com",
        "done@example.com",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=ana@example.com", ["ana@example.com"]),
        ("?q=pi_ana", ["ana@example.com"]),
        ("?q=evt_luz", ["luz@example.com"]),
        ("?severity__exact=critical", ["luz@example.com"]),
        ("?provider=stripe", ["luz@example.com", "ana@example.com"]),
        ("?provider=paypal", ["pay@example.com"]),
        ("?provider=none", ["nil@example.com"]),
        ("?created_at_from=2026-01-10&created_at_to=2026-01-10", ["nil@example.com"]),
        ("?created_at_from=nonsense&created_at_to=9999-99-99&severity__exact=critical", ["luz@example.com"]),
        ("?payment_type__exact=vip_reservation", ["luz@example.com"]),
    ],
)
def test_failures_are_found_by_what_one_knows(query: str, found: list[str], now: datetime) -> None:
    event = EventFactory.create()
    failure_in(event, customer_email="ana@example.com", stripe_payment_intent_id="pi_ana", created_at=now)
    failure_in(
        event, customer_email="luz@example.com", stripe_event_id="evt_luz", severity="critical",
        payment_type="vip_reservation",
    )  # fmt: skip
    failure_in(event, customer_email="pay@example.com", stripe_payment_intent_id="5O190127TN364715T", created_at=now)
    # 04:59 UTC on the 11th is the 10th at the club.
    late = datetime.fromisoformat("2026-01-11T04:59:00+00:00")
    failure_in(event, customer_email="nil@example.com", created_at=late)

    assert emails_in(client_of(owner()), query) == found


def test_a_dialog_asks_how_a_failure_was_put_right(console: Client) -> None:
    failure = PaymentFailure.objects.get(category="fulfilment")

    assert "This field is required." in dialog(console, failure, "resolve", note="")
    assert not PaymentFailure.objects.filter(resolved=True).exists()
    assert dialog(console, failure, "resolve", note="Printed at the door.") == LIST

    failure.refresh_from_db()
    assert failure.resolved_at
    assert (failure.resolution_note, failure.resolved_by) == ("Printed at the door.", User.objects.get())
    assert dialog(console, failure, "resolve", note="Again.") == LIST
    failure.refresh_from_db()
    assert failure.resolution_note == "Printed at the door."


def test_a_dialog_leads_back_to_where_it_was_opened(console: Client) -> None:
    failure = PaymentFailure.objects.get(category="fulfilment")
    address = reverse("admin:payments_paymentfailure_resolve_one", args=[failure.pk])
    sent = {"_form_submitted": "1", "note": "Done."}

    home = {"HX-Request": "true", "HX-Current-URL": "http://testserver/admin/?a=1"}
    abroad = {"HX-Request": "true", "HX-Current-URL": "https://evil.example/admin/"}

    assert console.post(address, sent, headers=home).headers["HX-Redirect"] == "/admin/?a=1"
    assert console.post(address, sent, headers=abroad).headers["HX-Redirect"] == LIST
    assert console.post(address, sent).headers["Location"] == LIST


def test_a_dialog_starts_a_fulfilment_afresh(console: Client, given_up: Order, now: datetime) -> None:
    failure = PaymentFailure.objects.get(category="fulfilment")

    dialog(console, failure, "retry")
    retrying.run_due(now=now + timedelta(days=1))

    assert fresh(given_up).status == Order.Status.FULFILLED
    assert Fulfilment.objects.get().round == 2
    dialog(console, failure, "retry")
    assert Fulfilment.objects.get().round == 2


def test_a_refund_names_its_exact_amount_and_sends_no_other(console: Client, given_up: Order, now: datetime) -> None:
    failure = PaymentFailure.objects.get(category="fulfilment")
    address = reverse("admin:payments_paymentfailure_refund_one", args=[failure.pk])

    asked = console.get(address).content.decode()
    assert "$56.00 goes back to Ana Ruiz" in asked
    assert 'name="shown_cents" value="5600"' in asked
    assert "Look at the amount once more" in dialog(console, failure, "refund", shown_cents=5500)
    assert not Refund.objects.exists()
    assert dialog(console, failure, "refund", shown_cents=5600) == LIST
    assert "there is nothing left" in dialog(console, failure, "refund", shown_cents=0)
    retrying.run_due(now=now + timedelta(days=1))

    assert Refund.objects.get().amount_cents == 5600
    assert fresh(given_up).status == Order.Status.REFUNDED


def test_nobody_acts_on_a_failure_of_anothers_night(given_up: Order) -> None:
    other = client_of(owner("other", event=EventFactory.create()))
    failure = PaymentFailure.objects.get(category="fulfilment")

    for name in ("resolve", "retry", "refund"):
        address = reverse(f"admin:payments_paymentfailure_{name}_one", args=[failure.pk])
        assert other.get(address).status_code == 404
        assert other.post(address, {"_form_submitted": "1", "note": "x", "shown_cents": 5600}).status_code == 404
        assert other.get(reverse(f"admin:payments_paymentfailure_{name}_one", args=["no-key"])).status_code == 404

    assert not PaymentFailure.objects.filter(resolved=True).exists()
    assert not Refund.objects.exists()


def test_who_stands_at_the_door_is_asked_nothing(given_up: Order) -> None:
    failure = PaymentFailure.objects.get(category="fulfilment")
    page = reverse("admin:payments_paymentfailure_refund_one", args=[failure.pk])

    answer = client_of(hire("door", "door")).get(page)

    assert (answer.status_code, answer.headers["Location"]) == (302, f"/admin/login/?next={page}")


def test_a_failures_own_page_says_everything(console: Client, given_up: Order, settings: Settings) -> None:
    failure = PaymentFailure.objects.get(category="fulfilment")
    failure.metadata = {"note": "<script>alert(1)</script>"}
    failure.save(update_fields=["metadata"])

    page = console.get(f"{LIST}{failure.pk}/change/").content.decode()

    assert f"https://dashboard.stripe.com/test/payments/{failure.stripe_payment_intent_id}" in page
    assert reverse("admin:payments_order_change", args=[given_up.pk]) in page
    assert "Paid, and the tickets could not be made" in page
    assert "Email owner@example.com" not in page
    assert "Console · sent" in page
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_ids_lead_to_their_providers_dashboard(settings: Settings) -> None:
    assert provider_pages.of_event("evt_1") == "https://dashboard.stripe.com/test/workbench/events/evt_1"
    settings.STRIPE_SECRET_KEY = "sk_live_1"
    assert provider_pages.of_payment("pi_1") == "https://dashboard.stripe.com/payments/pi_1"
    assert provider_pages.of_payment("5O190127TN364715T") == "https://www.paypal.com/activity/payment/5O190127TN364715T"
    assert (provider_pages.of_payment(""), provider_pages.of_event("WH-1")) == ("", "")


def exported(console: Client, query: str = "") -> list[dict[str, str]]:
    answer = console.get(f"{LIST}export/{query}")
    assert answer.status_code == 200
    body = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    return list(csv.DictReader(io.StringIO(body.removeprefix("\ufeff"))))


def test_the_list_is_had_as_csv_as_it_is_narrowed_down(now: datetime) -> None:
    event = EventFactory.create(title='=HYPERLINK("https://evil.example")')
    for number in range(3):
        failure_in(event, customer_email=f"g{number}@example.com", amount_cents=2850, error_code="expired_card")
    failure_in(event, customer_email="worst@example.com", severity="critical", error_message="@SUM(A1)")
    console = client_of(owner())

    assert len(exported(console)) == 4
    worst = exported(console, "?severity__exact=critical")
    assert [row["Guest"] for row in worst] == ["worst@example.com"]
    assert (worst[0]["Night"], worst[0]["Message"]) == ('\'=HYPERLINK("https://evil.example")', "'@SUM(A1)")
    assert exported(console, "?q=g1@")[0]["Amount"] == "28.50"
    assert exported(console, "?q=g1@")[0]["Reason"] == "The card has expired"


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\tx", "\rx", " =1"])
def test_no_cell_is_taken_for_a_formula(cell: str) -> None:
    assert exporting.safe([cell, None, "plain"]) == [f"'{cell}", "", "plain"]


def test_nobody_without_the_right_has_the_file() -> None:
    stranger = User.objects.create_user("stranger", is_staff=True)

    assert client_of(stranger).get(f"{LIST}export/").status_code == 302


def test_errors_are_said_in_plain_words() -> None:
    assert reasons.of_error("FulfilmentFailed: out of ink") == "the tickets could not be made: out of ink"
    assert reasons.of_error("GatewayUnavailable") == "the payment service did not answer"
    assert reasons.of_error("Whatever: it was") == "Whatever: it was"
    assert reasons.of_error("") == "Not tried yet"
    assert reasons.of_code("dispute", "no_such_code") == "Disputed by the cardholder"


def test_an_order_is_refunded_from_its_own_page(provider: FakeProvider, now: datetime) -> None:
    order, console = buy(provider), client_of(owner())
    address = reverse("admin:payments_order_refund_one", args=[order.pk])

    console.post(address, {"_form_submitted": "1", "shown_cents": 5600})
    retrying.run_due(now=now + timedelta(days=1))

    assert fresh(order).status == Order.Status.REFUNDED
    assert console.get(reverse("admin:payments_order_retry_one", args=[hold().pk])).status_code == 200
