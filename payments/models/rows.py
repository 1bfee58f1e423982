"""Rows read and written by statements that are made once: for the few places where every millisecond counts.

Several rows go to the server in one statement, so in one message; docs/performance.md says what that buys.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from django.db import IntegrityError, connection, models, transaction
from django.db.backends.postgresql.base import ServerBindingCursor

from payments import actors

Values = tuple[Any, ...]  # Any: whatever columns hold
MISSING = "23M01"  # what the database's function `insist` raises
# Who is at it is said before any record is made of it: the triggers that make them run after the last row.
SAY_WHO = f"set_config('{actors.SETTING}', %s, true)"
M = TypeVar("M", bound=models.Model)


class Prepared(ServerBindingCursor):
    """A cursor whose statements the server plans once for each connection; Django's own send each as plain text."""

    names_its_actor = True  # such a statement goes alone: nothing can be said in front of it


@dataclass(frozen=True, slots=True)
class Write:
    """A row to be written: its statement, and the values that go into it; most are needed, some may find no row."""

    sql: str
    values: Values
    is_needed: bool = True

    @property
    def part(self) -> str:
        """Return it as it stands within a statement that writes several: one answer for each row."""
        return f"{self.sql} RETURNING ''"


class Look(Write):
    """A row to be locked and not written."""

    @property
    def part(self) -> str:
        """Return it as it stands within a statement: its own answers are enough."""
        return self.sql


class RowMissing(IntegrityError):
    """A row that was needed was not there to be written, so nothing was."""

    def __init__(self, write: Write) -> None:
        super().__init__(f"There was no row for {write.sql}")
        self.write = write


@cache
def columns(model: type[models.Model]) -> str:
    """Name the columns of a model as a SELECT has them."""
    return ", ".join(f"{table(model)}.{column(field)}" for field in model._meta.concrete_fields)


@cache
def readers(model: type[models.Model]) -> tuple[tuple[str, Any], ...]:  # Any: Django's own function, or None
    """Name a model's columns as its rows have them, each with what makes a value of what the server says."""
    return tuple((field.attname, getattr(field, "from_db_value", None)) for field in model._meta.concrete_fields)


def read(values: Values, *models_: type[models.Model]) -> Iterator[Any]:  # Any: a row of each model in turn
    """Make the rows of what a SELECT of their columns has found."""
    found = iter(values)
    for model in models_:
        names, made = [], []
        for name, make in readers(model):
            value = next(found)
            names.append(name)
            made.append(make(value, None, connection) if make else value)
        yield model.from_db(connection.alias, names, made)


def find(model: type[M], condition: str, *values: Any) -> list[M]:  # Any: whatever columns hold
    """Find the rows of a model that a condition in SQL holds for; it is one of ours, never a caller's, and may lock."""
    return [row for (row,) in find_together((model,), f"FROM {table(model)} WHERE {condition}", *values)]


def find_together(
    models_: tuple[type[models.Model], ...],
    rest: str,
    *values: Any,  # Any: whatever columns hold
    beside: tuple[str, ...] = (),
) -> list[Values]:
    """Find rows of several models side by side, and then what else stands `beside` them.

    `rest` is the statement from its FROM on, one of ours. What an outer join has not found is a row without a key.
    """
    wanted = ", ".join((*map(columns, models_), *beside))
    found = ask(f"SELECT {wanted} {rest}", *values)
    return [(*read(each, *models_), *each[len(each) - len(beside) :]) for each in found]


def updated(row: models.Model, *names: str, still: dict[str, Any] | None = None) -> Write:  # Any: whatever columns hold
    """Return the statement that saves these fields of a row, where others are still as they were read."""
    fields = [row._meta.get_field(name) for name in names]
    asked = still or {}
    sql = update(type(row), names, tuple(asked))
    return Write(sql, (*(saved(row, field) for field in fields), row.pk, *asked.values()))


def still(row: models.Model, name: str) -> Write:
    """Return what locks a row without writing it, where a field is still as it was read."""
    field = row._meta.get_field(name)
    sql = f"SELECT '' FROM {table(type(row))} WHERE {column(row._meta.pk)} = %s AND {column(field)} = %s"  # noqa: S608 (our own names)
    return Look(f"{sql} FOR NO KEY UPDATE", (row.pk, saved(row, field)))


def inserted(row: models.Model) -> Write:
    """Return the statement that saves a new row, which counts as saved from here."""
    values = tuple(saved(row, field, is_new=True) for field in row._meta.concrete_fields)
    row._state.adding, row._state.db = False, connection.alias
    return Write(insertion(type(row)), values)


def saved(row: models.Model, field: Any, *, is_new: bool = False) -> Any:  # Any: a field of any type, and its value
    """Return what a field of a row is saved as."""
    return field.get_db_prep_save(field.pre_save(row, is_new), connection)


@cache
def insertion(model: type[models.Model]) -> str:
    """Write the INSERT of a model's rows."""
    names = [column(field) for field in model._meta.concrete_fields]
    return f"INSERT INTO {table(model)} ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})"  # noqa: S608 (our own names)


@cache
def update(model: type[models.Model], names: tuple[str, ...], asked: tuple[str, ...]) -> str:
    """Write the UPDATE of these fields of one row of a model, where it is as is asked."""
    changes = ", ".join(f"{column(model._meta.get_field(name))} = %s" for name in names)
    conditions = "".join(f" AND {column(model._meta.get_field(name))} = %s" for name in asked)
    return f"UPDATE {table(model)} SET {changes} WHERE {column(model._meta.pk)} = %s{conditions}"  # noqa: S608 (our own names)


def table(model: type[models.Model]) -> str:
    """Name a model's table as a statement has it."""
    return connection.ops.quote_name(model._meta.db_table)


def column(field: Any) -> str:  # Any: a field of any type
    """Name a field's column as a statement has it."""
    return connection.ops.quote_name(str(field.column))


def ask(sql: str, *values: Any) -> list[Values]:  # Any: whatever columns hold
    """Ask the server by a statement that it prepares once for each connection, and return what it answers."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    wrap = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    with wrap(Prepared(connection.connection)) as cursor:  # type: ignore[call-arg,arg-type]  # the stubs mean another
        cursor.execute(sql, values)
        found: list[Values] = cursor.fetchall()
        return found


def write(*writes: Write) -> None:
    """Write several rows by one statement, all of them or none.

    None sees what the others change. PostgreSQL begins each when its count is first asked for, so in this order; should
    it ever choose another, two such statements may meet in a deadlock, of which it takes one back.

    Raises RowMissing where one that is needed is not there.
    """
    parts = ", ".join(f"w{number} AS ({each.part})" for number, each in enumerate(writes))
    counts = ", ".join(
        f"(SELECT count(*) FROM w{number}){'' if each.is_needed else ' + 1'}"  # noqa: S608 (our own names)
        for number, each in enumerate(writes)
    )
    values = (value for each in writes for value in each.values)
    try:
        ask(f"WITH {parts} SELECT {SAY_WHO}, insist(ARRAY[{counts}])", *values, actors.words())
    except IntegrityError as error:
        if getattr(error.__cause__, "sqlstate", "") != MISSING:
            raise
        raise RowMissing(writes[int(error.__cause__.diag.message_detail) - 1]) from error  # type: ignore[union-attr]  # psycopg's


def write_back(write: Write, *names: str) -> list[Values]:
    """Write by one statement, and return these columns of the rows that it has written."""
    wanted = ", ".join(names)
    sql = f"WITH written AS ({write.sql} RETURNING {wanted}) SELECT {SAY_WHO}, {wanted} FROM written"  # noqa: S608 (our own names)
    return [found[1:] for found in ask(sql, *write.values, actors.words())]


def commit(*writes: Write) -> None:
    """Write several rows by one statement that is a transaction of its own. Raises RowMissing."""
    with alone():
        write(*writes)


@contextmanager
def alone() -> Iterator[None]:
    """Let the one statement inside commit itself, with no message to begin and none to end it."""
    if connection.in_atomic_block:
        with transaction.atomic(durable=True):  # a test's own transaction; within one of ours, this raises
            yield
    else:
        yield
