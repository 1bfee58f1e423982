"""The steps of a payment, told as they are taken: a line in the log each, and the ids of what it is about.

The ids stay on every later line of the same request or task, so that an error says whose money it met; the request or
task that follows begins without them, and so does each piece of work.
"""

import logging
from uuid import UUID

import structlog

logger = logging.getLogger(__name__)

IDS = ("order", "payment", "event", "night")


def begin() -> None:
    """Begin a piece of work: nobody's yet."""
    structlog.contextvars.unbind_contextvars(*IDS)


def take(
    step: str,
    *,
    order: UUID | None = None,
    payment: UUID | None = None,
    event: str = "",
    night: UUID | None = None,
    level: int = logging.INFO,
) -> None:
    """Say that a step is taken, and what it is about: our own ids, and the provider's id of an event."""
    named = {"order": order, "payment": payment, "event": event, "night": night}
    structlog.contextvars.bind_contextvars(**{name: str(found) for name, found in named.items() if found})
    logger.log(level, step)
