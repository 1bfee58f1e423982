"""What records cost; printed, never asserted: the same purchases with the recording triggers off and on, in turn."""

import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext

import pgtrigger
import pytest
from django.db import connection
from pghistory.trigger import Event as Recorder

from payments import actors, fulfilment, webhooks
from payments.gateways import stripe_events
from payments.models import Order
from tests.buying import clock, hold, pay
from tests.factories.tickets import TicketTypeFactory
from tests.fakes import FakeProvider, intent_object
from tickets.models import TicketType

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
ROUNDS = 60


def switch(*, on: bool) -> None:
    """Let the recording triggers fire, or not."""
    with connection.cursor() as cursor:
        for model, trigger in pgtrigger.registered():
            if isinstance(trigger, Recorder):
                name = f'{model._meta.db_table} {"ENABLE" if on else "DISABLE"} TRIGGER "{trigger.get_pgid(model)}"'
                cursor.execute(f"ALTER TABLE {name}")


def spent(act: Callable[[], object]) -> float:
    """Return how long one act takes, in milliseconds."""
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def purchase(provider: FakeProvider, type_: TicketType) -> dict[str, float]:
    """Measure each step of one purchase."""
    held: list[Order] = []
    steps = {"hold": spent(lambda: held.append(hold(type_)))}
    (order,) = held
    payment = pay(provider, order)
    data = intent_object(provider.intents[payment.external_payment_id or ""])
    hint = stripe_events.hint_for_object("payment_intent.succeeded", data)
    steps["event applied to paid"] = spent(lambda: webhooks.take_in("stripe", hint, now=clock()))
    steps["paid to tickets"] = spent(lambda: fulfilment.try_now(order, now=clock()))
    return steps


def test_what_records_cost(provider: FakeProvider, capsys: pytest.CaptureFixture[str]) -> None:
    type_ = TicketTypeFactory.create(capacity=10_000)
    figures: dict[tuple[str, bool], list[float]] = {}
    try:
        for number in range(2 * ROUNDS):
            on = bool(number % 2)
            switch(on=on)
            with actors.acting(actors.GUEST) if on else nullcontext():
                for step, took in purchase(provider, type_).items():
                    figures.setdefault((step, on), []).append(took)
    finally:
        switch(on=True)

    with capsys.disabled():
        for step in ("hold", "event applied to paid", "paid to tickets"):
            off, on_ = (statistics.median(figures[step, on]) for on in (False, True))
            print(f"\n{step}: {off:.2f} ms without records, {on_:.2f} ms with, ratio {off / on_:.2f}")  # noqa: T201
