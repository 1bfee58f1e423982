"""States that only move along a table of legal moves, in Python and in the database."""

from datetime import datetime
from typing import ClassVar, TypeVar

import pgtrigger
from django.db import models

from payments.exceptions import IllegalMove

Moves = dict[str, frozenset[str]]


S = TypeVar("S", bound="type[Stateful]")


def legal_moves_only(model: S) -> S:
    """Have the database itself refuse every move of a model that is not in its MOVES."""
    moves = sorted((old, new) for old, news in model.MOVES.items() for new in news)
    pgtrigger.register(pgtrigger.FSM(name="legal_moves_only", field="status", transitions=moves))(model)
    return model


def never_deleted() -> pgtrigger.Protect:
    """Return the trigger by which the database keeps every row for good."""
    return pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)


def frozen(*fields: str) -> pgtrigger.ReadOnly:
    """Return the trigger by which the database keeps these columns as they were written."""
    return pgtrigger.ReadOnly(name="frozen", fields=list(fields))


class Stateful(models.Model):
    """A row whose status moves along MOVES, stamping the moment of each move in STAMPS."""

    MOVES: ClassVar[Moves] = {}
    STAMPS: ClassVar[dict[str, str]] = {}

    status: "models.CharField[str, str]"

    class Meta:
        abstract = True

    def step_to(self, status: str, *, now: datetime) -> tuple[str, ...]:
        """Stand at a status, in memory; return the fields that are to be saved.

        Raises IllegalMove.
        """
        if status not in self.MOVES.get(self.status, frozenset()):
            raise IllegalMove(f"{self._meta.label} {self.pk}: {self.status} → {status}")
        self.status = status
        stamp = self.STAMPS.get(status)
        if stamp is None:
            return ("status",)
        setattr(self, stamp, now)
        return ("status", stamp)

    def move_to(self, status: str, *, now: datetime) -> bool:
        """Move to a status and save it; return False where the row is there already.

        Raises IllegalMove.
        """
        if self.status == status:
            return False
        self.save(update_fields=self.step_to(status, now=now))
        return True
