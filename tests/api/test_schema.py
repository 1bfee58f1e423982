"""The API held to its own schema by machine-made requests: no 5xx, no answer it does not document."""

import os
from functools import cache

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.wsgi import get_wsgi_application
from django.test import Client
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from owners.models import StaffKey
from tests.factories.tickets import EventFactory, TicketTypeFactory
from tests.fakes import FakeProvider

pytestmark = pytest.mark.django_db(transaction=True)

# What a schema cannot say, and what is tried in tests of its own: who comes in with which key.
NOT_SAID = [positive_data_acceptance, ignored_auth]
CASES = int(os.environ.get("CASES", "25"))
OPERATIONS = (
    ("GET", "/api/v1/events/"),
    ("GET", "/api/v1/events/{slug}/"),
    ("POST", "/api/v1/orders/"),
    ("GET", "/api/v1/orders/{reference}/"),
    ("POST", "/api/v1/orders/{reference}/cancel/"),
    ("POST", "/api/v1/orders/{reference}/extend/"),
    ("POST", "/api/v1/orders/{reference}/payments/"),
    ("POST", "/api/v1/events/"),
    ("GET", "/api/v1/events/{slug}/reservations/"),
    ("GET", "/api/v1/orders/"),
    ("POST", "/api/v1/orders/{reference}/refunds/"),
    ("GET", "/api/v1/refunds/"),
    ("GET", "/api/v1/failures/"),
    ("POST", "/api/v1/failures/{failure_id}/resolve/"),
    ("POST", "/api/v1/failures/{failure_id}/retry/"),
)


# Said by the framework in words of its own, or only once in a while.
UNSHOWN = {"406", "415", "502"}


def test_every_body_is_shown_by_examples_and_each_is_true() -> None:
    schema = Client().get("/api/v1/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()
    operations = [operation for path in schema["paths"].values() for operation in path.values()]
    bodies = [(status, body) for operation in operations for status, body in operation["responses"].items()]
    bodies += [("sent", operation["requestBody"]) for operation in operations if "requestBody" in operation]

    assert schema["openapi"] == "3.1.1"
    for status, body in bodies:
        [content] = body["content"].values()
        assert bool(content.get("examples")) == (status not in UNSHOWN), (status, content)
        accepts = Draft202012Validator({**content["schema"], "components": schema["components"]})
        for example in content.get("examples", {}).values():
            accepts.validate(example["value"])


def test_every_post_takes_an_idempotency_key_and_where_much_is_at_stake_needs_one() -> None:
    schema = Client().get("/api/v1/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()
    needed = {
        path: [one.get("required", False) for one in found["post"]["parameters"] if one["name"] == "Idempotency-Key"]
        for path, found in schema["paths"].items()
        if "post" in found
    }

    assert needed == {
        path: [not path.endswith(("/extend/", "/cancel/"))] for method, path in OPERATIONS if method == "POST"
    }


def test_the_headers_a_program_must_heed_are_documented() -> None:
    schema = Client().get("/api/v1/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()
    answers = schema["paths"]["/api/v1/orders/"]["post"]["responses"]

    assert list(answers["201"]["headers"]) == ["Idempotent-Replayed"]
    assert [list(answers[status]["headers"]) for status in ("409", "429")] == [["Retry-After"]] * 2


@pytest.fixture
def schema(provider: FakeProvider) -> schemathesis.BaseSchema:
    """Return the schema as the API serves it, with a night to ask about."""
    TicketTypeFactory.create(event=EventFactory.create(slug="noche"), slug="general")
    return served()


@cache
def served() -> schemathesis.BaseSchema:
    """Read the schema from the API: once, for it is the same for every test."""
    return schemathesis.openapi.from_wsgi("/api/v1/schema/", get_wsgi_application())


def test_every_operation_is_tried(schema: schemathesis.BaseSchema) -> None:
    found = {(found.ok().method.upper(), found.ok().path) for found in schema.get_all_operations()}

    assert found == set(OPERATIONS)


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=" ".join)
def test_every_answer_is_documented(schema: schemathesis.BaseSchema, method: str, path: str) -> None:
    chief = User.objects.create_superuser("chief")
    _, key = StaffKey.objects.create_key(name="fuzz", user=chief)

    @settings(
        max_examples=CASES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=schema[path][method].as_strategy())
    def ask(case: schemathesis.Case) -> None:
        # What a schema cannot say (a blank name, a night that is over) is refused too, with a documented 422.
        case.call_and_validate(excluded_checks=NOT_SAID, headers={"Authorization": f"Api-Key {key}"})

    ask()
