"""Everything the sandbox remembers: one SQLite file, one lock, one writer at a time."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from payments.sandbox.json_types import Json

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    created INTEGER NOT NULL,
    body TEXT NOT NULL,
    hidden TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, created, seq);
CREATE INDEX IF NOT EXISTS objects_by_intent ON objects (kind, json_extract(body, '$.payment_intent'));
CREATE INDEX IF NOT EXISTS objects_by_charge ON objects (kind, json_extract(body, '$.charge'));
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL,
    url TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    first_at REAL NOT NULL,
    due_at REAL,
    state TEXT NOT NULL DEFAULT 'pending',
    claimed INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, due_at);
CREATE INDEX IF NOT EXISTS deliveries_of_event ON deliveries (event);
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    path TEXT NOT NULL,
    request_id TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    created REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    subject TEXT NOT NULL,
    due_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_due ON jobs (due_at);
CREATE TABLE IF NOT EXISTS log (seq INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL);
"""
TABLES = ("objects", "deliveries", "answers", "jobs", "log")


@dataclass
class Record:
    """One object: the body the provider shows, and what it keeps to itself."""

    id: str
    kind: str
    body: Json
    hidden: Json = field(default_factory=dict)


class Store:
    """Keep the sandbox's books; `writing` is the one lock under which anything changes."""

    def __init__(self, path: str = ":memory:") -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(SCHEMA)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock and one transaction: all of it is kept, or none."""
        with self._lock:
            if self._depth:
                yield
                return
            self._depth = 1
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            else:
                self._connection.execute("COMMIT")
            finally:
                self._depth = 0

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:  # Any: SQLite's own value types
        """Run one statement and return its rows."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def insert_row(self, sql: str, *values: Any) -> int:  # Any: SQLite's own value types
        """Run one INSERT and return the new row's number."""
        with self._lock:
            return self._connection.execute(sql, values).lastrowid or 0

    def changed(self, sql: str, *values: Any) -> int:  # Any: SQLite's own value types
        """Run one statement and return how many rows it changed."""
        with self._lock:
            return self._connection.execute(sql, values).rowcount

    def add(self, record: Record) -> None:
        """Keep a new object."""
        self.insert_row(
            "INSERT INTO objects (id, kind, created, body, hidden) VALUES (?, ?, ?, ?, ?)",
            record.id,
            record.kind,
            int(record.body.get("created", 0)),
            json.dumps(record.body),
            json.dumps(record.hidden),
        )

    def save(self, record: Record) -> None:
        """Keep an object as it stands now."""
        self.changed(
            "UPDATE objects SET body = ?, hidden = ? WHERE id = ?",
            json.dumps(record.body),
            json.dumps(record.hidden),
            record.id,
        )

    def find(self, id_: str, kind: str | None = None) -> Record | None:
        """Return one object, or nothing where there is none of that kind."""
        for row in self.rows("SELECT * FROM objects WHERE id = ?", id_):
            if kind in (None, row["kind"]):
                return record_from(row)
        return None

    def where(self, kind: str, field_name: str, value: str) -> list[Record]:
        """Return the objects of a kind one of whose fields has this value, oldest first."""
        sql = f"SELECT * FROM objects WHERE kind = ? AND json_extract(body, '$.{field_name}') = ? ORDER BY seq"  # noqa: S608 - our own names
        return [record_from(row) for row in self.rows(sql, kind, value)]

    def empty(self) -> None:
        """Forget everything."""
        with self.writing():
            for table in TABLES:
                self.changed(f"DELETE FROM {table}")  # noqa: S608 - our own names

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


def record_from(row: sqlite3.Row) -> Record:
    """Read an object from its row."""
    return Record(row["id"], row["kind"], json.loads(row["body"]), json.loads(row["hidden"]))
