"""What leaves the house for Sentry, read off the wire: what an error is about, and nobody's secrets."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import brotli
import pytest
from django.conf import settings
from django.db import connection

from maguey import embedded
from payments.models import Order, Payment
from tests.buying import hold, pay
from tests.fakes import FakeProvider
from tests.maguey.failing import CANARIES

pytestmark = pytest.mark.django_db(transaction=True)


class Recorder(BaseHTTPRequestHandler):
    bodies: list[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["Content-Encoding"] == "br"
        self.bodies.append(brotli.decompress(body))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def recorder() -> Iterator[HTTPServer]:
    Recorder.bodies = []
    server = HTTPServer(("127.0.0.1", 0), Recorder)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def database_address() -> str:
    """Return where the tests' own database is, for another process."""
    url = os.environ.get("DATABASE_URL") or embedded.database_url("web")
    before, _, after = url.partition("?")
    return f"{before.rpartition('/')[0]}/{connection.settings_dict['NAME']}" + (f"?{after}" if after else "")


def fail(recorder: HTTPServer, payment: Payment) -> None:
    """Fail in a process of its own, which tells the recorder."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_address(),
        "DATABASE_ROLE": "web",
        "SENTRY_DSN": f"http://public@127.0.0.1:{recorder.server_port}/1",
        "RELEASE": "maguey@1.2.3",
        "SECRET_KEY": "canary-of-the-settings-0123456789",
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.maguey.failing", str(payment.pk)],
        env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert "answered ['500 Internal Server Error', '500 Internal Server Error']" in said, said


def events() -> list[dict[str, Any]]:  # Any: JSON
    """Return what was sent of errors, in order."""
    items = [line for body in Recorder.bodies for line in body.split(b"\n") if line.startswith(b"{")]
    return [item for item in map(json.loads, items) if "exception" in item]


def test_sentry_hears_what_an_error_is_about_and_nobodys_secrets(recorder: HTTPServer, provider: FakeProvider) -> None:
    order = hold()
    payment = pay(provider, order)

    fail(recorder, payment)

    raw = b"".join(Recorder.bodies).decode()
    assert [canary for canary in (*CANARIES, "canary-of-the-settings") if canary in raw] == []
    request, api, task = events()
    kinds = [found["exception"]["values"][-1]["type"] for found in (request, api, task)]
    assert kinds == ["LookupError", "LookupError", "ValueError"]
    assert {(found["release"], found["environment"]) for found in (request, api, task)} == {("maguey@1.2.3", "demo")}
    about = {"order": str(order.pk), "payment": str(payment.pk), "event": "evt_canary", "night": str(order.event_id)}
    assert about.items() <= request["tags"].items()
    assert request["tags"]["role"] == "web"
    assert len({request["tags"]["request_id"], api["tags"]["request_id"]}) == 2
    assert request["request"] == {"method": "POST", "url": "http://localhost/fails/"}
    assert request["exception"]["values"][-1]["value"].startswith("no place for [hidden] at [hidden] from [hidden]")
    taken = [crumb for crumb in request["breadcrumbs"]["values"] if crumb["category"] == "payment"]
    assert [crumb["message"] for crumb in taken] == ["An event came", "Money came"]
    assert taken[1]["data"] == about
    assert "order" not in api["tags"].keys() | task["tags"].keys()
    assert Order.objects.get().status == "pending"
