"""Keys that clients send us: the same key gets the same answer, and the effect happens once.

After the IETF draft "The Idempotency-Key HTTP Header Field". A key is bound to its caller and to
the whole request it came with: nobody reads another's answer by guessing a key.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, ClassVar
from uuid import UUID

from django.db import Error, connection, transaction
from django.db.models import F

from payments.exceptions import PaymentsError
from payments.models import IdempotencyKey, rows
from payments.models.rows import RowMissing, Write

LONGEST = 255
LOWEST_SERVER_ERROR = 500
LOOK = "SELECT id, fingerprint, response_status FROM idempotency_keys WHERE scope = %s AND key = %s"
# Each statement sees what was committed before it: what a twin kept is seen by whoever is given the lock after it.
ASK = f"SELECT pg_try_advisory_lock(%s); {LOOK}"


class KeyMissing(PaymentsError):
    """Send an Idempotency-Key with this request."""

    code: ClassVar[str] = "idempotency_key_missing"
    status: ClassVar[int] = 400


class KeyInvalid(PaymentsError):
    """An Idempotency-Key has 1 to 255 printable characters."""

    code: ClassVar[str] = "idempotency_key_invalid"
    status: ClassVar[int] = 400


class KeyReused(PaymentsError):
    """The Idempotency-Key was used for another request."""

    code: ClassVar[str] = "idempotency_key_reused"
    status: ClassVar[int] = 422


class KeyInUse(PaymentsError):
    """The first request with this Idempotency-Key is still running. Ask again in a moment."""

    code: ClassVar[str] = "idempotency_key_in_use"
    status: ClassVar[int] = 409


@dataclass(frozen=True, slots=True)
class Request:
    """One request as a key is bound to it; `caller` says whose key it is."""

    key: str
    caller: str
    method: str
    path: str
    body: Any  # Any: whatever JSON was sent

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of the method, the path and the body."""
        text = json.dumps([self.method, self.path, self.body], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def lock(self) -> int:
        """Return the number under which PostgreSQL locks the key."""
        digest = hashlib.sha256(f"{self.caller}\0{self.key}".encode()).digest()
        return int.from_bytes(digest[:8], signed=True)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, and whether it is a replay of the first one."""

    status: int
    body: Any  # Any: whatever JSON was answered
    is_replay: bool = False
    headers: dict[str, str] = field(default_factory=dict)


def check(key: str) -> str:
    """Return a key that may be used. Raises KeyMissing, KeyInvalid."""
    if not key:
        raise KeyMissing
    if len(key) > LONGEST or not key.isprintable():
        raise KeyInvalid
    return key


@dataclass(frozen=True, slots=True)
class Known:
    """What a key was sent with before, and whether an answer is kept for it."""

    pk: UUID
    fingerprint: str
    response_status: int | None


Keep = Callable[[Answer], None]
Keeping = Callable[[Answer], Write]


def answer_with_effect(request: Request, act: Callable[[Keeping], Answer], *, now: datetime) -> Answer:
    """Answer a request whose whole effect is one commit, and repeat that answer for its key.

    `act` is given what makes the statement that keeps its answer, to be written in that commit. Twins may run side by
    side: the row's uniqueness takes back all that the later one did, and it gets the first one's answer.

    Raises KeyReused, and what `act` raises.
    """
    if kept := answer_to(request, look(request)):
        return kept
    try:
        return act(lambda answer: keeping(request, answer, now=now))
    except (RowMissing, PaymentsError):
        if kept := answer_to(request, look(request)):
            return kept
        raise


def look(request: Request) -> Known | None:
    """Return what is known of a key."""
    found = rows.ask(LOOK, request.caller, request.key)
    return Known(*found[0]) if found else None


def answer_to(request: Request, known: Known | None) -> Answer | None:
    """Return the answer that is kept for a request, if one is. Raises KeyReused."""
    if known is None:
        return None
    if known.fingerprint != request.fingerprint:
        count(known, mismatches=1)
        raise KeyReused
    if known.response_status is None:
        return None
    count(known, replays=1)
    return replay(known)


def answer_once(request: Request, act: Callable[[Keep], Answer], *, now: datetime) -> Answer:
    """Answer a request once, alone with its key, and repeat that answer: for what asks a provider in between.

    `act` is given a step that keeps its answer; called inside the transaction of the effect, a
    crash leaves both or neither. An answer that is not kept (an error of ours, or one that holds a
    secret) leaves the key free: the act itself must then be harmless to repeat.

    Raises KeyReused, KeyInUse.
    """
    kept: list[Answer] = []

    def keep_this(answer: Answer) -> None:
        keep(request, answer, now=now)
        kept.append(answer)

    with alone(request) as known:
        if before := answer_to(request, known):
            return before
        answer = act(keep_this)
        if not kept and not known:
            keep(request, None, now=now)
        return answer


@contextmanager
def alone(request: Request) -> Iterator[Known | None]:
    """Hold a key for as long as its request runs, and give what is known of it. Raises KeyInUse.

    The lock is the connection's own: it ends with the process, however that ends.
    """
    try:
        is_mine, known = ask(request)
    except Error:
        let_go(request)
        raise
    if not is_mine:
        raise KeyInUse
    try:
        yield known
    finally:
        let_go(request)


def ask(request: Request) -> tuple[bool, Known | None]:
    """Try to take a key's lock; say whether it was free, and what is known of the key."""
    with connection.cursor() as cursor:
        cursor.execute(ASK, [request.lock, request.caller, request.key])
        (is_mine,) = cursor.fetchone()
        cursor.nextset()
        found = cursor.fetchone()
    return is_mine, Known(*found) if found else None


def let_go(request: Request) -> None:
    """Give a key's lock back; where the connection is lost, so is the lock."""
    with suppress(Error), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [request.lock])


def keep(request: Request, answer: Answer | None, *, now: datetime) -> None:
    """Keep the first answer for good, or, without one, what the key was sent with; our own errors are not kept.

    Raises KeyInUse, and so takes the effect back, where another request was answered meanwhile.
    """
    if answer and answer.status >= LOWEST_SERVER_ERROR:
        return
    try:
        rows.write(keeping(request, answer, now=now))
    except RowMissing:
        raise KeyInUse from None


def keeping(request: Request, answer: Answer | None, *, now: datetime) -> Write:
    """Return the statement that keeps an answer; where one is kept already, its row is not there to be written."""
    row = IdempotencyKey(
        scope=request.caller,
        key=request.key,
        method=request.method,
        path=request.path[:255],
        fingerprint=request.fingerprint,
        created_at=now,
    )
    if answer:
        row.response_status, row.response_body, row.response_headers = answer.status, answer.body, answer.headers
    return Write(upsert(), rows.inserted(row).values)


@cache
def upsert() -> str:
    """Write the statement that keeps an answer where none is kept."""
    names = ("response_status", "response_body", "response_headers")
    changes = ", ".join(f"{name} = excluded.{name}" for name in names)
    return (
        f"{rows.insertion(IdempotencyKey)} ON CONFLICT (scope, key) DO UPDATE SET {changes}"
        " WHERE idempotency_keys.response_status IS NULL"
    )


def replay(known: Known) -> Answer:
    """Return the answer that is kept."""
    row = IdempotencyKey.objects.get(pk=known.pk)
    return Answer(row.response_status or 0, row.response_body, is_replay=True, headers=row.response_headers)


@transaction.atomic(durable=True)
def count(known: Known, *, replays: int = 0, mismatches: int = 0) -> None:
    """Count what a key was sent for after its first request, for the console to show."""
    IdempotencyKey.objects.filter(pk=known.pk).update(
        replays=F("replays") + replays, mismatches=F("mismatches") + mismatches
    )
