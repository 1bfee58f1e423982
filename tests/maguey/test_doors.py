"""What knocks at a provider's door passes by what is there for people."""

import pytest
from django.test import Client

from tests.buying import DOOR, hold, knock, pay, tell
from tests.fakes import FakeProvider, event_body, sign

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_door_answers_with_no_cookie_and_a_length(provider: FakeProvider) -> None:
    body = event_body("customer.created", {"id": "cus_1"})

    answer = Client().post(DOOR, data=body, content_type="application/json", headers={"Stripe-Signature": sign(body)})

    assert (answer.status_code, answer.content) == (200, b"ignored")
    assert dict(answer.headers) == {"Content-Type": "text/plain", "Content-Length": "7"}
    assert not answer.cookies


def test_a_door_that_is_not_there_is_not_found() -> None:
    assert Client().post("/webhooks/nobody/").status_code == 404


def test_little_is_said_of_what_happens_at_a_door(provider: FakeProvider, caplog: pytest.LogCaptureFixture) -> None:
    payment = pay(provider, hold())
    caplog.clear()

    assert tell(provider, payment, "payment_intent.succeeded", event_id="evt_1") == 200
    assert knock(b"{}", signature="t=1,v1=00") == 400

    assert [record.message for record in caplog.records] == [
        "Money came",
        "Refused a delivery: no secret in force has signed this body in the last 300 seconds",
        "Bad Request: /webhooks/stripe/",
    ]
