"""The sandbox as one WSGI application."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from payments.sandbox.books import Books
from payments.sandbox.clock import Clock
from payments.sandbox.config import Config, Endpoint
from payments.sandbox.control import Control
from payments.sandbox.store import Store
from payments.sandbox.stripe import provider as stripe_provider

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

DEFAULT_URL = "http://127.0.0.1:8901"


class Application:
    """Send each request to its provider, or to the control room where faults are allowed."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self._control = Control(books) if books.config.faults else None
        self._stripe = stripe_provider.Provider(books)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one WSGI request."""
        return self.answer(Request(environ))(environ, start_response)

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        if request.path == "/_sandbox" or request.path.startswith("/_sandbox/"):
            if self._control is None:
                return Response("SANDBOX: start with --faults for this.\n", status=404, mimetype="text/plain")
            return self._control.answer(request)
        return self._stripe.answer(request)


def create_app(
    database: str = ":memory:",
    *,
    faults: bool = False,
    webhook_endpoints: Sequence[tuple[str, Sequence[str]]] = (),
    clock: Callable[[], float] | None = None,
    public_url: str = DEFAULT_URL,
    secret_keys: Sequence[str] = ("sk_test_maguey",),
    publishable_keys: Sequence[str] = ("pk_test_maguey",),
    dashboard_methods: Sequence[str] = ("card", "link", "us_bank_account"),
    retry_speed: float = 1.0,
    disorder_seconds: float = 0.0,
    seed: int | None = None,
) -> Application:
    """Make a sandbox with books of its own."""
    config = Config(
        secret_keys=tuple(secret_keys),
        publishable_keys=tuple(publishable_keys),
        endpoints=tuple(Endpoint(url, tuple(secrets)) for url, secrets in webhook_endpoints),
        faults=faults,
        dashboard_methods=tuple(dashboard_methods),
        retry_speed=retry_speed,
        disorder_seconds=disorder_seconds,
        public_url=public_url.rstrip("/"),
        seed=seed,
    )
    return Application(Books(config, Store(database), Clock(clock)))
