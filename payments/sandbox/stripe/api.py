"""The API's door: keys, versions, idempotency, faults, and the headers of every answer."""

import base64
import binascii
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map
from werkzeug.routing import Rule as UrlRule
from werkzeug.wrappers import Request, Response

from payments.sandbox.books import Books, Origin, Work
from payments.sandbox.connection import ConnectionCut
from payments.sandbox.faults import Rule
from payments.sandbox.json_types import Json
from payments.sandbox.stripe import API_VERSION, confirming, errors, expanding, forms, intent_calls, other_calls
from payments.sandbox.stripe.calls import Call, Operation
from payments.sandbox.stripe.errors import ApiError
from payments.sandbox.stripe.idempotency import Kept, Keys, fingerprint, in_use
from payments.sandbox.stripe.parameters import read

OPERATIONS = (*intent_calls.OPERATIONS, *other_calls.OPERATIONS)
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, PUT, PATCH, POST, DELETE",
    "Access-Control-Expose-Headers": "Request-Id, Stripe-Manage-Version, Stripe-Should-Retry",
    "Access-Control-Max-Age": "300",
}
OUTAGE: Json = {"error": {"message": "An unknown error occurred", "type": "api_error"}}
CUT_BEFORE = frozenset({"hang", "reset"})


@dataclass
class Reply:
    """An answer before it is sent."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ask:
    """One request as the door sees it."""

    request: Request
    id: str
    rule: Rule | None
    raw: Json
    key: str

    @property
    def action(self) -> str:
        """Return the trouble this request meets, if any."""
        return self.rule.action if self.rule else ""


class Api:
    """Answer `/v1/*` as Stripe would."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._keys = Keys(books)
        self._map = Map(
            [UrlRule(item.path, methods=[item.method], endpoint=item) for item in OPERATIONS], strict_slashes=False
        )

    def answer(self, request: Request) -> Response:
        """Answer one request and write it down."""
        if request.method == "OPTIONS":
            wanted = request.headers.get("Access-Control-Request-Headers", "Authorization")
            return Response(status=200, headers=CORS | {"Access-Control-Allow-Headers": wanted})
        started, id_ = time.monotonic(), self._books.ids.make("req", 14)
        key = request.headers.get("Idempotency-Key", "") if request.method == "POST" else ""
        rule = self._books.faults.for_request(provider="stripe", method=request.method, path=request.path, key=key)
        status = 0
        try:
            reply = self._reply(request, id_, rule, key)
            status = reply.status
        finally:
            self._books.journal.write(
                "request",
                provider="stripe",
                id=id_,
                method=request.method,
                path=request.path,
                key=key,
                status=status,
                fault=rule.action if rule else "",
                seconds=round(time.monotonic() - started, 3),
            )
        return self._send(request, id_, rule, reply)

    def _reply(self, request: Request, id_: str, rule: Rule | None, key: str) -> Reply:
        pause = pause_of(request)
        try:
            trouble_before(rule, pause, key)
            text = request.get_data(as_text=True) if request.method == "POST" else request.query_string.decode()
            ask = Ask(request, id_, rule, forms.decode(parse_qsl(text, keep_blank_values=True)), key)
            reply = self._run(ask)
        except ApiError as error:
            reply = refused(error)
        if rule and rule.action == "latency":
            pause(rule.seconds)
        if rule and rule.action == "answer_lost":
            raise ConnectionCut("the answer was lost")
        return reply

    def _run(self, ask: Ask) -> Reply:
        is_public = self._authenticate(ask)
        operation, path = self._route(ask.request)
        if is_public and not operation.is_public:
            raise ApiError(
                403,
                "This API call cannot be made with a publishable API key. Please use a secret API key.",
                code="secret_key_required",
            )
        check_version(ask.request)
        if not ask.key:
            return self._execute(ask, operation, path, is_public=is_public)[0]
        self._keys.take(ask.key)
        try:
            return self._once(ask, operation, path, is_public=is_public)
        finally:
            self._keys.give_back(ask.key)

    def _once(self, ask: Ask, operation: Operation, path: dict[str, str], *, is_public: bool) -> Reply:
        print_ = fingerprint(ask.request.method, ask.request.path, ask.raw)
        if kept := self._keys.find(ask.key, print_, ask.request.path):
            headers = {"Idempotent-Replayed": "true", "Original-Request": kept.request_id}
            return Reply(kept.status, kept.body, headers | never_again(kept.status))
        reply, began = self._execute(ask, operation, path, is_public=is_public)
        if began:
            self._keys.keep(ask.key, print_, ask.request.path, Kept(reply.status, reply.body, ask.id))
        return reply

    def _authenticate(self, ask: Ask) -> bool:
        """Return whether the key is a publishable one; raise where there is no key we know."""
        key = key_of(ask.request) or str(ask.raw.get("key", ""))
        config = self._books.config
        if key in config.secret_keys:
            return False
        if key in config.publishable_keys:
            return True
        if not key:
            raise errors.unauthenticated(
                "You did not provide an API key. You need to provide your API key in the Authorization header, using "
                "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
            )
        if "_live_" in key:
            raise errors.unauthenticated("SANDBOX: live keys are never accepted here.")
        raise errors.unauthenticated(f"Invalid API Key provided: {key[:8]}{'*' * 8}{key[-4:]}")

    def _route(self, request: Request) -> tuple[Operation, dict[str, str]]:
        try:
            operation, words = self._map.bind("sandbox").match(request.path, request.method)
            return operation, dict(words)
        except HTTPException:
            self._books.journal.shout(f"no such endpoint: {request.method} {request.path}")
            raise ApiError(404, f"Unrecognized request URL ({request.method}: {request.path}).") from None

    def _execute(self, ask: Ask, operation: Operation, path: dict[str, str], *, is_public: bool) -> tuple[Reply, bool]:
        """Return the answer, and whether execution began: only then is the answer kept for its key."""
        try:
            params = read(ask.raw, operation.shape)
        except ApiError as error:
            if error.error.get("code") == "sandbox_not_built":
                self._books.journal.shout(str(error), method=ask.request.method, path=ask.request.path)
            return refused(error), False
        forced = None
        if ask.rule and ask.action == "decline":
            forced = confirming.forced_refusal(ask.rule.code, ask.rule.decline_code)
        call = Call(params, path, ask.request.path, is_public=is_public, forced_decline=forced)
        self._books.catch_up()
        reply, began = self._perform(ask, operation, call)
        if ask.action == "saved_500" and began:
            return Reply(500, json.dumps(OUTAGE, indent=2)), True
        return reply, began

    def _perform(self, ask: Ask, operation: Operation, call: Call) -> tuple[Reply, bool]:
        refusal: ApiError | None = None
        try:
            with self._books.work(Origin(ask.id, ask.key or None)) as work:
                try:
                    body = operation.handler(work, call)
                    body = expanding.expand(work, body, call.params.get("expand") or [])
                except ApiError as error:
                    if not error.keep_changes:
                        raise
                    refusal = error
        except ApiError as error:
            if error.error.get("code") == "sandbox_not_built":
                self._books.journal.shout(str(error), method=ask.request.method, path=ask.request.path)
            return refused(error), not error.is_validation
        self._deliver_early(work)
        if refusal:
            return refused(refusal), True
        return Reply(200, json.dumps(body, indent=2, ensure_ascii=False)), True

    def _deliver_early(self, work: Work) -> None:
        """Deliver before the API answers, where a fault rule says so."""
        for event in work.announced:
            if self._books.faults.for_delivery("before_answer", event=event["type"]):
                for seq in self._books.deliveries.of_event(event["id"]):
                    self._books.deliveries.attempt(seq)

    def _send(self, request: Request, id_: str, rule: Rule | None, reply: Reply) -> Response:
        body = reply.body
        if rule and rule.action == "truncated":
            body = body[: len(body) // 2]
        elif rule and rule.action == "malformed":
            body = "<html><body>502 Bad Gateway</body></html>"
        headers = CORS | {
            "Content-Type": "application/json",
            "Request-Id": id_,
            "Stripe-Version": request.headers.get("Stripe-Version", API_VERSION),
            "Cache-Control": "no-cache, no-store",
            **reply.headers,
        }
        if key := request.headers.get("Idempotency-Key"):
            headers["Idempotency-Key"] = key
        if rule and rule.action == "slow_body":
            return Response(trickle(body, rule.seconds, pause_of(request)), status=reply.status, headers=headers)
        return Response(body, status=reply.status, headers=headers)


def refused(error: ApiError) -> Reply:
    """Return an error as an answer."""
    return Reply(error.status, json.dumps(error.body, indent=2, ensure_ascii=False), never_again(error.status))


def never_again(status: int) -> dict[str, str]:
    """Say whether the same request may be sent again ("Low-level errors")."""
    if status == 409:
        return {"Stripe-Should-Retry": "true"}
    return {"Stripe-Should-Retry": "false"} if 400 <= status < 500 and status != 429 else {}


def trouble_before(rule: Rule | None, pause: Callable[[float], None], key: str) -> None:
    """Do what goes wrong before anything is executed."""
    if rule is None:
        return
    if rule.action == "hang":
        pause(rule.seconds)
    if rule.action in CUT_BEFORE:
        raise ConnectionCut("the connection was reset")
    if rule.action == "error":
        raise ApiError(rule.status, "An unknown error occurred", type_="api_error")
    if rule.action == "rate_limited":
        raise ApiError(
            429,
            "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
            code="rate_limit",
        )
    if rule.action == "conflict":
        raise in_use(key)


def check_version(request: Request) -> None:
    """Refuse to speak another version of the API than the one built here."""
    version = request.headers.get("Stripe-Version", API_VERSION)
    if version != API_VERSION:
        raise ApiError(400, f"SANDBOX: Stripe-Version {version} is not built; it speaks {API_VERSION}.")


def key_of(request: Request) -> str:
    """Return the API key: a bearer token, or the user name of Basic."""
    scheme, _, word = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return word.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(word).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def pause_of(request: Request) -> Callable[[float], None]:
    """Return how to wait: the adapter of the tests gives up where a client would."""
    pause: Callable[[float], None] = request.environ.get("sandbox.pause", time.sleep)
    return pause


def trickle(body: str, seconds: float, pause: Callable[[float], None]) -> Iterator[bytes]:
    """Send a body in ten pieces."""
    data = body.encode()
    size = max(1, len(data) // 10)
    for start in range(0, len(data), size):
        pause(seconds / 10)
        yield data[start : start + size]
