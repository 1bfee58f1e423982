"""What one error of a process was: what it said, where in our code, and which others are the same."""

import hashlib
import logging
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog
from django.conf import settings
from django.utils import timezone

MESSAGE_LENGTH = 1000
STACK_LENGTH = 20_000
NAME_LENGTH = 200
# What differs between two messages that mean the same: what is quoted, in brackets, or has a digit in it.
PARTICULAR = re.compile(r"'[^']*'|\"[^\"]*\"|\([^)]*\)|\b[\w-]*\d[\w-]*\b")

Hide = Callable[[Any], Any]  # Any: text, or what is made of texts


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One error, or several that are the same."""

    fingerprint: str
    error_type: str
    message: str
    function: str
    severity: str
    logger: str
    stack: str
    context: dict[str, str]
    first_seen_at: datetime
    last_seen_at: datetime
    count: int = 1

    @property
    def day(self) -> date:
        """Return the day of the venue on which it came."""
        return timezone.localdate(self.last_seen_at)

    @property
    def key(self) -> tuple[str, date]:
        """Return what is the same for errors that are counted together."""
        return self.fingerprint, self.day

    def after(self, earlier: "Occurrence | None") -> "Occurrence":
        """Return this one with the earlier ones of its day counted in."""
        if earlier is None:
            return self
        return replace(self, count=self.count + earlier.count, first_seen_at=earlier.first_seen_at)


def describe(record: logging.LogRecord, hide: Hide) -> Occurrence:
    """Read what one line of the log says of an error, without anybody's secrets."""
    error = record.exc_info[1] if record.exc_info else None
    seen_at = datetime.fromtimestamp(record.created, tz=UTC)
    error_type = type(error).__qualname__ if error else ""
    said = clean(hide(str(error) if error else record.getMessage()))
    function = where(error.__traceback__) if error else f"{record.module}.{record.funcName}"
    return Occurrence(
        fingerprint=fingerprint(error_type or record.name, function, said),
        error_type=error_type[:NAME_LENGTH],
        message=said[:MESSAGE_LENGTH],
        function=function[:NAME_LENGTH],
        severity="critical" if record.levelno >= logging.CRITICAL else "error",
        logger=record.name[:NAME_LENGTH],
        stack=clean(hide(stack_of(error))) if error else "",
        context={name: clean(value)[:MESSAGE_LENGTH] for name, value in hide(context_of(record)).items()},
        first_seen_at=seen_at,
        last_seen_at=seen_at,
    )


def clean(value: object) -> str:
    """Write a value as PostgreSQL takes it: without zeros and halves of characters."""
    return str(value).replace("\x00", "").encode("utf-8", "replace").decode()


def fingerprint(error_type: str, function: str, message: str) -> str:
    """Return the same for errors that are the same: kind, place, and words without what is particular to one."""
    first_line = message.partition("\n")[0]
    return hashlib.sha256("|".join((error_type, function, PARTICULAR.sub("…", first_line))).encode()).hexdigest()


def where(trace: TracebackType | None) -> str:
    """Name the innermost function of ours, or the innermost at all where none is."""
    frames = traceback.extract_tb(trace)
    if not frames:
        return ""
    ours = [frame for frame in frames if is_ours(frame.filename)]
    frame = (ours or frames)[-1]
    path = Path(frame.filename)
    parts = path.relative_to(settings.BASE_DIR).with_suffix("").parts if ours else (path.stem,)
    return ".".join((*parts, frame.name))


def is_ours(filename: str) -> bool:
    """Say whether a file is part of this project and not of a library."""
    path = Path(filename)
    return path.is_relative_to(settings.BASE_DIR) and "site-packages" not in path.parts


def stack_of(error: BaseException) -> str:
    """Write the traceback; its end is what matters."""
    return "".join(traceback.format_exception(error))[-STACK_LENGTH:]


def context_of(record: logging.LogRecord) -> dict[str, object]:
    """Gather what the process was doing: its request or task, and the ids bound to it."""
    found: dict[str, object] = dict(structlog.contextvars.get_contextvars())
    if request := getattr(record, "request", None):
        found["request"] = f"{request.method} {request.path}"
    if task := getattr(record, "data", None):  # Celery's own
        found["task"] = task.get("name", "")
        found["task_id"] = task.get("id", "")
    return {**found, "process": settings.DATABASE_ROLE, "line": record.getMessage()}
