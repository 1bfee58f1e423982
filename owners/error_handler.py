"""Every error that a process logs, kept in PostgreSQL beside whatever it was doing.

The request that failed rolls back, and its connection may be of no more use: so a thread of the handler's own writes,
on a connection of its own. It keeps nobody waiting, and an error that comes a thousand times is one write.
"""

import logging
import os
import threading
import time
from contextlib import suppress
from datetime import date
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from owners import apart
from owners.occurrences import Hide, Occurrence, describe

# So many kinds of errors wait for PostgreSQL at most; more of them at once say nothing new.
WAITING_MOST = 200
PATIENCE_SECONDS = 2.0
PAUSE_SECONDS = (0.2, 1.0, 2.0, 5.0, 15.0, 30.0)  # after so many failures in a row
# These say once more what Django and Celery have said of the same error.
ECHOES = ("django_structlog",)
NEEDS_AN_EXCEPTION = ("django.request", "django.security")  # without one it is an answer we chose to give, as 503

KEEP = """
WITH kept AS (
    INSERT INTO error_logs (
        id, fingerprint, error_type, message, function, severity, logger, stack, context, count,
        first_seen_at, last_seen_at, resolved
    )
    VALUES (
        gen_random_uuid(), %(fingerprint)s, %(error_type)s, %(message)s, %(function)s, %(severity)s, %(logger)s,
        %(stack)s, %(context)s, %(count)s, %(first_seen_at)s, %(last_seen_at)s, false
    )
    ON CONFLICT (fingerprint) DO UPDATE SET
        message = excluded.message,
        severity = excluded.severity,
        stack = excluded.stack,
        context = excluded.context,
        count = error_logs.count + excluded.count,
        first_seen_at = least(error_logs.first_seen_at, excluded.first_seen_at),
        last_seen_at = greatest(error_logs.last_seen_at, excluded.last_seen_at),
        recurred_at = CASE
            WHEN error_logs.resolved_at < excluded.last_seen_at THEN excluded.last_seen_at
            ELSE error_logs.recurred_at
        END,
        resolved = error_logs.resolved AND error_logs.resolved_at >= excluded.last_seen_at,
        resolved_by_id = CASE
            WHEN error_logs.resolved_at >= excluded.last_seen_at THEN error_logs.resolved_by_id
        END,
        resolved_at = CASE WHEN error_logs.resolved_at >= excluded.last_seen_at THEN error_logs.resolved_at END
    RETURNING id
)
INSERT INTO error_counts (error_id, day, count) SELECT id, %(day)s, %(count)s FROM kept
ON CONFLICT (error_id, day) DO UPDATE SET count = error_counts.count + excluded.count
"""


class ErrorHandler(logging.Handler):
    """Keep what is logged as an error; never raise, never wait, never log."""

    def __init__(self, hide: Hide) -> None:
        super().__init__(logging.ERROR)
        self._hide = hide
        self._start_over()
        os.register_at_fork(after_in_child=self._start_over)

    def _start_over(self) -> None:
        """Begin with nothing: a forked process has its own errors, and no thread yet."""
        self._waiting: dict[tuple[str, date], Occurrence] = {}
        self._change = threading.Condition()
        self._writer: threading.Thread | None = None
        self._is_writing = False

    def emit(self, record: logging.LogRecord) -> None:
        """Take one line, unless it is the writer's own or an echo."""
        if threading.current_thread() is self._writer or not is_an_error(record):
            return
        try:
            self._take(describe(record, self._hide))
        except Exception:  # noqa: BLE001 (a log that fails must not fail what it tells of)
            self.handleError(record)

    def _take(self, occurrence: Occurrence) -> None:
        """Let one wait for the writer, counted with those that are the same."""
        with self._change:
            earlier = self._waiting.get(occurrence.key)
            if earlier is None and len(self._waiting) >= WAITING_MOST:
                return
            self._waiting[occurrence.key] = occurrence.after(earlier)
            if self._writer is None or not self._writer.is_alive():
                self._writer = threading.Thread(target=self._write_on, name="error-log", daemon=True)
                self._writer.start()
            self._change.notify_all()

    def flush(self) -> None:
        """Wait a moment until all is written; called by Python too, before a process ends."""
        with self._change:
            self._change.wait_for(lambda: not self._waiting and not self._is_writing, timeout=PATIENCE_SECONDS)

    def _write_on(self) -> None:
        """Write whatever waits, for as long as the process lives; later after each failure."""
        failed = 0
        while True:
            with self._change:
                self._change.wait_for(lambda: bool(self._waiting))
                batch, self._waiting, self._is_writing = list(self._waiting.values()), {}, True
            left = keep(batch)
            with self._change:
                self._is_writing = False
                self._put_back(left)
                self._change.notify_all()
            failed = failed + 1 if left else 0
            time.sleep(PAUSE_SECONDS[min(failed, len(PAUSE_SECONDS) - 1)])

    def _put_back(self, left: list[Occurrence]) -> None:
        """Let what could not be written wait with what has come since."""
        for earlier in left:
            later = self._waiting.get(earlier.key)
            self._waiting[earlier.key] = later.after(earlier) if later else earlier


def is_an_error(record: logging.LogRecord) -> bool:
    """Say whether a line tells of an error, for the first time."""
    if record.name.startswith(ECHOES):
        return False
    return bool(record.exc_info and record.exc_info[1]) or not record.name.startswith(NEEDS_AN_EXCEPTION)


def keep(occurrences: list[Occurrence]) -> list[Occurrence]:
    """Write these, each in a commit of its own; return those PostgreSQL was not there for."""
    left = list(occurrences)
    try:
        with psycopg.connect(**apart.address("errors"), autocommit=True) as connection:
            while left:
                keep_one(connection, left[0])
                left.pop(0)
    except (psycopg.Error, OSError):
        return left
    return []


def keep_one(connection: psycopg.Connection[Any], occurrence: Occurrence) -> None:  # Any: rows of any kind
    """Write one; leave it to the log alone where PostgreSQL will never take it, before it is migrated say."""
    with suppress(psycopg.ProgrammingError, psycopg.DataError, psycopg.IntegrityError, psycopg.InternalError):
        connection.execute(KEEP, written(occurrence))


def written(occurrence: Occurrence) -> dict[str, Any]:  # Any: what a statement takes
    """Write an occurrence as the statement wants it."""
    values: dict[str, Any] = {name: getattr(occurrence, name) for name in (*Occurrence.__slots__, "day")}
    return {**values, "context": Jsonb(occurrence.context)}
