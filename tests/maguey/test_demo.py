import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from maguey.demo import sales
from owners import audit
from owners.models import Alert
from payments import reconcile, retrying
from payments.models import Order, PaymentFailure, Refund, WebhookEvent
from payments.sandbox.stripe.confirming import DISPUTE_SECONDS
from payments.sandbox.testing import Sandbox
from tests.buying import clock
from tickets.models import Event, Ticket, TicketType
from vip.models import Table, VipReservation

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_demo_shows_one_of_each_thing_tells_its_owner_and_its_books_are_whole(
    sandbox: Sandbox, mailoutbox: list[object]
) -> None:
    call_command("demo")
    orders = Order.objects.count()
    call_command("demo")

    assert Order.objects.count() == orders
    assert set(Event.objects.values_list("slug", flat=True)) >= {"noche-de-cumbia", "sonidera-de-octubre"}
    assert set(TicketType.objects.filter(event__slug="noche-de-cumbia").values_list("slug", flat=True)) == {
        "early",
        "general",
        "ultima-hora",
    }
    assert Table.objects.filter(event__slug="noche-de-cumbia").count() == 26
    sales.sell_tables(Event.objects.get(slug="noche-de-cumbia"), now=clock())  # as if somebody had been faster
    parties = VipReservation.objects.filter(event__slug="noche-de-cumbia")
    assert sorted(parties.values_list("table__code", "status")) == [
        ("F2", "confirmed"), ("F3", "held"), ("P1", "confirmed"), ("P3", "confirmed"), ("S11", "confirmed"),
        ("S4", "confirmed"),
    ]  # fmt: skip
    sold_out = TicketType.objects.get(event__slug="sonidera-de-octubre")
    assert sold_out.sold == sold_out.capacity
    cancelled = Order.objects.filter(event__slug="noche-de-banda")
    assert set(cancelled.values_list("status", flat=True)) == {"refunded"}
    assert PaymentFailure.objects.filter(category="declined").exists()
    assert Order.objects.filter(status="paid", fulfilment__given_up_at__isnull=False).count() == 1
    assert PaymentFailure.objects.get(category="fulfilment").alerts.filter(channel="email").count() == 1
    assert WebhookEvent.objects.filter(status="processed").exists()
    assert Order.objects.overdue(clock()).exists()
    assert Refund.objects.filter(reason="requested", status="succeeded").exists()
    retrying.run_due(now=clock() + timedelta(minutes=1))
    assert not Alert.objects.filter(sent_at=None).exists()
    assert any("Table P1 is sold" in getattr(mail, "subject", "") for mail in mailoutbox)
    assert any("Paid, no tickets" in getattr(mail, "subject", "") for mail in mailoutbox)
    sandbox.advance(DISPUTE_SECONDS)  # the bank takes that long to open the demo's dispute
    reconcile.reconcile("stripe", now=clock())
    retrying.run_due(now=clock() + timedelta(minutes=1))
    assert Ticket.objects.filter(status="void").exists()  # which do not count as sold
    call_command("audit_ledger", "--provider", "stripe")


def test_the_demo_is_only_for_the_demo(settings: Settings) -> None:
    settings.IS_DEMO = False

    with pytest.raises(CommandError):
        call_command("demo")


BREAKS = {
    1: "UPDATE orders SET status = 'pending', paid_at = NULL, fulfilled_at = NULL",
    2: "UPDATE payments SET order_id = (SELECT order_id FROM payments WHERE status = 'succeeded' LIMIT 1)"
    " WHERE status = 'succeeded' AND refunded_cents = 0",
    3: "UPDATE orders SET lines = jsonb_set(lines, '{0,quantity}', '99')",
    4: "UPDATE ticket_types SET held = held + 1 WHERE slug = 'general' AND held + sold < capacity",
    6: "UPDATE orders SET status = 'pending', paid_at = NULL, expires_at = now() - interval '1 day'",
    7: "UPDATE webhook_events SET status = 'pending', processed_at = NULL, received_at = now() - interval '1 day'",
    8: "DELETE FROM alerts",
    9: "UPDATE payments SET refunded_cents = 1 WHERE status = 'succeeded' AND refunded_cents = 0",
}


BREAKS_A_TABLE = {
    3: "UPDATE vip_guest_passes SET status = 'void', voided_at = now() WHERE number = 2",
    5: "UPDATE orders SET status = 'cancelled', paid_at = NULL, closed_at = now() WHERE kind = 'vip_reservation'",
}


@contextmanager
def broken(*sql: str) -> Iterator[None]:
    """Break the books past every trigger, and put them back."""
    tables = ("orders", "payments", "ticket_types", "vip_guest_passes", "webhook_events", "alerts")
    with transaction.atomic(), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in sql:
            cursor.execute(statement)
        yield
        transaction.set_rollback(True)


def found() -> dict[int, list[str]]:
    """Return the sentences of what the audit finds broken, by number."""
    numbers: dict[int, list[str]] = {}
    for finding in audit.answers(now=clock()):
        if not finding.holds:
            numbers.setdefault(finding.number, []).append(finding.sentence)
    return numbers


def test_what_is_broken_on_purpose_is_found(
    sandbox: Sandbox, as_table_owner: None, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("demo")
    retrying.run_due(now=clock() + timedelta(minutes=1))
    before = found()

    for number, sql in BREAKS.items():
        with broken(sql):
            assert number in found(), sql
    for number, sql in BREAKS_A_TABLE.items():
        with broken(sql):
            assert any("table" in sentence for sentence in found()[number]), sql

    assert found() == before
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE payments DISABLE TRIGGER USER")
        cursor.execute(BREAKS[9])
        cursor.execute("ALTER TABLE payments ENABLE TRIGGER USER")
    capsys.readouterr()
    with pytest.raises(CommandError, match=r"\b9\b"):
        call_command("audit_ledger", "--json")
    assert not all(line["holds"] for line in json.loads(capsys.readouterr().out))
