"""The sandbox's desk: what every part of it shares, and one unit of its work."""

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from payments.sandbox.clock import Clock
from payments.sandbox.config import Config
from payments.sandbox.deliveries import Deliveries, Post
from payments.sandbox.faults import Faults
from payments.sandbox.ids import Ids
from payments.sandbox.journal import Journal
from payments.sandbox.json_types import Json
from payments.sandbox.store import Record, Store


@dataclass(frozen=True)
class Origin:
    """The API request that caused a change; nothing where time or a person did."""

    request_id: str | None = None
    idempotency_key: str | None = None


class Books:
    """Hold what all parts share: store, clock, names, faults, journal and deliveries."""

    def __init__(self, config: Config, store: Store, clock: Clock) -> None:
        self.config = config
        self.store = store
        self.clock = clock
        self.random = random.Random(config.seed)  # noqa: S311 - disorder, not secrecy
        self.ids = Ids(config.seed)
        self.journal = Journal(store, clock)
        self.faults = Faults(clock)
        self.deliveries = Deliveries(
            config, store=store, clock=clock, faults=self.faults, journal=self.journal, chance=self.random
        )
        # What `Work.later` put off, by name; each provider adds its own.
        self.jobs: dict[str, Callable[[Work, str], None]] = {}
        # What each provider does by itself as time passes, such as expiring a page.
        self.sweeps: list[Callable[[Work], None]] = []

    @contextmanager
    def work(self, origin: Origin | None = None) -> Iterator["Work"]:
        """Open one unit of work under the one lock: kept whole, or not at all."""
        with self.store.writing():
            yield Work(self, origin or Origin())

    def catch_up(self) -> None:
        """Do everything that sandbox time has made due."""
        with self.work() as work:
            while due := self.store.rows(
                "SELECT * FROM jobs WHERE due_at <= ? ORDER BY due_at, seq LIMIT 1", self.clock.now()
            ):
                self.store.changed("DELETE FROM jobs WHERE seq = ?", due[0]["seq"])
                self.jobs[due[0]["name"]](work, due[0]["subject"])
            for sweep in self.sweeps:
                sweep(work)

    def deliver_due(self, post: Post | None = None) -> int:
        """Catch up, then try every delivery that is due, until all is quiet; return how many were tried."""
        if post is None and self.deliveries.post is None:
            raise ValueError("nowhere to deliver to: give a post, or set one")
        tried = 0
        while True:
            self.catch_up()
            due = self.deliveries.due()
            if not due:
                return tried
            for seq in due:
                self.deliveries.attempt(seq, post)
            tried += len(due)

    def reset(self) -> None:
        """Begin again with empty books, no faults and the machine's clock."""
        self.store.empty()
        self.faults.clear()
        self.clock.reset()


class Work:
    """One unit of work: reads, changes and the events they cause."""

    def __init__(self, books: Books, origin: Origin) -> None:
        self.books = books
        self.store = books.store
        self.ids = books.ids
        self.origin = origin
        self.now = int(books.clock.now())
        self.announced: list[Json] = []

    def add(self, kind: str, body: Json, hidden: Json | None = None) -> Record:
        """Keep a new object."""
        record = Record(body["id"], kind, body, hidden or {})
        self.store.add(record)
        return record

    def save(self, record: Record) -> None:
        """Keep an object as it stands now."""
        self.store.save(record)

    def later(self, name: str, subject: str, seconds: float) -> None:
        """Put something off until sandbox time has moved on."""
        self.store.insert_row(
            "INSERT INTO jobs (name, subject, due_at) VALUES (?, ?, ?)",
            name,
            subject,
            self.books.clock.now() + seconds,
        )

    def announce(self, event: Json, *, provider: str) -> None:
        """Keep an event as it stands this moment and queue its deliveries."""
        self._file(event, provider)
        if self.books.faults.for_delivery("duplicate_event", event=event["type"]):
            self._file({**event, "id": self.ids.make("evt")}, provider)

    def _file(self, event: Json, provider: str) -> None:
        frozen = json.loads(json.dumps(event))
        self.add("event", frozen)
        self.announced.append(frozen)
        self.books.deliveries.queue(frozen, provider=provider)
