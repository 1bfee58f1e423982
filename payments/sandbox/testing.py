"""The sandbox for tests: no port, no thread; the real SDK speaks to it in this process."""

import io
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests
import stripe
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse
from werkzeug.test import EnvironBuilder, run_wsgi_app

from payments.sandbox.app import DEFAULT_URL, Application, create_app
from payments.sandbox.connection import ConnectionCut, TookTooLong
from payments.sandbox.deliveries import Post
from payments.sandbox.faults import Faults
from payments.sandbox.json_types import Json
from payments.sandbox.stripe import actors
from payments.sandbox.stripe.errors import ApiError

WEBHOOK_URL = "http://testserver/webhooks/stripe/"


class SandboxAdapter(BaseAdapter):
    """Carry a `requests` request to a WSGI application in this process."""

    def __init__(self, app: Application) -> None:
        super().__init__()
        self._app = app

    def send(  # noqa: PLR0917 - as requests declares it
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,  # Any: requests allows a number, a pair or its own object
        verify: Any = True,  # Any: as requests declares it
        cert: Any = None,  # Any: as requests declares it
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Call the application, and turn a cut connection into what `requests` would raise."""
        environ = environ_of(request)
        environ["sandbox.pause"] = patience(timeout)
        try:
            chunks, status, headers = run_wsgi_app(self._app, environ, buffered=True)
            body = b"".join(chunks)
        except TookTooLong as error:
            raise requests.exceptions.ReadTimeout(str(error), request=request) from error
        except ConnectionCut as error:
            raise requests.exceptions.ConnectionError(str(error), request=request) from error
        return response_of(request, status, list(headers), body)

    def close(self) -> None:
        """Have nothing to close."""


def environ_of(request: requests.PreparedRequest) -> dict[str, Any]:  # Any: a WSGI environ
    """Return the WSGI environ of a prepared request."""
    parts = urlsplit(request.url or "")
    body = request.body or b""
    builder = EnvironBuilder(
        path=parts.path,
        query_string=parts.query,
        base_url=f"{parts.scheme}://{parts.netloc}",
        method=request.method or "GET",
        headers=list(request.headers.items()),
        data=body.encode() if isinstance(body, str) else body,
    )
    try:
        return builder.get_environ()
    finally:
        builder.close()


def patience(timeout: Any) -> Callable[[float], None]:  # Any: requests allows a number, a pair or its own object
    """Return a wait that ends at once where a client with this time-out would have given up."""
    limit = timeout[1] if isinstance(timeout, tuple) else timeout

    def pause(seconds: float) -> None:
        if limit is not None and seconds >= limit:
            raise TookTooLong(f"no answer within {limit} seconds")
        time.sleep(seconds)

    return pause


def response_of(
    request: requests.PreparedRequest, status: str, headers: Sequence[tuple[str, str]], body: bytes
) -> requests.Response:
    """Return a `requests` response."""
    code, _, reason = status.partition(" ")
    raw = HTTPResponse(
        body=io.BytesIO(body), headers=dict(headers), status=int(code), reason=reason, preload_content=False
    )
    response = requests.Response()
    response.status_code = int(code)
    response.reason = reason
    response.headers.update(dict(headers))
    response.raw = raw
    response.url = request.url or ""
    response.request = request
    return response


class Sandbox:
    """A sandbox in the hand of a test."""

    def __init__(
        self,
        *,
        database: str = ":memory:",
        faults: bool = True,
        url: str = WEBHOOK_URL,
        secrets: Sequence[str] = ("whsec_maguey",),
        clock: Callable[[], float] | None = None,
        seed: int = 1,
        post: Post | None = None,
        dashboard_methods: Sequence[str] = ("card", "link", "us_bank_account"),
    ) -> None:
        self.app = create_app(
            database,
            faults=faults,
            webhook_endpoints=[(url, secrets)],
            clock=clock,
            seed=seed,
            dashboard_methods=dashboard_methods,
        )
        self.books = self.app.books
        # Nothing leaves the process unless a test says where to.
        self.books.deliveries.post = post
        self.session = requests.Session()
        self.session.mount(DEFAULT_URL, SandboxAdapter(self.app))

    def client(
        self, api_key: str = "sk_test_maguey", *, max_network_retries: int = 0, timeout: float = 10.0
    ) -> stripe.StripeClient:
        """Return a Stripe client of the real SDK that speaks to this sandbox."""
        return stripe.StripeClient(
            api_key,
            base_addresses={"api": DEFAULT_URL},
            max_network_retries=max_network_retries,
            http_client=stripe.RequestsClient(session=self.session, timeout=timeout),
        )

    @property
    def faults(self) -> Faults:
        """Return the fault rules: `sandbox.faults.add(action="answer_lost", path="/v1/refunds")`."""
        return self.books.faults

    def pay(self, id_: str, card: str = "pm_card_visa") -> Json:
        """Pay an intent or a session as a guest in a browser would; return the intent as it stands.

        A decline does not raise: the intent then says `requires_payment_method` and why.
        """
        try:
            return actors.pay(self.books, id_, card)
        except ApiError as error:
            if not error.keep_changes:
                raise
        return self.intent_of(id_)

    def intent_of(self, id_: str) -> Json:
        """Return the payment intent of a session, or the one named."""
        found = self.books.store.find(id_)
        if found and found.kind == "checkout.session":
            found = self.books.store.find(found.body["payment_intent"])
        if found is None:
            raise LookupError(id_)
        return found.body

    def complete_3ds(self, intent_id: str, *, passed: bool = True) -> Json:
        """Answer 3-D Secure for the guest; return the intent as it stands."""
        return actors.authenticate(self.books, intent_id, passed=passed)

    def dispute(self, id_: str, *, reason: str = "fraudulent", is_inquiry: bool = False) -> Json:
        """Dispute the charge of an intent, or a charge."""
        return actors.dispute(self.books, id_, reason=reason, is_inquiry=is_inquiry)

    def close_dispute(self, dispute_id: str, *, won: bool) -> Json:
        """Decide a dispute as the bank."""
        return actors.close_dispute(self.books, dispute_id, won=won)

    def fail_refund(self, refund_id: str, *, reason: str = "expired_or_canceled_card") -> Json:
        """Let a refund fail, also after it succeeded."""
        return actors.fail_refund(self.books, refund_id, reason=reason)

    def events(self, type_: str = "") -> list[Json]:
        """Return the events so far, oldest first, of one type or of all."""
        rows = self.books.store.rows("SELECT id FROM objects WHERE kind = 'event' ORDER BY seq")
        found = [record.body for row in rows if (record := self.books.store.find(row["id"]))]
        return [event for event in found if type_ in ("", event["type"])]

    def deliveries(self) -> list[Json]:
        """Return every delivery: `event`, `type`, `url`, `attempts`, `due_at`, `state`."""
        return self.books.deliveries.list()

    def letter(self, event_id: str) -> tuple[bytes, dict[str, str]]:
        """Return one attempt's signed body and headers, without delivering it."""
        found = self.books.store.find(event_id, "event")
        if found is None:
            raise LookupError(event_id)
        return self.books.deliveries.letter(found.body, self.books.deliveries.endpoints[0].url)

    def drain(self, post: Post | None = None) -> int:
        """Deliver what is due until all is quiet, through `post(url, body, headers) -> status`."""
        return self.books.deliver_due(post)

    def resend(self, event_id: str) -> None:
        """Send an event once more, whatever became of it before."""
        self.books.deliveries.resend(event_id)

    def advance(self, seconds: float) -> None:
        """Move sandbox time on and do what it makes due."""
        self.books.clock.advance(seconds)
        self.books.catch_up()

    def log(self) -> list[Json]:
        """Return every request and every delivery attempt."""
        return self.books.journal.read()

    def reset(self) -> None:
        """Begin again."""
        self.books.reset()

    def close(self) -> None:
        """Close the books."""
        self.session.close()
        self.books.store.close()
