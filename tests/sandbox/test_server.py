import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue

import pytest
import requests
import stripe

from payments.sandbox import server
from tests.sandbox.making import intent


class Receiver(ThreadingHTTPServer):
    """A webhook endpoint on a port of its own."""

    def __init__(self) -> None:
        self.letters: Queue[tuple[bytes, str]] = Queue()
        self.answer = 200
        super().__init__(("127.0.0.1", 0), Take)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/webhooks/stripe/"


class Take(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.letters.put((body, self.headers["Stripe-Signature"]))
        self.send_response(self.server.answer)
        self.send_header("Location", self.server.url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def running(receiver: Receiver) -> Iterator[server.Server]:
    made = server.build(
        port=0, faults=True, webhook_endpoints=[(receiver.url, ["whsec_maguey"])], disorder_seconds=0, retry_speed=300
    )
    made.start()
    yield made
    made.stop()


def client_of(running: server.Server) -> stripe.StripeClient:
    return stripe.StripeClient(
        "sk_test_maguey",
        base_addresses={"api": running.url},
        http_client=stripe.RequestsClient(timeout=5, session=requests.Session()),
    )


def test_the_server_delivers_signed_events(running: server.Server, receiver: Receiver) -> None:
    intent(client_of(running))

    body, header = receiver.letters.get(timeout=5)

    assert stripe.WebhookSignature.verify_header(body.decode(), header, "whsec_maguey", 300)


def test_a_redirect_is_a_failure_and_is_tried_again(running: server.Server, receiver: Receiver) -> None:
    receiver.answer = 302
    intent(client_of(running))
    receiver.letters.get(timeout=5)
    receiver.answer = 200

    receiver.letters.get(timeout=5)

    with pytest.raises(Empty):
        receiver.letters.get(timeout=0.4)


@pytest.mark.parametrize("action", ["reset", "answer_lost"])
def test_a_cut_connection_is_cut_for_real(running: server.Server, action: str) -> None:
    requests.post(f"{running.url}/_sandbox/faults", json={"action": action}, timeout=5).close()

    with pytest.raises(stripe.APIConnectionError):
        intent(client_of(running))

    assert len(client_of(running).v1.payment_intents.list().data) == (1 if action == "answer_lost" else 0)


def test_only_this_machine_is_served() -> None:
    with pytest.raises(ValueError, match="this machine only"):
        server.build("192.0.2.1", 0)
