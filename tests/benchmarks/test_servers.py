"""Our pages and doors behind one web server and another, side by side on the same two processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from maguey.supervisor.plan import PROJECT
from tests.benchmarks import stampede
from tests.benchmarks.conftest import rest, wait_for
from tests.benchmarks.report import FLOOR, OURS, PAPER, TARGET, Plot, Report
from tests.benchmarks.test_serving import AT_ONCE, at, holds, told, warm
from tests.proof.club import Club, free_port

pytestmark = pytest.mark.timeout(1800)
PAGES = 1000
SERVERS = {
    "gunicorn, 2 × 16 threads": (
        *("gunicorn", "maguey.wsgi", "--bind", "127.0.0.1:{port}", "--preload", "--worker-class", "gthread"),
        *("--workers", "2", "--threads", "16", "--access-logfile", "-"),
    ),
    "gunicorn, 2 × 8 threads": (
        *("gunicorn", "maguey.wsgi", "--bind", "127.0.0.1:{port}", "--preload", "--worker-class", "gthread"),
        *("--workers", "2", "--threads", "8", "--access-logfile", "-"),
    ),
    "granian, WSGI, 2 × 16 threads": (
        *("granian", "maguey.wsgi:application", "--interface", "wsgi", "--port", "{port}", "--workers", "2"),
        *("--blocking-threads", "16", "--no-ws", "--access-log"),
    ),
    "granian, WSGI, 2 × 4 threads": (
        *("granian", "maguey.wsgi:application", "--interface", "wsgi", "--port", "{port}", "--workers", "2"),
        *("--blocking-threads", "4", "--no-ws", "--access-log"),
    ),
    # Each request has a thread of its own there, so that none may keep its connection to the database.
    "uvicorn, ASGI, 2 processes": (
        *("uvicorn", "tests.benchmarks.asgi:application", "--port", "{port}", "--workers", "2"),
        *("--log-config", "{quiet}"),
    ),
}
KEEPS_NONE = {"CONN_MAX_AGE": "0"}
QUIET = '{"version": 1, "disable_existing_loggers": false}'


@contextmanager
def served(club: Club, command: tuple[str, ...], port: int) -> Iterator[None]:
    """Serve the club's pages by a server of one's own."""
    quiet = club.directory / "quiet.json"
    quiet.write_text(QUIET)
    words = [word.format(port=port, quiet=quiet) for word in command]
    keeps = KEEPS_NONE if command[0] == "uvicorn" else {}
    running = subprocess.Popen(
        [sys.executable, "-m", *words],
        env={**os.environ, **club.environment, **club.plan.web().environment, **keeps},
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/health/live/")
        yield
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def test_servers(club: Club, report: Report) -> None:
    rest(club, "web", "worker", "mailer", "beat", "watchman", "sandbox")
    paces: dict[str, list[float]] = {}
    for name, command in SERVERS.items():
        port = free_port()
        events = at("/webhooks/stripe/", told(club))
        with served(club, command, port):
            for path in ("/health/live/", "/nights/noche/"):
                warm(port, path)
            work = {
                "a night's page": [stampede.request("GET", "/nights/noche/")] * PAGES,
                "a new event": events,
                "a hold": holds(PAGES),
            }
            courses = {what: stampede.send_all(port, sent, at_once=AT_ONCE) for what, sent in work.items()}
        statuses = {status for course in courses.values() for status in course.statuses}
        assert statuses <= {200, 201}, (name, statuses)
        paces[name] = [course.per_second for course in courses.values()]
        figures = (
            f"{what} {course.per_second:.0f}/s, p95 {course.percentile_ms(0.95):.0f} ms"
            for what, course in courses.items()
        )
        report.say(f"{name}: {'; '.join(figures)}")

    def draw(plot: Plot) -> None:
        axes = plot.add_subplot(facecolor=PAPER)
        height = 0.25
        for number, (what, colour) in enumerate(
            zip(("a night's page", "a new event", "a hold"), (OURS, FLOOR, TARGET), strict=True)
        ):
            places = [place + number * height for place in range(len(paces))]
            axes.barh(places, [each[number] for each in paces.values()], height=height, label=what, color=colour)
        axes.set_yticks([place + height for place in range(len(paces))], list(paces))
        axes.set_xlabel("answers a second, fifty at once")
        axes.invert_yaxis()
        axes.legend()

    report.draw("servers", "Our pages behind one web server and another", draw)
