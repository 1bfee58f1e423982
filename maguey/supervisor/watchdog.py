"""The supervisor's end of the guard: start it, tell it what runs, replace it if it dies."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

GUARD = Path(__file__).with_name("guard.py")


class Watchdog:
    """Keep a guard that knows every process group, so that none outlives this process."""

    def __init__(self, *, inherited: tuple[int, ...] = ()) -> None:
        self._inherited = inherited  # our lock: while the guard still cleans up, no other supervisor starts
        self._groups: set[int] = set()
        self._guard = self._start()

    def add(self, group: int) -> None:
        """Remember a group that was just started."""
        self._groups.add(group)
        self._tell(f"+{group}\n")

    def discard(self, group: int) -> None:
        """Forget a group that is gone."""
        self._groups.discard(group)
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """Let the guard end, having nothing left to stop."""
        assert self._guard.stdin is not None  # noqa: S101 - it was made with a pipe
        self._guard.stdin.close()
        self._guard.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, GUARD],
            stdin=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
            pass_fds=self._inherited,
        )

    def check(self) -> None:
        """Replace a guard that died, and tell the new one all there is to know."""
        if self._guard.poll() is not None:
            self._guard = self._start()
            self._tell("".join(f"+{group}\n" for group in self._groups))

    def _tell(self, text: str) -> None:
        assert self._guard.stdin is not None  # noqa: S101 - it was made with a pipe
        with suppress(BrokenPipeError):  # it just died: check() will tell its successor
            self._guard.stdin.write(text.encode())
