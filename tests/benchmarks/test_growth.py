"""What purchases, workers' rounds and the console's pages cost as the books grow to a million tickets.

Printed beside the smallest books, never asserted. GROWTH=10000,100000 chooses other sizes, in tickets.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from owners import audit
from payments import expiry, fulfilment, purging, retrying
from tests.benchmarks import books
from tests.buying import clock, hold, intent_of, start, tell
from tests.emptying import empty_tables
from tests.fakes import FakeProvider
from tests.owners.console import client_of, owner
from tickets import waiting
from tickets.models import Event, TicketType

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(3600)]
SIZES = [int(size) for size in os.environ.get("GROWTH", "10000,100000,1000000").split(",")]
ROUNDS = 5
SLOW_MS = 30.0

PAGES = {
    "home": "/admin/",
    "orders": "/admin/payments/order/",
    "orders of a guest": "/admin/payments/order/?q=guest77@example.com",
    "an order": "/admin/payments/order/{order}/change/",
    "orders fulfilled": "/admin/payments/order/?status__exact=fulfilled",
    "payments": "/admin/payments/payment/",
    "refunds": "/admin/payments/refund/",
    "failures": "/admin/payments/paymentfailure/",
    "failures of a guest": "/admin/payments/paymentfailure/?q=guest77@example.com",
    "tickets": "/admin/tickets/ticket/",
    "tickets of a guest": "/admin/tickets/ticket/?q=guest77@example.com",
    "holds": "/admin/tickets/ticketreservation/",
    "scans": "/admin/tickets/scan/",
    "messages": "/admin/payments/email/",
    "webhook events": "/admin/payments/webhookevent/",
    "events of a payment": "/admin/payments/webhookevent/?q=pi_1-77",
    "deliveries": "/admin/payments/fulfilment/",
    "figures for Prometheus": "/metrics",
}
PURCHASES = 50
ROUNDS_OF_WORKERS: dict[str, Callable[[], object]] = {
    "the sweep": lambda: retrying.sweep(now=clock()),
    "holds that are over": lambda: expiry.expire_overdue(now=clock()),
    "what is purged": lambda: list(purging.purge(now=clock())),
    "offers to who waits": lambda: waiting.offer_places(now=clock()),
}
OF_ONE_NIGHT = ("home", "orders", "orders of a guest", "tickets", "failures")


def test_as_the_books_grow(provider: FakeProvider, capsys: pytest.CaptureFixture[str]) -> None:
    first: dict[str, float] = {}
    for size in SIZES:
        empty_tables()
        type_ = books.fill(size, provider=provider, now=clock())
        order = type_.event.orders.first()
        chief = client_of(User.objects.create_superuser("chief", "chief@example.com"))
        runner = client_of(owner(event=Event.objects.latest("starts_at")))
        with capsys.disabled():
            print(f"\n{size:,} tickets")  # noqa: T201
            for name, page in PAGES.items():
                say(name, chief, page.format(order=order.pk), first)
            for name in OF_ONE_NIGHT:
                say(f"{name}, one night", runner, PAGES[name], first)
            say_steps(provider, type_, first)
            say_audit(clock(), first)
            say_rounds(first)
    empty_tables()


def say(name: str, reader: Client, page: str, first: dict[str, float]) -> None:
    """Print the median time of a page, its statements, and those of them that are slow."""
    spent = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        assert reader.get(page).status_code == 200
        spent.append((time.perf_counter() - began) * 1000)
    with CaptureQueriesContext(connection) as seen:
        reader.get(page)
    median = statistics.median(spent[1:])
    ratio = median / first.setdefault(name, median)
    print(f"  {name:28} {median:8.0f} ms {len(seen):3} statements, x{ratio:.2f}")  # noqa: T201
    for query in seen.captured_queries:
        took = float(query["time"]) * 1000
        if took > SLOW_MS:
            print(f"      {took:.0f} ms: {query['sql']}")  # noqa: T201


def say_steps(provider: FakeProvider, type_: TicketType, first: dict[str, float]) -> None:
    """Print the median time of each step of a purchase among those books."""
    spent: dict[str, list[float]] = {}
    for _ in range(PURCHASES):
        with timed(spent, "a hold"):
            order = hold(type_, quantity=1)
        with timed(spent, "a payment begun"):
            payment = start(order)
        provider.pay(intent_of(payment))
        with timed(spent, "an event applied"):
            tell(provider, payment, "payment_intent.succeeded", event_id=f"evt_{order.reference}")
        with timed(spent, "the event again"):
            tell(provider, payment, "payment_intent.succeeded", event_id=f"evt_{order.reference}")
        with timed(spent, "tickets delivered"):
            fulfilment.try_now(order, now=clock())
    for name, times in spent.items():
        say_time(name, statistics.median(times), first)


def say_rounds(first: dict[str, float]) -> None:
    """Print how long the rounds take that look through the books."""
    spent: dict[str, list[float]] = {}
    for name, go in ROUNDS_OF_WORKERS.items():
        with timed(spent, name):
            go()
        say_time(name, spent[name][0], first)


@contextmanager
def timed(spent: dict[str, list[float]], name: str) -> Iterator[None]:
    """Note how many milliseconds something takes."""
    began = time.perf_counter()
    yield
    spent.setdefault(name, []).append((time.perf_counter() - began) * 1000)


def say_time(name: str, spent: float, first: dict[str, float]) -> None:
    """Print a time in milliseconds, and how many times that of the smallest books it is."""
    print(f"  {name:28} {spent:8.1f} ms, x{spent / first.setdefault(name, spent):.2f}")  # noqa: T201


def say_audit(now: datetime, first: dict[str, float]) -> None:
    """Print how long the audit takes; what it finds is not looked at."""
    spent: dict[str, list[float]] = {}
    with timed(spent, "audit"):
        audit.audit(now=now)
    say_time("audit of the ledger", spent["audit"][0], first)
