"""What lets people in: each product that does says how its codes are found and counted."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Model

from tickets.models import Event


@dataclass(frozen=True, slots=True)
class Admission:
    """One code's right to one way in; its row is locked.

    - `label` says what it was sold as, `holder` for whom.
    - `status` is `valid`, `admitted` or `void`.
    - `subject` is the scan's column for it, and the row.
    - `is_disputed` says that the cardholder's bank wants the money back: the door is told, an owner decides.
    """

    event: Event
    label: str
    holder: str
    status: str
    admitted_at: datetime | None
    admit: Callable[[datetime], object]
    subject: dict[str, Model] = field(default_factory=dict)
    is_disputed: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of admission; `find` is a step inside the caller's transaction."""

    find: Callable[[str], Admission | None]
    count: Callable[[UUID], tuple[int, int]]


_kinds: list[Kind] = []


def register(kind: Kind) -> None:
    """Make a kind known at the door; called once by its app when Django starts."""
    if kind not in _kinds:
        _kinds.append(kind)


def find(code: str) -> Admission | None:
    """Return what a code lets in, or None where nobody knows it."""
    for kind in _kinds:
        if found := kind.find(code):
            return found
    return None


def admitted_of(event_id: UUID) -> tuple[int, int]:
    """Return how many are in on a night, of how many who may come."""
    counts = [kind.count(event_id) for kind in _kinds]
    return sum(inside for inside, _ in counts), sum(expected for _, expected in counts)
