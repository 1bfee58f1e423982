"""The API held to its own schema by machine-made requests: no 5xx, no answer it does not document."""

import os

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, given, settings
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


@pytest.fixture
def schema(provider: FakeProvider) -> schemathesis.BaseSchema:
    """Return the schema as the API serves it, with a night to ask about."""
    TicketTypeFactory.create(event=EventFactory.create(slug="noche"), slug="general")
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
