"""Audits of the ledger: kept, told once, run from the console and by beat."""

from dataclasses import replace
from datetime import datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django_celery_beat.models import PeriodicTask

from owners import audit, tasks
from owners.models import Alert, LedgerAudit
from payments import purging
from payments.models import PaymentFailure
from tests.buying import buy, intent_of
from tests.fakes import FakeProvider
from tickets.models import TicketType

pytestmark = pytest.mark.django_db(transaction=True)


def lose_count() -> None:
    TicketType.objects.update(held=3)


def test_books_that_add_up_alarm_nobody(provider: FakeProvider, now: datetime) -> None:
    buy(provider)

    found = audit.run(now=now)

    assert (found.broken, [finding["number"] for finding in found.findings]) == (0, [1, 2, 3, 3, 4, 5, 6, 7, 8, 9, 10])
    assert not PaymentFailure.objects.exists()


def test_a_broken_invariant_is_told_once_until_it_is_put_right(provider: FakeProvider, now: datetime) -> None:
    buy(provider)
    lose_count()

    for _ in range(2):
        assert audit.run(now=now).broken == 1
    failure = PaymentFailure.objects.get()
    assert (failure.category, failure.severity, failure.error_code) == ("ledger", "critical", "invariant_4")
    assert Alert.objects.filter(channel="console").count() == 1
    PaymentFailure.objects.update(resolved=True, resolved_at=now, resolution_note="counted again")
    audit.run(now=now)

    assert PaymentFailure.objects.filter(resolved=False).count() == 1


def test_an_owner_audits_now(provider: FakeProvider, now: datetime) -> None:
    user = User.objects.create_superuser("rosa", "rosa@example.com", "maguey")
    console = Client()
    console.force_login(user)
    buy(provider)

    whole = console.get(reverse("admin:owners_ledgeraudit_run_now"), follow=True)
    lose_count()
    broken = console.get(reverse("admin:owners_ledgeraudit_run_now"), follow=True)

    assert "Every payment, ticket and place is accounted for." in whole.text
    assert "Not everything adds up: 1." in broken.text
    assert "noche" in broken.text or "general" in broken.text
    assert console.get(reverse("admin:owners_ledgeraudit_changelist")).status_code == 200


def test_beat_audits_every_hour_unless_an_owner_changed_it(provider: FakeProvider) -> None:
    migration = import_module("owners.migrations.0004_audit_schedule")
    migration.lay_down(apps, None)
    PeriodicTask.objects.update(enabled=False)
    migration.lay_down(apps, None)
    scheduled = PeriodicTask.objects.get(task="owners.tasks.audit_ledger")

    tasks.audit_ledger()

    assert (scheduled.interval.every, scheduled.interval.period, scheduled.enabled) == (1, "hours", False)
    assert LedgerAudit.objects.get().broken == 0


def test_old_audits_that_found_nothing_go(provider: FakeProvider, now: datetime) -> None:
    audit.run(now=now - timedelta(days=31))
    lose = LedgerAudit.objects.create(audited_at=now - timedelta(days=31), findings=[], broken=1)
    audit.run(now=now)

    assert dict(purging.purge(now=now)) == {"ledger_audits": 1}

    assert lose in LedgerAudit.objects.all()


def test_the_command_compares_with_the_providers_books(
    provider: FakeProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    order = buy(provider)
    call_command("audit_ledger", "--provider", "stripe")
    assert "holds   0 Our books and the provider's say the same." in capsys.readouterr().out
    provider.add_refund(intent_of(order.payments.get()), 100)

    with pytest.raises(CommandError, match="Broken: 0"):
        call_command("audit_ledger", "--provider", "stripe")
    assert PaymentFailure.objects.count() == 0  # an audit changes nothing

    provider.intents["pi_1"] = replace(provider.intents["pi_1"], received_cents=1)
    capsys.readouterr()
    with pytest.raises(CommandError, match="Broken: 0"):
        call_command("audit_ledger", "--provider", "stripe")
    assert "The provider took 1 cents" in capsys.readouterr().out

    provider.fail_next("list_hints")
    with pytest.raises(CommandError, match="does not answer"):
        call_command("audit_ledger", "--provider", "stripe")


def test_the_audit_reads_one_picture(provider: FakeProvider, now: datetime) -> None:
    audit.audit(now=now)

    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_isolation")
        assert cursor.fetchone() == ("read committed",)
