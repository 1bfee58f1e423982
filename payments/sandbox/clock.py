"""The sandbox's time: the machine's clock, plus what tests and drills have moved it on by."""

import time
from collections.abc import Callable


def machine_time() -> float:
    """Return the machine's time, looked up at each call so that a test may move it."""
    return time.time()


class Clock:
    """Tell the time of the sandbox, which may run ahead of the machine's."""

    def __init__(self, source: Callable[[], float] | None = None) -> None:
        self._source = source or machine_time
        self._ahead = 0.0

    def now(self) -> float:
        """Return sandbox time in seconds since the epoch."""
        return self._source() + self._ahead

    def wall(self) -> float:
        """Return the machine's time: what a receiver compares a signature's `t` with."""
        return self._source()

    def advance(self, seconds: float) -> None:
        """Move the sandbox's time on."""
        if seconds < 0:
            raise ValueError("time does not go back")
        self._ahead += seconds

    def reset(self) -> None:
        """Fall back to the machine's time."""
        self._ahead = 0.0
