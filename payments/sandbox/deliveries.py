"""Webhooks out: queued, signed afresh for each attempt, tried again for three days, never in order."""

import json
import random
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import requests

from payments.sandbox.clock import Clock
from payments.sandbox.config import Config, Endpoint
from payments.sandbox.faults import Faults
from payments.sandbox.journal import Journal
from payments.sandbox.json_types import Json
from payments.sandbox.store import Store

Post: TypeAlias = Callable[[str, bytes, Mapping[str, str]], int]
# A provider's way to sign: body, secrets in force and moment in, headers out.
Seal: TypeAlias = Callable[[bytes, Sequence[str], int], dict[str, str]]

GIVE_UP_AFTER = 3 * 24 * 3600.0
# The provider publishes "exponential back-off over three days", not the steps.
FIRST_RETRY_SECONDS = 60.0
LONGEST_RETRY_SECONDS = 12 * 3600.0
ENDPOINT_TIMEOUT_SECONDS = 20.0
SIGNATURE_FAULTS = ("stale_t", "future_t", "wrong_secret", "old_secret", "two_secrets")


def post_over_http(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Deliver over HTTP without following redirects, which count as failures."""
    answer = requests.post(
        url, data=body, headers=dict(headers), timeout=ENDPOINT_TIMEOUT_SECONDS, allow_redirects=False
    )
    return answer.status_code


class Deliveries:
    """The queue of deliveries: pulled by tests, pushed by the server's thread."""

    def __init__(
        self,
        config: Config,
        *,
        store: Store,
        clock: Clock,
        faults: Faults,
        journal: Journal,
        chance: random.Random,
    ) -> None:
        self._config = config
        self._store = store
        self._clock = clock
        self._faults = faults
        self._journal = journal
        self._random = chance
        self.post: Post | None = post_over_http
        # Tests may put an endpoint in after the sandbox was made.
        self.endpoints: list[Endpoint] = list(config.endpoints)
        # Each provider registers how it signs.
        self.seals: dict[str, Seal] = {}

    def endpoints_of(self, provider: str) -> list[Endpoint]:
        """Return the addresses a provider delivers to."""
        return [endpoint for endpoint in self.endpoints if endpoint.provider == provider]

    def queue(self, event: Json, *, provider: str) -> None:
        """Queue an event for every endpoint of its provider, at a moment of its own."""
        now = self._clock.now()
        for endpoint in self.endpoints_of(provider):
            copies = 2 if self._faults.for_delivery("duplicate", event=event["type"]) else 1
            for _ in range(copies):
                due = now + self._wait_for(event["type"])
                self._insert(event["id"], endpoint.url, now, due)

    def _wait_for(self, event_type: str) -> float:
        wait = self._random.uniform(0, self._config.disorder_seconds)
        rule = self._faults.for_delivery("delay", "shuffle", event=event_type)
        if rule is None:
            return wait
        return rule.seconds if rule.action == "delay" else self._random.uniform(0, rule.seconds)

    def _insert(self, event_id: str, url: str, now: float, due: float) -> None:
        self._store.insert_row(
            "INSERT INTO deliveries (event, url, first_at, due_at) VALUES (?, ?, ?, ?)", event_id, url, now, due
        )

    def resend(self, event_id: str) -> None:
        """Send an event once more wherever it went before, whatever became of it."""
        now = self._clock.now()
        for row in self._store.rows("SELECT DISTINCT url FROM deliveries WHERE event = ?", event_id):
            self._insert(event_id, row["url"], now, now)

    def due(self) -> list[int]:
        """Return the deliveries due now, in no order anyone may rely on."""
        rows = self._store.rows(
            "SELECT seq FROM deliveries WHERE state = 'pending' AND due_at <= ? AND claimed = 0", self._clock.now()
        )
        found = [int(row["seq"]) for row in rows]
        self._random.shuffle(found)
        return found

    def of_event(self, event_id: str) -> list[int]:
        """Return the deliveries of one event that wait."""
        rows = self._store.rows(
            "SELECT seq FROM deliveries WHERE event = ? AND state = 'pending' AND claimed = 0", event_id
        )
        return [int(row["seq"]) for row in rows]

    def pending_of(self, event_id: str) -> int:
        """Count the endpoints that have not yet taken an event."""
        rows = self._store.rows("SELECT COUNT(*) FROM deliveries WHERE event = ? AND state = 'pending'", event_id)
        return int(rows[0][0])

    def untried_of(self, event_id: str) -> int:
        """Count the endpoints that have not answered an event even once."""
        rows = self._store.rows(
            "SELECT COUNT(*) FROM deliveries WHERE event = ? AND attempts = 0 AND state = 'pending'", event_id
        )
        return int(rows[0][0])

    def list(self) -> list[Json]:
        """Return every delivery with its event's type and its state."""
        rows = self._store.rows(
            "SELECT d.seq, d.event, d.url, d.attempts, d.due_at, d.state, json_extract(o.body, '$.type') AS type"
            " FROM deliveries d JOIN objects o ON o.id = d.event ORDER BY d.seq"
        )
        return [dict(row) for row in rows]

    def attempt(self, seq: int, post: Post | None = None) -> bool:
        """Try one delivery, unless someone else is at it, and say whether it was taken."""
        sender = post or self.post
        if sender is None or not self._claim(seq):
            return False
        answered = None
        try:
            answered = self._try(seq, sender)
        finally:
            self._settle(seq, taken=answered is not None and 200 <= answered < 300)
        return 200 <= answered < 300

    def _claim(self, seq: int) -> bool:
        with self._store.writing():
            return bool(
                self._store.changed(
                    "UPDATE deliveries SET claimed = 1 WHERE seq = ? AND claimed = 0 AND state = 'pending'", seq
                )
            )

    def _try(self, seq: int, post: Post) -> int:
        row = self._store.rows(
            "SELECT d.*, o.body AS body FROM deliveries d JOIN objects o ON o.id = d.event WHERE d.seq = ?", seq
        )[0]
        event = json.loads(row["body"])
        if rule := self._faults.for_delivery("drop", "outage", "refuse", event=event["type"]):
            if rule.action == "drop":
                self._store.changed("UPDATE deliveries SET state = 'dropped' WHERE seq = ?", seq)
            self._record(event, row, status=0, trouble=rule.action)
            return 0
        body, headers = self.letter(event, row["url"])
        started = time.monotonic()
        try:
            status, trouble = post(row["url"], body, headers), ""
        except OSError as error:
            status, trouble = 0, type(error).__name__
        self._record(event, row, status=status, trouble=trouble, seconds=time.monotonic() - started)
        return status

    def _record(self, event: Json, row: sqlite3.Row, *, status: int, trouble: str, seconds: float = 0.0) -> None:
        self._journal.write(
            "delivery",
            event=event["id"],
            type=event["type"],
            url=row["url"],
            attempt=row["attempts"] + 1,
            status=status,
            trouble=trouble,
            seconds=round(seconds, 3),
        )

    def letter(self, event: Json, url: str) -> tuple[bytes, dict[str, str]]:
        """Return one attempt's body and headers: a fresh `t`, one `v1` per active secret."""
        endpoint = next(item for item in self.endpoints if item.url == url)
        secrets = list(endpoint.secrets)
        timestamp = int(self._clock.wall())
        if rule := self._faults.for_delivery("api_version", event=event["type"]):
            event = {**event, "api_version": rule.version}
        if rule := self._faults.for_delivery(*SIGNATURE_FAULTS, event=event["type"]):
            shift = {"stale_t": -rule.seconds, "future_t": rule.seconds}.get(rule.action, 0.0)
            timestamp += int(shift)
            secrets = {
                "wrong_secret": ["whsec_nobody_has_this_one"],
                "old_secret": [rule.secret],
                "two_secrets": [*secrets, rule.secret],
            }.get(rule.action, secrets)
        body = json.dumps(event, indent=2, ensure_ascii=False).encode()
        return body, self.seals[endpoint.provider](body, secrets, timestamp)

    def _settle(self, seq: int, *, taken: bool) -> None:
        with self._store.writing():
            row = self._store.rows("SELECT * FROM deliveries WHERE seq = ?", seq)
            if not row or row[0]["state"] == "dropped":
                return
            attempts = row[0]["attempts"] + 1
            due = None if taken else self._next_try(attempts, row[0]["first_at"])
            state = "delivered" if taken else "pending" if due is not None else "failed"
            self._store.changed(
                "UPDATE deliveries SET attempts = ?, due_at = ?, state = ?, claimed = 0 WHERE seq = ?",
                attempts,
                due,
                state,
                seq,
            )
            if taken:
                self._send_again(row[0]["event"], row[0]["url"])

    def _send_again(self, event_id: str, url: str) -> None:
        found = self._store.find(event_id)
        if found and self._faults.for_delivery("resend", event=found.body["type"]):
            now = self._clock.now()
            self._insert(event_id, url, now, now)

    def _next_try(self, attempts: int, first_at: float) -> float | None:
        speed = self._config.retry_speed
        wait = min(FIRST_RETRY_SECONDS * 2.0 ** (attempts - 1), LONGEST_RETRY_SECONDS) / speed
        due = self._clock.now() + wait * self._random.uniform(0.9, 1.1)
        return due if due - first_at <= GIVE_UP_AFTER / speed else None

    def release_claims(self) -> None:
        """Take back what a process that died was delivering; a deleted endpoint stops retries."""
        known = {endpoint.url for endpoint in self.endpoints}
        with self._store.writing():
            self._store.changed("UPDATE deliveries SET claimed = 0")
            for row in self._store.rows("SELECT DISTINCT url FROM deliveries WHERE state = 'pending'"):
                if row["url"] not in known:
                    self._store.changed(
                        "UPDATE deliveries SET state = 'dropped' WHERE state = 'pending' AND url = ?", row["url"]
                    )
