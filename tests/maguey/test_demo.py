import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django.fixtures import Settings

from owners import audit
from owners.models import Alert
from payments import reconcile, retrying
from payments.models import Order, PaymentFailure, Refund, WebhookEvent
from payments.sandbox.testing import Sandbox
from tests.buying import clock
from tickets.models import Event, Ticket, TicketType
from vip.models import Table, VipReservation

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_demo_shows_one_of_each_thing_and_its_books_are_whole(sandbox: Sandbox) -> None:
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
    assert WebhookEvent.objects.filter(deliveries__gte=2).exists()
    assert Order.objects.overdue(clock()).exists()
    assert Refund.objects.filter(reason="requested", status="succeeded").exists()
    retrying.run_due(now=clock() + timedelta(minutes=1))
    reconcile.reconcile("stripe", now=clock())
    retrying.run_due(now=clock() + timedelta(minutes=1))
    call_command("audit_ledger", "--provider", "stripe")


def test_the_demo_is_only_for_the_demo(settings: Settings) -> None:
    settings.IS_DEMO = False

    with pytest.raises(CommandError):
        call_command("demo")


def test_alerts_reach_the_owner_by_mail(sandbox: Sandbox, mailoutbox: list[object]) -> None:
    call_command("demo")

    retrying.run_due(now=clock() + timedelta(minutes=1))

    assert not Alert.objects.filter(sent_at=None).exists()
    assert any("Table P1 is sold" in getattr(mail, "subject", "") for mail in mailoutbox)
    assert any("Paid, no tickets" in getattr(mail, "subject", "") for mail in mailoutbox)


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


@pytest.mark.parametrize("number", [3, 5])
def test_a_table_broken_on_purpose_is_found(sandbox: Sandbox, as_table_owner: None, number: int) -> None:
    call_command("demo")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE orders DISABLE TRIGGER USER")
        cursor.execute(BREAKS_A_TABLE[number])
        cursor.execute("ALTER TABLE orders ENABLE TRIGGER USER")

    broken = [finding for finding in audit.audit(now=clock()) if not finding.holds]

    assert number in {finding.number for finding in broken}
    assert any("table" in finding.sentence for finding in broken)


@pytest.mark.parametrize("number", sorted(BREAKS))
def test_what_is_broken_on_purpose_is_found(
    sandbox: Sandbox, as_table_owner: None, number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("demo")
    retrying.run_due(now=clock() + timedelta(minutes=1))
    with connection.cursor() as cursor:
        for table in ("orders", "webhook_events", "payments"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(BREAKS[number])
    try:
        broken = {finding.number for finding in audit.audit(now=clock()) if not finding.holds}
        assert number in broken
        capsys.readouterr()
        with pytest.raises(CommandError, match=rf"\b{number}\b"):
            call_command("audit_ledger", "--json")
        assert not all(found["holds"] for found in json.loads(capsys.readouterr().out))
    finally:
        with connection.cursor() as cursor:
            for table in ("orders", "webhook_events", "payments"):
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def test_void_tickets_do_not_count_as_sold(sandbox: Sandbox) -> None:
    call_command("demo")

    assert Ticket.objects.filter(status="void").exists()
    assert all(finding.holds for finding in audit.audit(now=clock()) if finding.number == 4)
