"""The one door to a provider's writes: a key committed first, one effect however often it is asked."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import Literal, Protocol, TypeVar

from django.db import transaction

from payments.exceptions import GatewayRefused, GatewayUnavailable, KeyMismatch
from payments.models import ProviderCall, rows
from payments.models.rows import Write

State = ProviderCall.State
# Every operation there is, so that a list of them need not look for them in all the rows.
Operation = Literal["intent_create", "intent_cancel", "session_create", "session_expire", "refund"]
# Stripe keeps a key for at least 24 hours ("Idempotent requests"); an hour less, for clocks that differ.
KEYS_LAST = timedelta(hours=23)
NOTE = """
UPDATE stripe_idempotency_keys
SET state = %s, uses = uses + 1, mismatches = mismatches + %s, last_used_at = %s,
    resource_id = coalesce(nullif(%s, ''), resource_id)
WHERE id = %s
"""


class Resource(Protocol):
    """Anything a provider made or changed."""

    @property
    def id(self) -> str:
        """Return the provider's id of it."""


R = TypeVar("R", bound=Resource)


def new_call(operation_type: Operation, operation_id: str, *, now: datetime) -> ProviderCall:
    """Make the row of an operation, with the key that will be its own; the caller saves it."""
    return ProviderCall(
        operation_type=operation_type,
        operation_id=operation_id,
        key=f"{operation_type}:{operation_id}:{uuid.uuid4()}",
        created_at=now,
        last_used_at=now,
    )


def send(
    operation_type: Operation,
    operation_id: str,
    request: Callable[[str], R],
    *,
    find: Callable[[], R | None] = lambda: None,
    now: datetime,
) -> R:
    """Ask the provider under this operation's own key, outside any transaction.

    Once the provider may have forgotten the key, it would take a repeat for something new: then `find`
    looks first for what the operation made there.

    Raises GatewayUnavailable where the outcome is unknown: ask again, and only through here.
    Raises GatewayRefused where nothing happened.
    """
    call = commit_promise(operation_type, operation_id, now=now)
    if is_forgotten(call, now=now) and (found := find()):
        note(call, State.SUCCEEDED, now=now, resource_id=found.id)
        return found
    try:
        resource = request(call.key)
    except KeyMismatch:
        note(call, State.UNKNOWN, now=now, mismatches=1)
        raise
    except GatewayUnavailable:
        note(call, State.UNKNOWN, now=now)
        raise
    except GatewayRefused:
        note(call, State.FAILED, now=now)
        raise
    note(call, State.SUCCEEDED, now=now, resource_id=resource.id)
    return resource


def attempt(operation_type: Operation, stable_id: str) -> str:
    """Name the next attempt at something that may be asked anew once an attempt has failed for good."""
    failed = ProviderCall.objects.filter(operation_type=operation_type, state=State.FAILED)
    number = failed.filter(operation_id__startswith=stable_id).count()
    return f"{stable_id}-{number + 1}" if number else stable_id


@transaction.atomic(durable=True)
def give_up(operation_type: Operation, operation_id: str) -> None:
    """Call an attempt failed whose answer will always be an error: what became of it was read."""
    ProviderCall.objects.filter(operation_type=operation_type, operation_id=operation_id).update(state=State.FAILED)


def is_forgotten(call: ProviderCall, *, now: datetime) -> bool:
    """Say whether the provider may know nothing of a key any more, whatever we last heard of it.

    A refusal is no proof that nothing happened: the answer to an earlier use may have been lost.
    """
    return call.created_at < now - KEYS_LAST


def commit_promise(operation_type: Operation, operation_id: str, *, now: datetime) -> ProviderCall:
    """Return the key of this operation, made once, committed before the first use of it and the same ever after."""
    asked = (ProviderCall, "operation_type = %s AND operation_id = %s", operation_type, operation_id)
    with rows.alone():  # never inside a transaction, which would hold its locks for as long as the provider takes
        known = rows.find(*asked)
    if not known:
        call = new_call(operation_type, operation_id, now=now)
        rows.commit(Write(insertion(), rows.inserted(call).values, is_needed=False))
        known = rows.find(*asked)  # another's, where two come at once
    return known[0]


@cache
def insertion() -> str:
    """Write the statement that keeps an operation's key, where it has none."""
    return f"{rows.insertion(ProviderCall)} ON CONFLICT (operation_type, operation_id) DO NOTHING"


def note(
    call: ProviderCall, state: ProviderCall.State, *, now: datetime, resource_id: str = "", mismatches: int = 0
) -> None:
    """Keep and commit what became of one use of the key."""
    rows.commit(Write(NOTE, (state.value, mismatches, now, resource_id, call.pk)))
