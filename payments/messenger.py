"""Messages to workers, sent by a thread of their own: who commits waits for no broker, and many go in one message.

What is not sent when the process dies is lost, as a message may be at any time: the sweeper makes up for it.
"""

import atexit
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from uuid import UUID

from payments.wake import publish

# The first errand is run at once; those that come so soon after it go together.
GATHER_SECONDS = 0.05
# A process that ends waits so long for its last messages to be taken.
LAST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Errand:
    """One piece of work to wake a worker for; `at_once` such pieces may go in one message."""

    kind: str
    pk: UUID
    queue: str
    at_once: int


class Messenger:
    """The thread, and what waits for it."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Begin with nothing in hand: in a process that was forked, the thread is the parent's."""
        self._waiting: SimpleQueue[Errand | Event] = SimpleQueue()
        self._starting = Lock()
        self._thread: Thread | None = None

    def take(self, errand: Errand) -> None:
        """Take an errand, to be run at once by the thread."""
        self._waiting.put(errand)
        self._start()

    def wait(self, seconds: float) -> bool:
        """Wait until all that was taken before has been tried, for so long at most; say whether it has."""
        if self._thread is None:
            return True
        reached = Event()
        self._waiting.put(reached)
        return reached.wait(seconds)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = Thread(target=self._run, name="messenger", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            taken = [self._waiting.get(), *self._rest()]
            send(errand for errand in taken if isinstance(errand, Errand))
            for reached in taken:
                if isinstance(reached, Event):
                    reached.set()
            time.sleep(GATHER_SECONDS)

    def _rest(self) -> Iterator[Errand | Event]:
        with suppress(Empty):
            while True:
                yield self._waiting.get_nowait()


def send(errands: Iterator[Errand]) -> None:
    """Send errands, as many of one kind in a message as may go together."""
    together: dict[tuple[str, str, int], list[UUID]] = {}
    for errand in errands:
        together.setdefault((errand.kind, errand.queue, errand.at_once), []).append(errand.pk)
    for (kind, queue, at_once), pks in together.items():
        for first in range(0, len(pks), at_once):
            publish(kind, *pks[first : first + at_once], queue=queue)


_messenger = Messenger()
take = _messenger.take
wait = _messenger.wait
os.register_at_fork(after_in_child=_messenger.begin_anew)
atexit.register(wait, LAST_SECONDS)
