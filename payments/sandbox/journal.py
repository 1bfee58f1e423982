"""What happened: every request and every delivery attempt, readable at `/_sandbox/log`."""

import json
import logging

from payments.sandbox.clock import Clock
from payments.sandbox.json_types import Json
from payments.sandbox.store import Store

LONGEST = 20_000
TIDY_EVERY = 1_000
logger = logging.getLogger("payments.sandbox")


class Journal:
    """Write down what came in and what went out."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def write(self, kind: str, **facts: object) -> None:
        """Add one line."""
        entry = {"at": self._clock.now(), "kind": kind, **facts}
        written = self._store.insert_row("INSERT INTO log (entry) VALUES (?)", json.dumps(entry, default=str))
        if written % TIDY_EVERY == 0:
            self._store.changed("DELETE FROM log WHERE seq <= ?", written - LONGEST)

    def shout(self, message: str, **facts: object) -> None:
        """Add one line and say it loudly: the product asked for something that is not built."""
        logger.error("SANDBOX: %s", message)
        self.write("not_built", message=message, **facts)

    def read(self) -> list[Json]:
        """Return every line, oldest first."""
        return [json.loads(row["entry"]) for row in self._store.rows("SELECT entry FROM log ORDER BY seq")]
