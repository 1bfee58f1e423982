"""A server in the background, known by a lock that it and its children hold for as long as one of them lives.

A pid in a file may be stale or another program's by now. A lock the kernel keeps cannot be: the server inherits
it, so while it is held the pid beside it is right, and once it is free nothing of the server is left.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from maguey.embedded import locks
from maguey.embedded.account import Account
from maguey.embedded.exceptions import DidNotStop

START_SECONDS = 5.0
LISTENING_SECONDS = 120.0
LOG_LIMIT = 10 * 1024 * 1024

# Two shells: the first leaves the second behind, so that the server is nobody's child; the second writes its pid
# into the lock file and becomes the server. Whoever starts it may die between any two instructions and still no
# server runs without its pid on record.
LAUNCH = ("/bin/sh", "-c", """exec 3<&0; /bin/sh -c 'echo "$$" >&3; exec "$@"' launch "$@" &""", "launch")


@dataclass(frozen=True)
class Daemon:
    """Name a server's lock file, log and the directory its processes work in."""

    lock: Path
    log: Path
    directory: Path

    def is_running(self) -> bool:
        """Tell whether the server or any child of it lives."""
        return locks.is_held(self.lock)

    def pid(self) -> int | None:
        """Return the server's process id, if it runs."""
        if not self.is_running():
            return None
        text = self.lock.read_text().strip()
        return int(text) if text.isdigit() else None

    def start(self, command: Sequence[str | Path], *, account: Account) -> bool:
        """Start the server unless it runs, and tell whether this call did."""
        descriptor = locks.open_file(self.lock)
        try:
            if not locks.try_exclusive(descriptor):
                return False
            os.ftruncate(descriptor, 0)
            self._launch(command, account=account, lock=descriptor)
        finally:
            os.close(descriptor)
        return True

    def wait_until(self, answers: Callable[[], bool], *, socket: Path) -> bool:
        """Wait for the server to answer, and tell whether it did.

        One that has made its socket is reading what it had written and may take its time; one that has not, soon
        after its start, never will, or its socket was deleted.
        """
        started = time.monotonic()
        while time.monotonic() - started < (LISTENING_SECONDS if socket.exists() else START_SECONDS):
            if answers():
                return True
            if not self.is_running():
                return False
            time.sleep(0.02)
        return False

    def stop(self, signals: Sequence[tuple[signal.Signals, float]]) -> None:
        """Send each signal in turn, giving the server so many seconds to leave after it.

        What is left at the end, such as backends whose postmaster was killed, is found by where it works and killed.
        """
        for number, seconds in signals:
            pid = self.pid()
            if pid is None and not self.is_running():
                return
            if pid is not None:
                _send(pid, number)
            if locks.wait_until_free(self.lock, seconds=seconds):
                return
        for pid in _working_in(self.directory):
            _send(pid, signal.SIGKILL)
        if not locks.wait_until_free(self.lock, seconds=10):
            raise DidNotStop(f"The server of {self.directory} does not stop, not even when killed.")

    def tail(self) -> str:
        """Return the last lines of the log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])

    def _launch(self, command: Sequence[str | Path], *, account: Account, lock: int) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            subprocess.run(
                [*LAUNCH, *command],
                check=True,
                cwd=self.directory,
                stdin=lock,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=account.environment(),
                **account.identity(),
            )


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it left meanwhile
        os.kill(pid, number)


def _working_in(directory: Path) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() == directory:
                found.append(int(entry.name))
        except OSError:  # it ended meanwhile, or is another user's
            continue
    return found
