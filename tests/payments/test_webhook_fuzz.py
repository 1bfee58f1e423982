"""Garbage at the webhook's door: answered, never kept unless Stripe signed it, never a traceback."""

import json
import os
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from payments.models import WebhookEvent
from tests.fakes import FakeProvider, sign

pytestmark = pytest.mark.django_db(transaction=True)

CASES = int(os.environ.get("CASES", "40"))
DOOR = "/webhooks/stripe/"
machine_made = settings(
    max_examples=CASES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
numbers = st.integers(min_value=-(10**18), max_value=10**18)
leaves = st.none() | st.booleans() | numbers | st.floats(allow_nan=False) | st.text(max_size=20)
trees = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner), max_leaves=12)
TYPES = (
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.canceled",
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "charge.refunded",
    "refund.updated",
    "charge.dispute.created",
    "customer.created",
)
events = st.fixed_dictionaries(
    {"id": st.from_regex(r"evt_[a-z0-9]{1,12}", fullmatch=True), "type": st.sampled_from(TYPES)},
    optional={
        "data": st.fixed_dictionaries({}, optional={"object": trees}),
        "created": trees,
        "object": st.just("event"),
        "livemode": st.booleans(),
    },
)


def post(body: bytes, signature: str) -> int:
    headers = {"Stripe-Signature": signature}
    return int(Client().post(DOOR, body, content_type="application/json", headers=headers).status_code)


def test_what_is_not_signed_is_never_kept() -> None:
    @machine_made
    @given(body=st.binary(max_size=200), signature=st.text(st.characters(max_codepoint=255), max_size=60))
    @example(body=b"{}", signature="t=1,v1=00")
    @example(body=b"{}", signature="t=99999999999999999999,v1=" + "0" * 64)
    @example(body=b"\xff", signature="t=,v1=,v1=")
    def ask(body: bytes, signature: str) -> None:
        assert post(body, "".join(letter for letter in signature if letter.isprintable())) == 400

    ask()
    assert not WebhookEvent.objects.exists()


def test_what_is_signed_and_no_event_is_refused() -> None:
    @machine_made
    @given(body=st.text(max_size=200).map(str.encode) | trees.map(lambda tree: json.dumps(tree).encode()))
    def ask(body: bytes) -> None:
        assert post(body, sign(body)) == 400

    ask()
    assert not WebhookEvent.objects.exists()


def test_an_event_of_any_shape_is_answered_twice_and_kept_once(provider: FakeProvider) -> None:
    @machine_made
    @given(event=events)
    def ask(event: dict[str, Any]) -> None:
        body = json.dumps(event).encode()

        assert {post(body, sign(body)), post(body, sign(body))} <= {200, 400}
        assert WebhookEvent.objects.filter(event_id=event["id"]).count() <= 1

    ask()
