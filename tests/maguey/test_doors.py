"""What knocks at a provider's door passes by what is there for people."""

import pytest
from django.test import Client

from maguey import doors
from payments import identity
from tests.buying import DOOR, hold, knock, pay, tell
from tests.factories.tickets import TicketTypeFactory
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


def test_a_program_needs_nothing_that_is_there_for_people() -> None:
    type_ = TicketTypeFactory.create()

    answer = Client().get(f"/api/v1/events/{type_.event.slug}/")

    assert answer.status_code == 200
    assert answer.headers["Content-Length"] == str(len(answer.content))
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not answer.cookies
    assert "Content-Security-Policy" in Client().get("/api/v1/docs/").headers


def test_a_program_is_spoken_to_in_its_own_language_whoever_was_before_it() -> None:
    asked = {"path": "/api/v1/orders/", "data": {}, "content_type": "application/json"}
    spanish = Client().post(**asked, headers={"Idempotency-Key": "k", "Accept-Language": "es"})

    answer = Client().post(**asked, headers={"Idempotency-Key": "k"})

    assert (spanish.headers["Content-Language"], answer.headers["Content-Language"]) == ("es", "en")
    assert "Accept-Language" in answer.headers["Vary"]
    assert spanish.json()["errors"]["name"] == ["Este campo es requerido."]
    assert answer.json()["errors"]["name"] == ["This field is required."]


def test_a_fault_at_a_programs_door_leaves_nobody_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(request: object) -> None:
        identity.become(identity.person(1))
        raise RuntimeError("a fault")

    before = identity._acting.get()
    monkeypatch.setattr(doors, "let_in", fail)

    assert Client(raise_request_exception=False).get("/api/v1/events/").status_code == 500
    assert identity._acting.get() == before
