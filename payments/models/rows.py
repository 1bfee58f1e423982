"""Rows read and written by statements that are made once: for the few places where every millisecond counts.

Several rows go to the server in one statement, so in one message; docs/performance.md says what that buys.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from django.db import DatabaseError, connection, models
from django.db.backends.postgresql.base import ServerBindingCursor

from payments import actors

Values = tuple[Any, ...]  # Any: whatever columns hold
M = TypeVar("M", bound=models.Model)


class Prepared(ServerBindingCursor):
    """A cursor whose statements the server plans once for each connection; Django's own send each as plain text."""

    names_its_actor = True  # such a statement goes alone: nothing can be said in front of it


@dataclass(frozen=True, slots=True)
class Write:
    """One row to be written: its statement, and the values that go into it."""

    sql: str
    values: Values


def plain_fields(model: type[models.Model]) -> list[Any]:  # Any: fields of every type
    """Return a model's columns but for JSON, which is read when somebody asks for it."""
    return [field for field in model._meta.concrete_fields if not isinstance(field, models.JSONField)]


@cache
def columns(model: type[models.Model]) -> str:
    """Name the columns of a model as a SELECT has them."""
    return ", ".join(f"{table(model)}.{column(field)}" for field in plain_fields(model))


def read(values: Values, *models_: type[models.Model]) -> Iterator[Any]:  # Any: a row of each model in turn
    """Make the rows of what a SELECT of their columns has found."""
    begin = 0
    for model in models_:
        names = [field.attname for field in plain_fields(model)]
        yield model.from_db(connection.alias, names, values[begin : begin + len(names)])
        begin += len(names)


def find(model: type[M], condition: str, *values: Any) -> list[M]:  # Any: whatever columns hold
    """Find the rows of a model that a condition in SQL holds for; the condition is one of ours, never a caller's."""
    sql = f"SELECT {columns(model)} FROM {table(model)} WHERE {condition}"  # noqa: S608 (our own names)
    return [row for found in ask(sql, *values) for row in read(found, model)]


def updated(row: models.Model, *names: str) -> Write:
    """Return the statement that saves these fields of a row."""
    fields = [row._meta.get_field(name) for name in names]
    return Write(update(type(row), names), (*(saved(row, field) for field in fields), row.pk))


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
def update(model: type[models.Model], names: tuple[str, ...]) -> str:
    """Write the UPDATE of these fields of one row of a model."""
    changes = ", ".join(f"{column(model._meta.get_field(name))} = %s" for name in names)
    return f"UPDATE {table(model)} SET {changes} WHERE {column(model._meta.pk)} = %s"  # noqa: S608 (our own names)


def table(model: type[models.Model]) -> str:
    """Name a model's table as a statement has it."""
    return connection.ops.quote_name(model._meta.db_table)


def column(field: Any) -> str:  # Any: a field of any type
    """Name a field's column as a statement has it."""
    return connection.ops.quote_name(str(field.column))


def ask(sql: str, *values: Any) -> list[Values]:  # Any: whatever columns hold
    """Ask the server by a statement that it prepares once for each connection, and return what it answers."""
    wrap = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    with (
        connection.cursor() as plain,
        wrap(Prepared(plain.connection)) as cursor,  # type: ignore[call-arg,arg-type]  # the stubs mean another cursor
    ):
        cursor.execute(sql, values)
        found: list[Values] = cursor.fetchall()
        return found


def write(*writes: Write) -> None:
    """Write several rows by one statement, all of them or none.

    None sees what the others change. Raises DatabaseError where one of the rows is not there.
    """
    parts = ", ".join(f"w{number} AS ({each.sql} RETURNING '')" for number, each in enumerate(writes))
    tables = "".join(f" UNION ALL TABLE w{number}" for number in range(len(writes)))
    said = f"SELECT set_config('{actors.SETTING}', %s, true)"  # in force before any record is made: after the last row
    values = (value for each in writes for value in each.values)
    done = len(ask(f"WITH {parts} {said}{tables}", *values, actors.words())) - 1
    if done != len(writes):
        raise DatabaseError(f"{done} of {len(writes)} rows were there to be written.")
