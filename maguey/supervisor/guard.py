"""Outlive a killed supervisor just long enough to stop what it had started.

Run as a file of its own: it is told the process groups on its standard input, one a line, `+12` for a new one and
`-12` for one that is gone. The end of that input is the end of the supervisor, whatever ended it, SIGKILL included.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress

GRACE_SECONDS = 5.0


def main() -> None:
    """Keep count until the supervisor ends, then stop what it left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    stop(remaining(sys.stdin))


def remaining(lines: Iterable[str]) -> set[int]:
    """Return the groups that were started and not reported gone."""
    groups: set[int] = set()
    for line in lines:
        number = int(line[1:])
        if line.startswith("+"):
            groups.add(number)
        else:
            groups.discard(number)
    return groups


def stop(groups: set[int]) -> None:
    """Ask the leader of each group to leave, and kill the groups that are still there after a grace."""
    for leader in groups:
        with suppress(ProcessLookupError):
            os.kill(leader, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and any(exists(group) for group in groups):
        time.sleep(0.05)
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def exists(group: int) -> bool:
    """Tell whether any process of a group lives."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main()
