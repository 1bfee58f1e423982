"""What we add to the floor of the machine; printed, never asserted.

Run by `make bench`; each figure stands beside its floor, measured in the same run.
"""

import statistics
import time
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction

from payments import webhooks
from payments.gateways import stripe_events
from tests.buying import clock, hold, pay
from tests.factories.tickets import TicketTypeFactory
from tests.fakes import FakeProvider, intent_object
from tickets.models import TicketType

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
ROUNDS = 200


def median_ms(acts: list[Callable[[], object]]) -> float:
    """Run each act once and return the median, in milliseconds."""
    spent = []
    for act in acts:
        began = time.perf_counter()
        act()
        spent.append((time.perf_counter() - began) * 1000)
    return statistics.median(spent)


def one_insert() -> None:
    """Make one raw INSERT with one commit: the floor of anything that keeps a promise."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO webhook_events (id, provider, event_id, type, about, payload, status, attempts, "
            "last_error, received_at) VALUES (%s, 'floor', %s, 't', '', '{}', 'pending', 0, '', now())",
            [uuid.uuid4(), uuid.uuid4().hex],
        )


def one_update(type_: TicketType) -> None:
    """Take one place by one raw guarded statement with one commit: the floor of a hold."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE ticket_types SET held = held + 1 WHERE id = %s AND held < capacity", [type_.pk])


def report(capsys: pytest.CaptureFixture[str], name: str, ours: float, floor: float) -> None:
    """Print a figure beside its floor."""
    with capsys.disabled():
        print(f"\n{name}: {ours:.2f} ms, floor {floor:.2f} ms, ratio {floor / ours:.2f}")  # noqa: T201


def test_a_new_event_applied_to_paid(provider: FakeProvider, capsys: pytest.CaptureFixture[str]) -> None:
    type_ = TicketTypeFactory.create(capacity=10_000)
    hints = []
    for _ in range(ROUNDS):
        payment = pay(provider, hold(type_, quantity=1))
        data = intent_object(provider.intents[payment.external_payment_id or ""])
        hints.append(stripe_events.hint_for_object("payment_intent.succeeded", data))
    now = clock() + timedelta(seconds=1)

    ours = median_ms([lambda hint=hint: webhooks.take_in("stripe", hint, now=now) for hint in hints])  # type: ignore[misc]
    repeats = median_ms([lambda hint=hint: webhooks.take_in("stripe", hint, now=now) for hint in hints])  # type: ignore[misc]
    floor = median_ms([one_insert] * ROUNDS)

    report(capsys, "event applied to paid", ours, floor)
    report(capsys, "event repeated", repeats, floor)


def test_a_hold_on_one_hot_type(provider: FakeProvider, capsys: pytest.CaptureFixture[str]) -> None:
    type_ = TicketTypeFactory.create(capacity=10_000)

    ours = median_ms([lambda: hold(type_, quantity=1)] * ROUNDS)
    floor = median_ms([lambda: one_update(type_)] * ROUNDS)

    report(capsys, "hold", ours, floor)
