"""Who is at it: carried along with whatever is done, and written by the triggers into every record of it.

It travels in the statement itself, before the change whose record is to have it: no round trip of its own, and no
more than that statement's transaction. Where nobody is named, records name nobody.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import structlog
from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

SETTING = "pghistory.context_metadata"
GUEST, STAFF, KEY, PROVIDER, TASK, COMMAND = "guest", "staff", "key", "provider", "task", "command"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody or something that acts, and by what: a button, a request, an event, a task, a command."""

    by: str
    did: str = ""
    user: int | None = None
    event: str = ""
    log: str = ""

    def as_json(self) -> str:
        """Write it without what is empty, with the id by which the log knows the request or task."""
        bound = structlog.contextvars.get_contextvars()
        said = {**asdict(self), "log": self.log or bound.get("request_id") or bound.get("task_id") or ""}
        return json.dumps({name: value for name, value in said.items() if value not in ("", None)})


Find = Callable[[], Actor]
_at_it: ContextVar[Find | None] = ContextVar("at_it", default=None)


def begin(find: Find) -> Token[Find | None]:
    """Have this thread's changes carry an actor from here, found when the first of them is made."""
    return _at_it.set(cache(find))


def end(token: Token[Find | None]) -> None:
    """Have them carry again whom they carried before."""
    _at_it.reset(token)


@contextmanager
def acting(by: str, did: str = "", *, event: str = "") -> Iterator[None]:
    """Have all that is done inside carry this actor."""
    token = begin(lambda: Actor(by, did, event=event))
    try:
        yield
    finally:
        end(token)


def words() -> str:
    """Return what records are told of whoever is at it now; empty where nobody is named."""
    find = _at_it.get()
    return find().as_json() if find else ""


def watch_connections() -> None:
    """Have every connection carry actors, in whichever process."""
    connection_created.connect(carry_on, dispatch_uid="actors")


def carry_on(sender: object, connection: BaseDatabaseWrapper, **_: Any) -> None:  # Any: Django's signal
    """Have a connection carry actors: once, however often it is made anew."""
    if carry not in connection.execute_wrappers:
        connection.execute_wrappers.append(carry)


def carry(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Name the actor in the statement that changes something of which records are kept; Django's execute wrapper."""
    find = _at_it.get()
    names_it = getattr(context["cursor"], "names_its_actor", False)
    if find is None or many or names_it or not changes_recorded(sql):
        return execute(sql, params, many, context)
    statement = sql.replace("%", "%%") if params is None else sql
    named = f"SELECT set_config('{SETTING}', %s, true); {statement}"
    result = execute(named, (find().as_json(), *(params or ())), many, context)
    while result.nextset():
        pass  # the last one is the statement's own
    return result


def changes_recorded(sql: str) -> bool:
    """Say whether a statement changes a table of which records are kept."""
    return recorded_change().search(sql) is not None


@cache
def recorded_change() -> re.Pattern[str]:
    """Return what such a statement has in it."""
    records = (model for model in apps.get_models() if hasattr(model, "pgh_tracked_model"))
    tables = [str(model.pgh_tracked_model._meta.db_table) for model in records]
    return re.compile(rf'\b(?:INSERT INTO|UPDATE) "?(?:{"|".join(sorted(tables))})\b', re.IGNORECASE)
