"""Who acts, said to PostgreSQL with each statement that touches failures: the service, one person, or nobody.

The row-level security of `payment_failures` reads `maguey.actor` and `maguey.user_id`. Both are set in front of the
statement itself, in one message to the server, so they cost no round trip, are gone with the transaction and can
reach nobody else's over a connection that is used again. Whoever does not say who they are sees no row.

Workers are the service by their role, which is theirs alone; in the web's processes each step that keeps failures
says so itself.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

HELD = "payment_failures"


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever acts, in the words of the policies."""

    name: str
    user_id: int | None = None

    def words(self) -> str:
        """Write what the server is told; nothing in it was typed by anybody."""
        user_id = "" if self.user_id is None else int(self.user_id)
        return f"SET LOCAL maguey.actor TO '{self.name}'; SET LOCAL maguey.user_id TO '{user_id}'; "


NOBODY = Actor("")
SERVICE = Actor("service")

_acting = ContextVar("identity", default=NOBODY)


def person(user_id: int) -> Actor:
    """Return one person of the console, who acts within the nights they run."""
    return Actor("owner", user_id)


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Act as somebody for a while, and as whoever it was before from then on."""
    before = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(before)


def become(actor: Actor) -> None:
    """Act as somebody until the `acting` around this ends: a request, once it is known whose it is."""
    _acting.set(actor)


def watch_connections() -> None:
    """Look at every statement of every connection, in the processes whose role says too little."""
    connection_created.connect(watch, dispatch_uid="identity")


def watch(sender: object, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:  # Any: Django's signal
    """Look at every statement of a connection, whoever else does; those who do so for a while stand behind."""
    if settings.DATABASE_ROLE == "web" and introduce not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, introduce)


def introduce(
    execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]
) -> Any:  # Any: Django's own signature
    """Say who acts before a statement that touches failures."""
    if HELD not in str(sql):
        return execute(sql, params, many, context)
    if many or getattr(context["cursor"], "name", None) or not isinstance(sql, str):
        return introduce_apart(execute, sql, params, many, context)
    answer = execute(_acting.get().words() + sql, params, many, context)
    while context["cursor"].nextset():  # past the answers to what was said in front
        pass
    return answer


def introduce_apart(
    execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]
) -> Any:  # Any: Django's own signature
    """Say who acts in a statement of its own, where it cannot stand in front: a server's cursor, or many at once."""
    with transaction.atomic(using=context["connection"].alias, savepoint=False):
        with context["connection"].cursor() as cursor:
            cursor.execute(_acting.get().words())
        return execute(sql, params, many, context)
