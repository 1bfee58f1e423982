"""Idempotency keys: the first answer is the answer, for a day ("Idempotent requests")."""

import hashlib
import json
import threading
from dataclasses import dataclass

from payments.sandbox.books import Books
from payments.sandbox.json_types import Json
from payments.sandbox.stripe.errors import ApiError

KEPT_SECONDS = 24 * 3600.0
LONGEST = 255


@dataclass(frozen=True)
class Kept:
    """An answer given before."""

    status: int
    body: str
    request_id: str


def fingerprint(method: str, path: str, raw: Json) -> str:
    """Return what tells one request from another."""
    return hashlib.sha256(json.dumps([method, path, raw], sort_keys=True).encode()).hexdigest()


def in_use(key: str) -> ApiError:
    """Refuse a key whose first request is still running."""
    return ApiError(
        409,
        "There is currently another in-progress request using this Idempotent Key (that probably means you submitted "
        f"twice, and the other request is still going through): {key}. Please try again later.",
        type_="idempotency_error",
        code="idempotency_key_in_use",
    )


class Keys:
    """Remember the answer of every key, and which keys are at work."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._lock = threading.Lock()
        self._working: set[str] = set()

    def take(self, key: str) -> None:
        """Mark a key as at work; raise where it is already."""
        if len(key) > LONGEST:
            raise ApiError(
                400, f"Idempotency keys must be at most {LONGEST} characters; yours has {len(key)}.",
                type_="idempotency_error",
            )  # fmt: skip
        with self._lock:
            if key in self._working:
                raise in_use(key)
            self._working.add(key)

    def give_back(self, key: str) -> None:
        """Mark a key as free."""
        with self._lock:
            self._working.discard(key)

    def find(self, key: str, print_: str, path: str) -> Kept | None:
        """Return the answer kept for a key; raise where the request is another one."""
        store, oldest = self._books.store, self._books.clock.now() - KEPT_SECONDS
        with store.writing():
            store.changed("DELETE FROM answers WHERE created <= ?", oldest)
            rows = store.rows("SELECT * FROM answers WHERE key = ?", key)
        if not rows:
            return None
        row = rows[0]
        if row["fingerprint"] != print_:
            what = "same parameters"
            if row["path"] != path:
                what = "same endpoint"
            raise ApiError(
                400,
                f"Keys for idempotent requests can only be used with the {what} they were first used with. Try using "
                f"a key other than '{key}' if you meant to execute a different request.",
                type_="idempotency_error",
            )
        return Kept(row["status"], row["body"], row["request_id"])

    def keep(self, key: str, print_: str, path: str, kept: Kept) -> None:
        """Keep the first answer of a key."""
        self._books.store.insert_row(
            "INSERT OR IGNORE INTO answers (key, fingerprint, path, request_id, status, body, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            key,
            print_,
            path,
            kept.request_id,
            kept.status,
            kept.body,
            self._books.clock.now(),
        )
