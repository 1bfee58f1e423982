import json
import time
from collections.abc import Mapping

import pytest
import stripe

from payments.sandbox.stripe import signing
from payments.sandbox.testing import Sandbox
from tests.sandbox.making import intent, paid, types


class Endpoint:
    """A webhook endpoint that remembers what came and answers as told."""

    def __init__(self, *answers: int) -> None:
        self.letters: list[tuple[bytes, str]] = []
        self._answers = list(answers)

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        self.letters.append((body, headers["Stripe-Signature"]))
        return self._answers.pop(0) if self._answers else 200

    @property
    def types(self) -> list[str]:
        return [json.loads(body)["type"] for body, _ in self.letters]


def test_the_sdk_accepts_every_signature(sandbox: Sandbox) -> None:
    paid(sandbox)
    endpoint = Endpoint()

    tried = sandbox.drain(endpoint)

    events = [stripe.Webhook.construct_event(body, header, "whsec_maguey") for body, header in endpoint.letters]
    assert tried == len(events) == 3
    assert {event.type for event in events} == set(types(sandbox))
    assert {event.api_version for event in events} == {"2026-10-28.endive"}


def test_the_sdk_signs_as_the_sandbox_does() -> None:
    theirs = stripe.WebhookSignature.generate_signature_header("{}", "whsec_maguey", 1_800_000_000)

    assert signing.stripe_header(b"{}", secrets=["whsec_maguey"], timestamp=1_800_000_000) == theirs


def test_events_are_frozen_as_they_happened(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    id_ = paid(sandbox)

    (created,) = sandbox.events("payment_intent.created")

    assert created["data"]["object"]["status"] == "requires_payment_method"
    assert client.v1.payment_intents.retrieve(id_).status == "succeeded"


def test_events_name_the_request_that_caused_them(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    made = intent(client, key="order-1")

    (created,) = sandbox.events("payment_intent.created")

    assert made.last_response is not None
    assert created["request"] == {"id": made.last_response.request_id, "idempotency_key": "order-1"}


def test_order_is_not_kept(sandbox: Sandbox) -> None:
    for _ in range(5):
        paid(sandbox)
    endpoint = Endpoint()

    sandbox.drain(endpoint)

    assert sorted(endpoint.types) == sorted(types(sandbox))
    assert endpoint.types != types(sandbox)


@pytest.mark.parametrize("answer", [301, 404, 500])
def test_a_refused_delivery_is_tried_again_with_a_fresh_signature(sandbox: Sandbox, answer: int) -> None:
    intent(sandbox.client())
    endpoint = Endpoint(answer)

    sandbox.drain(endpoint)
    at_once = len(endpoint.letters)
    sandbox.advance(120)
    sandbox.drain(endpoint)

    assert at_once == 1
    assert len(endpoint.letters) == 2
    assert sandbox.deliveries()[0]["state"] == "delivered"


def test_after_three_days_the_provider_gives_up(sandbox: Sandbox) -> None:
    intent(sandbox.client())
    endpoint = Endpoint(*[500] * 100)

    for _ in range(40):
        sandbox.drain(endpoint)
        sandbox.advance(3 * 3600)

    assert sandbox.deliveries()[0]["state"] == "failed"
    assert 8 <= len(endpoint.letters) <= 20


def test_undelivered_events_are_listed(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    intent(client)
    waiting = client.v1.events.list({"delivery_success": False}).data
    sandbox.drain(Endpoint())

    assert [(item.type, item.pending_webhooks) for item in waiting] == [("payment_intent.created", 1)]
    assert client.v1.events.list({"delivery_success": False}).data == []
    assert len(client.v1.events.list({"delivery_success": True}).data) == 1


def test_events_are_listed_by_type_and_for_thirty_days(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    paid(sandbox)

    found = client.v1.events.list({"types": ["payment_intent.succeeded", "charge.succeeded"]})
    assert [item.type for item in found.data] == ["payment_intent.succeeded", "charge.succeeded"]

    sandbox.advance(31 * 86400)
    assert client.v1.events.list({"types": ["payment_intent.succeeded"]}).data == []


def test_an_endpoint_that_cannot_be_reached_is_tried_again(sandbox: Sandbox) -> None:
    intent(sandbox.client())

    def unreachable(url: str, body: bytes, headers: object) -> int:
        raise ConnectionRefusedError

    sandbox.drain(unreachable)

    assert (sandbox.deliveries()[0]["state"], sandbox.deliveries()[0]["attempts"]) == ("pending", 1)


@pytest.mark.parametrize(
    ("fault", "accepted"),
    [
        ({"action": "stale_t", "seconds": 301}, False),
        ({"action": "stale_t", "seconds": 290}, True),
        ({"action": "future_t", "seconds": 3600}, True),
        ({"action": "wrong_secret"}, False),
        ({"action": "old_secret"}, False),
        ({"action": "two_secrets"}, True),
    ],
)
def test_signatures_go_wrong_as_told(sandbox: Sandbox, fault: dict[str, object], accepted: bool) -> None:
    sandbox.faults.add(fault)
    intent(sandbox.client())
    endpoint = Endpoint()
    sandbox.drain(endpoint)
    body, header = endpoint.letters[0]

    try:
        stripe.WebhookSignature.verify_header(body.decode(), header, "whsec_maguey", 300)
        verdict = True
    except stripe.SignatureVerificationError:
        verdict = False

    assert verdict is accepted


def test_webhook_faults(sandbox: Sandbox) -> None:
    sandbox.faults.add(action="duplicate", event="payment_intent.created")
    sandbox.faults.add(action="duplicate_event", event="charge.succeeded")
    sandbox.faults.add(action="drop", event="payment_intent.succeeded")
    sandbox.faults.add(action="delay", event="charge.succeeded", seconds=60)
    sandbox.faults.add(action="resend", event="payment_intent.created")
    paid(sandbox)
    endpoint = Endpoint()

    sandbox.drain(endpoint)
    before = sorted(endpoint.types)
    sandbox.advance(61)
    sandbox.drain(endpoint)

    assert before == ["charge.succeeded", *["payment_intent.created"] * 3]
    assert sorted(endpoint.types) == [
        "charge.succeeded",
        "charge.succeeded",
        "charge.updated",
        *["payment_intent.created"] * 3,
    ]
    ids = {json.loads(body)["id"] for body, _ in endpoint.letters if b'"charge.succeeded"' in body}
    assert len(ids) == 2


def test_an_outage_lasts_its_time(sandbox: Sandbox) -> None:
    sandbox.faults.add(action="outage", seconds=600)
    intent(sandbox.client())
    endpoint = Endpoint()

    sandbox.drain(endpoint)
    sandbox.advance(300)
    sandbox.drain(endpoint)
    during = len(endpoint.letters)
    sandbox.advance(3600)
    sandbox.drain(endpoint)

    assert (during, len(endpoint.letters)) == (0, 1)


def test_an_older_version_is_named_as_told(sandbox: Sandbox) -> None:
    sandbox.faults.add(action="api_version", version="2023-08-16")
    intent(sandbox.client())
    endpoint = Endpoint()

    sandbox.drain(endpoint)

    assert json.loads(endpoint.letters[0][0])["api_version"] == "2023-08-16"


def test_delivered_before_the_api_answers(sandbox: Sandbox) -> None:
    endpoint = Endpoint()
    sandbox.books.deliveries.post = endpoint
    sandbox.faults.add(action="before_answer", event="payment_intent.created")

    intent(sandbox.client())

    assert endpoint.types == ["payment_intent.created"]


def test_resend_sends_once_more(sandbox: Sandbox) -> None:
    intent(sandbox.client())
    endpoint = Endpoint()
    sandbox.drain(endpoint)

    sandbox.resend(sandbox.events()[0]["id"])
    sandbox.drain(endpoint)

    assert len(endpoint.letters) == 2


def test_a_signature_carries_this_moment_even_when_sandbox_time_runs_ahead(sandbox: Sandbox) -> None:
    sandbox.advance(30 * 86400)
    intent(sandbox.client())

    _, headers = sandbox.letter(sandbox.events()[0]["id"])

    signed = int(headers["Stripe-Signature"].split(",")[0].removeprefix("t="))
    assert abs(signed - time.time()) < 5
