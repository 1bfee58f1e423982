"""Our doors and pages beside the floor of the machine: bare Django behind the same server, at fifty at once.

The floor's own access log is on as ours is; workers rest, for both, since what is measured is the web.
"""

import json
from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.benchmarks import stampede
from tests.benchmarks.conftest import Floor, rest
from tests.benchmarks.report import FLOOR, OURS, PAPER, Figure, Plot, Report
from tests.benchmarks.stampede import Course
from tests.fakes import sign
from tests.proof.club import Club

pytestmark = pytest.mark.timeout(1800)
AT_ONCE = 50
EVENTS = 1000
ROUNDS = 3
JSON = {"Content-Type": "application/json"}
WARMING = 300

Requests = Callable[[], list[bytes]]


@pytest.fixture(scope="module")
def quiet(club: Club) -> Club:
    """Return the club with everybody at rest but the web."""
    rest(club, "worker", "mailer", "beat", "watchman", "sandbox")
    return club


def told(club: Club) -> list[bytes]:
    """Return signed events of as many payments, of which nobody has heard yet."""
    bodies = club.run("-m", "tests.benchmarks.prepared", str(EVENTS)).splitlines()
    return [line.encode() for line in bodies if line.startswith("{")]


def at(path: str, bodies: list[bytes]) -> list[bytes]:
    """Return the requests that bring events to a door."""
    return [
        stampede.request("POST", path, body=body, headers={**JSON, "Stripe-Signature": sign(body)}) for body in bodies
    ]


def holds(count: int) -> list[bytes]:
    """Return requests that hold one place each of one type."""
    wish = {"event": "noche", "items": [{"ticket_type": "general", "quantity": 1}]}
    body = json.dumps({**wish, "name": "Ana Ruiz", "email": "ana@example.com"}).encode()
    return [
        stampede.request("POST", "/api/v1/orders/", body=body, headers={**JSON, "Idempotency-Key": str(uuid4())})
        for _ in range(count)
    ]


def warm(port: int, path: str) -> None:
    """Let a server open what it opens once."""
    stampede.send_all(port, [stampede.request("GET", path)] * WARMING, at_once=AT_ONCE)


def beside(report: Report, work: str, ours: Course, floor: Course, *, must: float) -> None:
    """Report how much of the floor's pace ours reaches."""
    report.add(
        Figure(
            work,
            ours=f"{ours.per_second:.0f}/s, p95 {ours.percentile_ms(0.95):.0f} ms",
            floor=f"{floor.per_second:.0f}/s",
            reached=ours.per_second / floor.per_second,
            must=must,
        )
    )


def median_of(courses: list[tuple[Course, Course]]) -> tuple[Course, Course]:
    """Return the pair whose ratio is in the middle: ours, and the floor that was measured right beside it."""
    return sorted(courses, key=lambda pair: pair[0].per_second / pair[1].per_second)[len(courses) // 2]


def test_events(quiet: Club, bare: Floor, report: Report) -> None:
    web = quiet.plan.web_port
    warm(web, "/health/live/")
    warm(bare.port, "/page/")
    new, repeats = [], []
    for _ in range(ROUNDS):
        bodies = told(quiet)
        floor = stampede.send_all(bare.port, at("/event/", bodies), at_once=AT_ONCE)
        ours = stampede.send_all(web, at("/webhooks/stripe/", bodies), at_once=AT_ONCE)
        again = stampede.send_all(bare.port, at("/event/", bodies), at_once=AT_ONCE)
        ours_again = stampede.send_all(web, at("/webhooks/stripe/", bodies), at_once=AT_ONCE)
        assert set(ours.statuses) == set(ours_again.statuses) == set(floor.statuses) == {200}
        new.append((ours, floor))
        repeats.append((ours_again, again))
    beside(report, "webhook, a new event applied to paid", *median_of(new), must=0.45)
    beside(report, "webhook, a repeat", *median_of(repeats), must=0.75)

    def draw(plot: Plot) -> None:
        axes = plot.add_subplot(facecolor=PAPER)
        for label, (ours, floor) in {"new": median_of(new), "repeat": median_of(repeats)}.items():
            axes.ecdf([time * 1000 for time in floor.times], label=f"{label}: floor", color=FLOOR)
            axes.ecdf([time * 1000 for time in ours.times], label=f"{label}: ours", color=OURS)
        axes.set_xlabel("milliseconds, fifty at once")
        axes.legend()

    report.draw("events", "How long an event waits for its answer", draw)


def test_holds_on_one_hot_type(quiet: Club, bare: Floor, report: Report) -> None:
    web = quiet.plan.web_port
    warm(web, "/health/live/")
    courses = []
    for _ in range(ROUNDS):
        floor = stampede.send_all(bare.port, [stampede.request("POST", "/hold/")] * EVENTS, at_once=AT_ONCE)
        ours = stampede.send_all(web, holds(EVENTS), at_once=AT_ONCE)
        assert set(ours.statuses) == set(floor.statuses) == {201}
        courses.append((ours, floor))
    ours, floor = median_of(courses)
    beside(report, "a hold on one hot type, through the API", ours, floor, must=0.35)
    report.add(
        Figure("a hold's p95", "", "", reached=ours.percentile_ms(0.95), must=300, unit=" ms", more_is_better=False)
    )


@pytest.fixture(scope="module")
def opened(club: Club) -> dict[str, str]:
    """Return the page of an order with its tickets, and the cookie of an owner who has signed in."""
    said: dict[str, str] = json.loads(club.run("-m", "tests.benchmarks.opened").splitlines()[-1])
    return said


@pytest.mark.parametrize(
    "page",
    [
        ("a night's page", "/nights/noche/"),
        ("the list of nights", "/"),
        ("an order's page", "{order}"),
        ("the console's home", "/admin/"),
        ("a night in the API", "/api/v1/events/noche/"),
    ],
    ids=lambda page: page[0],
)
def test_pages(quiet: Club, bare: Floor, report: Report, opened: dict[str, str], page: tuple[str, str]) -> None:
    work, path = page
    web, address = quiet.plan.web_port, path.format(**opened)
    is_console = address.startswith("/admin/")
    asked = stampede.request("GET", address, headers={"Cookie": opened["cookie"]} if is_console else {})
    count = EVENTS // 5 if is_console else EVENTS
    stampede.send_all(web, [asked] * (count // 2), at_once=8)
    warm(bare.port, "/page/")
    courses = []
    for _ in range(ROUNDS):
        floor = stampede.send_all(bare.port, [stampede.request("GET", "/page/")] * EVENTS, at_once=8)
        ours = stampede.send_all(web, [asked] * count, at_once=8)
        assert set(ours.statuses) == {200}
        courses.append((ours, floor))
    ours, floor = median_of(courses)
    slower = floor.per_second / ours.per_second
    report.add(
        Figure(
            f"{work}, times the bare view", f"{ours.per_second:.0f}/s", f"{floor.per_second:.0f}/s",
            reached=slower, must=6, unit=" ×", more_is_better=False,
        )
    )  # fmt: skip
