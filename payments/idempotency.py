"""Keys that clients send us: the same key gets the same answer, and the effect happens once.

After the IETF draft "The Idempotency-Key HTTP Header Field". A key is bound to its caller and to
the whole request it came with: nobody reads another's answer by guessing a key.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import F

from payments.exceptions import PaymentsError
from payments.models import IdempotencyKey

LONGEST = 255
# A request that outlives its lease leaves nothing: short, so that a dead process keeps no guest waiting for long.
LEASE = timedelta(seconds=15)
LOWEST_SERVER_ERROR = 500


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


Keep = Callable[[Answer], None]


def answer_once(request: Request, act: Callable[[Keep], Answer], *, now: datetime) -> Answer:
    """Answer a request once, and repeat that answer for its key.

    `act` is given a step that keeps its answer; called inside the transaction of the effect, a
    crash leaves both or neither. An answer that is not kept (an error of ours, or one that holds a
    secret) leaves the key free: the act itself must then be harmless to repeat.

    Raises KeyReused, KeyInUse.
    """
    try:
        row, is_mine = claim(request, now=now)
    except KeyReused:
        count(request, mismatches=1)
        raise
    if not is_mine:
        count(request, replays=1)
        return Answer(row.response_status or 0, row.response_body, is_replay=True, headers=row.response_headers)
    try:
        return act(partial(keep, row))
    finally:
        release(row)


@transaction.atomic(durable=True)
def claim(request: Request, *, now: datetime) -> tuple[IdempotencyKey, bool]:
    """Take a key under a lease, or find what became of it. Raises KeyReused, KeyInUse."""
    fresh = IdempotencyKey(
        scope=request.caller,
        key=request.key,
        method=request.method,
        path=request.path[:255],
        fingerprint=request.fingerprint,
        locked_until=now + LEASE,
        created_at=now,
    )
    IdempotencyKey.objects.bulk_create([fresh], ignore_conflicts=True)
    row = IdempotencyKey.objects.select_for_update().get(scope=request.caller, key=request.key)
    if row.fingerprint != request.fingerprint:
        raise KeyReused
    if row.pk == fresh.pk:
        return row, True
    if row.response_status is not None:
        return row, False
    if row.locked_until and row.locked_until > now:
        raise KeyInUse
    row.locked_until = now + LEASE
    row.save(update_fields=["locked_until"])
    return row, True


@transaction.atomic(durable=True)
def count(request: Request, *, replays: int = 0, mismatches: int = 0) -> None:
    """Count what a key was sent for after its first request, for the console to show."""
    IdempotencyKey.objects.filter(scope=request.caller, key=request.key).update(
        replays=F("replays") + replays, mismatches=F("mismatches") + mismatches
    )


@transaction.atomic(savepoint=False)
def keep(row: IdempotencyKey, answer: Answer) -> None:
    """Keep the first answer for good; one of our own errors is not kept.

    Raises KeyInUse, and so takes the effect back, where the lease has gone to another request meanwhile.
    """
    if answer.status >= LOWEST_SERVER_ERROR:
        return
    mine = IdempotencyKey.objects.filter(pk=row.pk, locked_until=row.locked_until)
    kept = {"response_status": answer.status, "response_body": answer.body, "response_headers": answer.headers}
    if not mine.update(**kept, locked_until=None):
        raise KeyInUse


@transaction.atomic(durable=True)
def release(row: IdempotencyKey) -> None:
    """Give the lease back; a key with no kept answer may be tried again at once."""
    mine = IdempotencyKey.objects.filter(pk=row.pk, response_status=None, locked_until=row.locked_until)
    mine.update(locked_until=None)
