"""The one policy for work that must be done: a first try, five more with backoff, then a person.

PostgreSQL holds the state of every try; Celery only wakes. A try is counted and leased in a
transaction of its own before the work begins, so that work which kills its process still runs out
of tries, and a killed worker's work comes back when its lease ends.
"""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from payments import messenger, steps
from payments.exceptions import PaymentsError
from payments.messenger import Errand
from payments.models import Retryable, rows
from payments.models.retryable import is_due
from payments.models.rows import Write
from payments.wake import publish

logger = logging.getLogger(__name__)

SWEEP_BATCH = 500
ERROR_LENGTH = 2000
NO_DELAY = timedelta(0)


class NotYet(Exception):
    """Something has not come that a piece of work waits for."""


# A no of our own, what is still to come, or somebody's silence: mail, network and providers raise OSErrors.
PASSING = (PaymentsError, NotYet, OSError)


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of work: how it is done, and what follows when its tries are used up.

    - `perform` is an entry or a crossing that calls `finish` in the transaction of its effect.
    - `give_up` is a step in the same transaction as the last failure.
    - `at_once` pieces may go in one message, one after the other: for what is quick and asks nobody else.
    """

    kind: str
    model: type[Retryable]
    queue: str
    perform: Callable[[UUID, datetime], None]
    give_up: Callable[[Any, datetime], None]  # Any: each kind takes its own model
    at_once: int = 1


_kinds: dict[str, Work] = {}


def register(work: Work) -> None:
    """Make a kind of work known; called once by its app when Django starts."""
    _kinds[work.kind] = work


def wake_for(kind: str, pk: UUID) -> None:
    """Wake a worker for this work once the transaction at hand has committed; outside of any, at once."""
    work = _kinds[kind]
    errand = Errand(kind, pk, work.queue, work.at_once)
    transaction.on_commit(partial(messenger.take, errand), robust=True)


def attempt(kind: str, pk: UUID, *, now: datetime) -> bool:
    """Try one piece of work now, if it is due and free; say whether this try did it."""
    work = _kinds[kind]
    steps.begin()
    number = claim(work, pk, now=now)
    if number is None:
        return False
    if number > tries_allowed():
        record_failure(work, pk, "The worker died during every try.", now=now)
        return False
    try:
        work.perform(pk, now)
    except Exception as error:  # noqa: BLE001 (whatever it was, it is kept on the row and tried again)
        tell_of(error, kind, pk, number)
        record_failure(work, pk, f"{type(error).__name__}: {error}", now=now)
        return False
    return True


def tell_of(error: Exception, kind: str, pk: UUID, attempts: int) -> None:
    """Log why a try failed: what may pass by itself as a warning, anything else as an error of ours."""
    if isinstance(error, PASSING):
        logger.warning("%s %s failed at try %d: %s", kind, pk, attempts, error)
    else:
        logger.error("%s %s failed at try %d", kind, pk, attempts, exc_info=error)


def claim(work: Work, pk: UUID, *, now: datetime) -> int | None:
    """Take due work under a lease, and commit that; return the number of this try, None where there is nothing."""
    lease = now + timedelta(seconds=settings.LEASE_SECONDS)
    changes = {"locked_until": lease, **work.model.on_claim(now)}
    write = Write(claiming(work.model, tuple(changes)), (*changes.values(), pk, now, now))
    with rows.alone():
        found = rows.write_back(write, "attempts")
    return found[0][0] if found else None


@cache
def claiming(model: type[Retryable], names: tuple[str, ...]) -> str:
    """Write the statement that counts a try, and sets these fields, of what is due as `is_due` says."""
    changes = "".join(f", {rows.column(model._meta.get_field(name))} = %s" for name in names)
    due = "next_attempt_at <= %s AND (locked_until IS NULL OR locked_until <= %s)"
    return f"UPDATE {rows.table(model)} SET attempts = attempts + 1{changes} WHERE id = %s AND {due}"  # noqa: S608 (our own names)


def finish(row: Retryable, *, now: datetime, done: str) -> None:
    """Say, inside the transaction of the effect, that nothing more is owed; stamp the field `done`."""
    rows.write(finished(row, now=now, done=done))


def finished(row: Retryable, *, now: datetime, done: str) -> Write:
    """Return the statement that says so of a row that is locked."""
    row.next_attempt_at = None
    row.locked_until = None
    setattr(row, done, now)
    return rows.updated(row, "next_attempt_at", "locked_until", done)


@transaction.atomic(durable=True)
def record_failure(work: Work, pk: UUID, error: str, *, now: datetime) -> None:
    """Keep why a try failed, and either set the next one or give up."""
    row = work.model._default_manager.select_for_update().get(pk=pk)
    if row.next_attempt_at is None:
        return  # somebody else finished it meanwhile
    delay = delay_after(row.attempts)
    row.next_attempt_at = None if delay is None else now + delay
    row.locked_until = None
    row.last_error = error.replace("\x00", "")[:ERROR_LENGTH]
    changes = work.model.on_failure(now)
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(update_fields=["next_attempt_at", "locked_until", "last_error", *changes])
    if delay is None:
        work.give_up(row, now)


def tries_allowed() -> int:
    """Return how many tries there are in all: the first and one for each delay."""
    return 1 + len(settings.RETRY_DELAYS_SECONDS)


def delay_after(attempts: int) -> timedelta | None:
    """Return how long to wait after this many tries, or None where they are used up.

    Full jitter around the policy's mean, so that work which failed together does not return together.
    """
    if attempts >= tries_allowed():
        return None
    mean = settings.RETRY_DELAYS_SECONDS[max(attempts, 1) - 1]
    return timedelta(seconds=random.uniform(0, 2 * mean))  # noqa: S311 (spread, not secrecy)


@transaction.atomic(durable=True)
def start_afresh(kind: str, pk: UUID, *, now: datetime, changes: dict[str, object] | None = None) -> bool:
    """Give work a new set of tries from now on; say whether there is such work."""
    work = _kinds[kind]
    found = work.model._default_manager.filter(pk=pk)
    afresh = {"attempts": 0, "next_attempt_at": now, "locked_until": None, "last_error": "", **(changes or {})}
    if not found.update(**afresh):
        return False
    wake_for(kind, pk)
    return True


def sweep(*, now: datetime) -> int:
    """Wake workers for everything that is due; return how many pieces.

    Two sweepers at once send at most one message too many each: a claim takes work once.
    """
    return sum(sweep_kind(work, now=now) for work in _kinds.values())


def sweep_kind(work: Work, *, now: datetime) -> int:
    """Wake workers for one kind's due work, leaving out rows another sweeper has in hand."""
    with transaction.atomic(durable=True):
        due = (
            work.model._default_manager.filter(is_due(now))
            .select_for_update(skip_locked=True)
            .order_by("next_attempt_at")
        )
        found = list(due.values_list("pk", flat=True)[:SWEEP_BATCH])
    for first in range(0, len(found), work.at_once):
        if not publish(work.kind, *found[first : first + work.at_once], queue=work.queue):
            return first  # the broker is away; the next sweep asks again
    return len(found)


def run_due(*, now: datetime) -> int:
    """Do everything that is due in this process, without a broker; return how many were done."""
    done = 0
    for work in _kinds.values():
        for pk in list(
            work.model._default_manager.filter(is_due(now)).order_by("next_attempt_at").values_list("pk", flat=True)
        ):
            done += attempt(work.kind, pk, now=now)
    return done
