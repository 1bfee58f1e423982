"""What is kept of every change, by triggers: whoever changes a row, by whatever road, leaves a record of it.

A record says what was done to which row, when, and who was at it (`payments.actors`); a row's own story is told from
its records. They are append-only: the database refuses to change or delete one. No name and no address is copied into
a record, so that a person can be forgotten without touching it.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

import pghistory
import pgtrigger
from django.db import models
from pghistory import InsertEvent
from pghistory.models import Event

__all__ = ["InsertEvent", "became", "changed", "recorded", "tries", "when", "where"]

M = TypeVar("M", bound="type[models.Model]")


class Record(Event):
    """One change of one row."""

    pgh_id = models.BigAutoField(primary_key=True)

    class Meta:
        abstract = True


def recorded(*changes: pghistory.Tracker, fields: Iterable[str], found_by: str = "") -> Callable[[M], M]:
    """Have the database keep these changes of a model, with these fields as they were then.

    A story finds its records by the field `found_by`, or by the row itself where that is the order.
    """

    def decorate(model: M) -> M:
        pghistory.create_event_model(
            model,
            *changes,
            fields=list(fields),
            obj_field=pghistory.ObjForeignKey(related_name="+", related_query_name="+", db_index=not found_by),
            context_field=pghistory.ContextJSONField(),
            context_id_field=None,  # type: ignore[arg-type]  # as its own words allow
            append_only=True,
            model_name=f"{model.__name__}Record",
            base_model=Record,
            abstract=False,
            meta={"db_table": f"records_of_{model._meta.db_table}"},
        )
        return model

    return decorate


def where(condition: str) -> pgtrigger.Condition:
    """Hold back a record unless SQL about OLD and NEW holds."""
    return pgtrigger.Condition(condition)


def when(label: str, condition: str) -> pghistory.UpdateEvent:
    """Record an update under a name where SQL about OLD and NEW holds."""
    return pghistory.UpdateEvent(label, condition=where(condition))


def changed(label: str, *fields: str) -> pghistory.UpdateEvent:
    """Record an update under a name where one of these fields has changed."""
    return pghistory.UpdateEvent(label, condition=pgtrigger.AnyChange(*fields))


def became(label: str, *statuses: str) -> pghistory.UpdateEvent:
    """Record a move to one of these statuses."""
    named = ", ".join(f"'{status}'" for status in statuses)
    return when(label, f"OLD.status IS DISTINCT FROM NEW.status AND NEW.status IN ({named})")


def tries(*, unless: str) -> tuple[pghistory.UpdateEvent, pghistory.UpdateEvent]:
    """Record of a Retryable every try that failed, and every fresh start it was given.

    A failed try lets go of its lease and leaves an error; so does success after one, which `unless` tells apart.
    """
    failed = "OLD.locked_until IS NOT NULL AND NEW.locked_until IS NULL AND NEW.last_error <> ''"
    return (
        when("tried", f"{failed} AND NOT ({unless})"),
        when("afresh", "NEW.attempts < OLD.attempts"),
    )
