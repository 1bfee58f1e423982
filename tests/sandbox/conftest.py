"""A sandbox whose every answer and event is held against the SDK's annotations."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import stripe

from payments.sandbox.app import DEFAULT_URL, Application
from payments.sandbox.testing import Sandbox, SandboxAdapter
from tests.sandbox.checker import check


class CheckingAdapter(SandboxAdapter):
    """Hold every answer against the SDK's annotations on its way to the SDK."""

    def __init__(self, app: Application) -> None:
        super().__init__(app)
        self.wrong: list[str] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **words: Any) -> requests.Response:
        response = super().send(request, *args, **words)
        if response.ok and "/v1/" in (request.url or "") and request.method != "OPTIONS":
            try:
                body = json.loads(response.content)
            except ValueError:
                return response
            found = check(body)
            if "pk_test_" in f"{request.url}{request.headers.get('Authorization')}":
                # A browser sees a part of the object, by design.
                found = [wrong for wrong in found if ": missing from" not in wrong]
            self.wrong += found
        return response


@pytest.fixture(scope="session", autouse=True)
def empty_redis() -> None:
    """Need no Redis: the sandbox knows nothing of the product."""


@pytest.fixture(autouse=True)
def plain_static_files() -> None:
    """Need no Django settings either."""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    books = Sandbox()
    checking = CheckingAdapter(books.app)
    books.session.mount(DEFAULT_URL, checking)
    yield books
    assert checking.wrong == []
    for event in books.events():
        assert check(event) == []
    books.close()


@pytest.fixture
def client(sandbox: Sandbox) -> stripe.StripeClient:
    return sandbox.client()
