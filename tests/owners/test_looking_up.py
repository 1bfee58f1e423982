"""What a search in the console finds, and that an index answers it."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from owners import watch
from owners.admin.looking_up import orders_named
from payments import identity
from payments.models import Order, PaymentFailure, WebhookEvent
from payments.models.failure import WORST_FIRST
from tests.buying import buy, hold, intent_of, start
from tests.fakes import FakeProvider
from tests.owners.console import client_of
from tickets.models import Ticket

pytestmark = pytest.mark.django_db(transaction=True)
LISTS = (
    *("payments_order", "payments_payment", "payments_fulfilment", "payments_email"),
    *("tickets_ticket", "tickets_ticketreservation"),
)


@pytest.mark.parametrize("word", ["ana@ex", "ANA@EXAMPLE.COM", "ana ru", " Ana Ruiz ", "{reference}", "{payment}"])
@pytest.mark.parametrize("page", LISTS)
def test_rows_are_found_by_guest_order_or_payment(provider: FakeProvider, page: str, word: str) -> None:
    order, other = buy(provider), hold()
    Order.objects.filter(pk=other.pk).update(email="luz@example.com", name="Luz Ana")
    payment = order.payments.get()
    term = word.format(reference=order.reference, payment=intent_of(payment))

    found = client_of(chief()).get(reverse(f"admin:{page}_changelist"), {"q": term}).context["cl"].result_list

    assert found
    assert {getattr(row, "order", row).pk for row in found} == {order.pk}


def test_the_middle_of_a_word_finds_nobody(provider: FakeProvider) -> None:
    buy(provider)

    page = client_of(chief()).get(reverse("admin:payments_order_changelist"), {"q": "example.com"})

    assert list(page.context["cl"].result_list) == []


@pytest.mark.usefixtures("as_table_owner", "told_by_stripe")
@pytest.mark.parametrize(
    ("rows", "index"),
    [
        (Order.objects.filter(email__istartswith="ana"), "idx_orders_guest_email"),
        (Order.objects.filter(email__iexact="ana@example.com"), "idx_orders_guest_email"),
        (Order.objects.filter(name__istartswith="ana"), "idx_orders_guest_name"),
        (Order.objects.order_by("-created_at", "-pk"), "idx_orders_created"),
        (Ticket.objects.filter(holder_email__iexact="ana@example.com"), "idx_tickets_holder"),
        (PaymentFailure.objects.order_by("resolved", WORST_FIRST, "-created_at", "-pk"), "idx_payment_failures_worst"),
        (PaymentFailure.objects.filter(customer_email__istartswith="ana"), "idx_payment_failures_guest"),
        (WebhookEvent.objects.filter(provider="paypal").order_by("-received_at"), "idx_webhook_events_provider"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_index_answers(rows, index: str) -> None:  # type: ignore[no-untyped-def]  # rows of several models
    with connection.cursor() as cursor:
        # So few rows are read one by one unless that is forbidden; what is asked is whether the index fits.
        cursor.execute("SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off")
        try:
            assert index in rows[:50].explain()
        finally:
            cursor.execute("RESET enable_seqscan; RESET enable_bitmapscan; RESET enable_sort")


def test_the_sidebar_counts_failures_by_their_index_whoever_asks(now: datetime) -> None:
    PaymentFailure.objects.bulk_create(
        PaymentFailure(cause=severity, category="declined", severity=severity, payment_type="ga_ticket", created_at=now)
        for severity in ("critical", "warning", "info")
    )
    waiting = PaymentFailure.objects.waiting()

    with identity.acting(identity.person(chief().pk)), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        found, plan = list(waiting[:100]), waiting[:100].explain()

    assert {failure.severity for failure in found} == {"critical", "warning"}
    # A policy lets an index answer only what could not tell of rows one may not see.
    assert "severity" in "".join(line for line in plan.splitlines() if "Index Cond" in line)


@pytest.fixture
def told_by_stripe(as_table_owner: None, now: datetime) -> None:
    """Keep so many events of one provider that PostgreSQL knows better than to read them for another's."""
    WebhookEvent.objects.bulk_create(
        WebhookEvent(provider="stripe", event_id=f"evt_{number}", type="t", payload={}, received_at=now)
        for number in range(500)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE webhook_events")


def test_a_search_asks_of_orders_twice(provider: FakeProvider) -> None:
    order = hold()
    start(order)

    with CaptureQueriesContext(connection) as asked:
        assert orders_named("ana", lambda _: Q()) == [order.pk]

    assert len(asked) == 2


def chief() -> User:
    """Return somebody who runs every night."""
    return User.objects.create_superuser("chief", "chief@example.com")


@pytest.mark.usefixtures("as_table_owner")
def test_the_newest_event_of_a_provider_that_told_nothing_is_not_looked_for_among_all(now: datetime) -> None:
    WebhookEvent.objects.bulk_create(
        WebhookEvent(
            provider="stripe", event_id=f"evt_{number}", type="x", payload={}, status="ignored", processed_at=now,
            received_at=now - timedelta(seconds=number),
        )
        for number in range(5000)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE webhook_events")
        words = {"providers": ["stripe", "paypal"], "hour_ago": now - timedelta(hours=1)}
        cursor.execute(f"EXPLAIN {watch.STANDING}", words)
        plan = " ".join(line for (line,) in cursor.fetchall())

    assert "idx_webhook_events_provider" in plan
    assert "idx_webhook_events_received" not in plan
