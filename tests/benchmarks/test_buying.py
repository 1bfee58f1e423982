"""Whole purchases by fifty at once, an on-sale rush, and what the processes take of memory meanwhile."""

import json
import time
from contextlib import suppress

import psutil
import pytest
import urllib3

from tests.benchmarks import buyers
from tests.benchmarks.buyers import NO_ANSWER, SERVER_ERRORS, Night
from tests.benchmarks.report import OURS, PAPER, Figure, Plot, Report
from tests.benchmarks.stampede import percentile
from tests.proof.club import Club

pytestmark = pytest.mark.timeout(1800)
AT_ONCE, EACH = 50, 10
GUESTS, PLACES, RUSH_SECONDS = 2000, 500, 60.0
SLOW = {"action": "latency", "seconds": 0.3, "path": "/v1/*", "count": 0}
FAILURES = {"seed": 8, "rate": 0.05, "actions": ["error"]}
SETTLED_SECONDS = 120
MEGABYTE = 1024 * 1024

DELIVERED = """
import django, json, sys; django.setup()
from payments.models import Order
found = Order.objects.filter(reference__in=json.load(sys.stdin), fulfilled_at__isnull=False)
print(json.dumps({order.reference: order.fulfilled_at.timestamp() for order in found}))
"""
RUSH = """
import django; django.setup()
from tests.factories.tickets import TicketTypeFactory
from tickets.models import Event
TicketTypeFactory.create(event=Event.objects.get(slug="noche"), slug="rush", capacity=%d)
"""
SOLD = """
import django; django.setup()
from tickets.models import TicketType
type_ = TicketType.objects.get(slug="rush")
print(type_.sold, type_.held)
"""


def delivered(club: Club, night: Night) -> dict[str, float]:
    """Return when each paid order was delivered, waiting for those that are not yet."""
    seen: dict[str, float] = {}

    def is_over() -> bool:
        seen.update(json.loads(club.run("-c", DELIVERED, told=json.dumps(list(night.paid_at)))))
        return len(seen) == len(night.paid_at)

    club.wait_until(is_over, seconds=SETTLED_SECONDS)
    return seen


def trouble(club: Club, path: str, words: dict[str, object]) -> None:
    """Give the sandbox an order."""
    urllib3.request("POST", f"{club.plan.sandbox_url}/_sandbox/{path}", json=words, timeout=5)


def test_fifty_at_once(club: Club, report: Report) -> None:
    plain = bought(club, report, "50 buyers")
    trouble(club, "faults", SLOW)
    trouble(club, "random", FAILURES)
    slow = bought(club, report, "50 buyers, Stripe at 300 ms and failing 5 %")
    slower = percentile(slow, 0.95) / percentile(plain, 0.95)
    report.add(Figure("a slow Stripe's share in that wait", "", "", slower, 1.5, " ×", more_is_better=False))
    urllib3.request("DELETE", f"{club.plan.sandbox_url}/_sandbox/faults", timeout=5)
    trouble(club, "random", {**FAILURES, "rate": 0})
    club.manage("audit_ledger", "--provider", "stripe")

    def draw(plot: Plot) -> None:
        axes = plot.add_subplot(facecolor=PAPER)
        axes.ecdf(plain, label="Stripe at once", color=OURS)
        axes.ecdf(slow, label="Stripe at 300 ms, failing 5 %", color=OURS, linestyle="--")
        axes.set_xlabel("seconds from paid to tickets, fifty buyers at once")
        axes.legend()

    report.draw("purchases", "How long a guest who has paid waits for tickets", draw)


def bought(club: Club, report: Report, who: str) -> list[float]:
    """Let a crowd buy, and report how long tickets took after the card was taken, in seconds."""
    before, began = processor_of(club), time.monotonic()
    night = buyers.crowd(club, at_once=AT_ONCE, each=EACH)
    spent = time.monotonic() - began
    there = delivered(club, night)
    after = processor_of(club)
    each = {name: (after[name] - before[name]) * 1000 / len(night.paid_at) for name in before}
    report.say(f"{who}: processor, ms a purchase: " + ", ".join(f"{name} {ms:.0f}" for name, ms in each.items()))
    waits = [max(0.0, there[reference] - paid) for reference, paid in night.paid_at.items() if reference in there]
    assert len(waits) == len(night.paid_at) > 0, "a guest who paid has no tickets"
    errors = sum(seen for status, seen in night.statuses.items() if status in SERVER_ERRORS)
    pace = f"{len(waits)} purchases, {len(waits) / spent:.1f}/s, {errors} answers of 5xx"
    report.add(Figure(f"{who}: paid to tickets, p95", pace, "", percentile(waits, 0.95), 1, " s", more_is_better=False))
    return waits


def test_an_on_sale_rush(club: Club, report: Report) -> None:
    club.run("-c", RUSH % PLACES)

    night, _ = buyers.rush(club, guests=GUESTS, seconds=RUSH_SECONDS, kind="rush")
    delivered(club, night)

    sold, held = (int(word) for word in club.run("-c", SOLD).split())
    errors = sum(seen for status, seen in night.statuses.items() if status in SERVER_ERRORS)
    silent = night.statuses[NO_ANSWER]
    said = (
        f"{night.refused['sold_out']} told that it is sold out, {errors} answers of 5xx, {silent} without an answer,"
        f" {held} held at the end"
    )
    assert sold + held <= PLACES, "oversold"
    report.add(Figure(f"{GUESTS} come for {PLACES} places: sold", said, "", sold, PLACES))
    report.add(Figure("the longest wait for an answer", "", "", max(night.waits), 5, " s", more_is_better=False))
    club.manage("audit_ledger", "--provider", "stripe")


def test_memory(club: Club, report: Report) -> None:
    before = memory_of(club)
    for _ in range(4):
        buyers.crowd(club, at_once=AT_ONCE, each=EACH)
    after = memory_of(club)
    said = f"{before:.0f} MB before {4 * AT_ONCE * EACH} more purchases, {after:.0f} MB after"
    report.add(Figure("memory of web, workers and beat", said, "", after, 600, " MB", more_is_better=False))
    report.add(Figure("memory's growth", said, "", after / before, 1.05, " ×", more_is_better=False))


def processor_of(club: Club) -> dict[str, float]:
    """Return the processor's seconds that each program has had, with all that it started; the guests are ours."""
    roots = {name: member.pid for name, member in club.members.items()}
    roots["database"] = int(next(club.directory.glob("**/postmaster.pid")).read_text().split()[0])
    taken = {name: sum(map(seconds_of, family(psutil.Process(pid)))) for name, pid in roots.items()}
    return {**taken, "guests": time.process_time()}


def seconds_of(process: psutil.Process) -> float:
    """Return the processor's seconds that a process has had, and its children that have ended."""
    with suppress(psutil.NoSuchProcess):
        return float(sum(process.cpu_times()[:4]))
    return 0.0


def family(root: psutil.Process) -> list[psutil.Process]:
    """Return a process and all that it started, and they started."""
    return [root, *root.children(recursive=True)]


def memory_of(club: Club) -> float:
    """Return what web, workers and beat take, in megabytes: what they share is counted once (PSS)."""
    roots = [psutil.Process(club.members[name].pid) for name in ("web", "worker", "mailer", "beat")]
    everyone = [process for root in roots for process in family(root)]
    return sum(float(process.memory_full_info().pss) for process in everyone) / MEGABYTE
