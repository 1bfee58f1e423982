"""The programs side by side: one thread, one loop, and nobody left behind."""

import selectors
import signal
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

from maguey.supervisor.child import Child, Program
from maguey.supervisor.exceptions import StepFailed, StopRequested
from maguey.supervisor.output import Output
from maguey.supervisor.watchdog import Watchdog

TICK_SECONDS = 0.1
GRACE_SECONDS = 10.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Crew:
    """Run programs until asked to stop; leaving the block stops them all, gently and then by force."""

    def __init__(self, output: Output, *, lock: int | None = None) -> None:
        self._output = output
        self._selector = selectors.DefaultSelector()
        self._children: list[Child] = []
        self._watchdog = Watchdog(inherited=() if lock is None else (lock,))
        self._asked_to_stop = 0

    def __enter__(self) -> Self:
        for number in STOP_SIGNALS:
            signal.signal(number, self._note_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def start(self, program: Program) -> Child:
        """Start a program and keep it running."""
        child = Child(program)
        self._children.append(child)
        self._attend(child)
        return child

    def finish(self, program: Program) -> None:
        """Run a program to its end while the others go on, and insist that it succeeds."""
        child = Child(program)
        self._attend(child)
        try:
            while child.exit_code() is None:
                self._turn()
        finally:
            if child.exit_code() is None:
                child.kill_group()
            self._collect(child)
        if child.exit_code() != 0:
            raise StepFailed(f"`{program.name}` {_ending(child)}: its last lines are above.")

    def wait_until(self, answer: Callable[[], bool], *, seconds: float) -> bool:
        """Go on until the answer is yes, or for so long, and return the answer."""
        deadline = time.monotonic() + seconds
        while not answer():
            if time.monotonic() > deadline:
                return False
            self._turn()
        return True

    def watch(self) -> None:
        """Go on until somebody asks to stop."""
        while True:
            self._turn()

    def _turn(self) -> None:
        """Show what was said, restart what died, and leave if asked to."""
        self._listen()
        if self._asked_to_stop or self._output.is_lost:
            raise StopRequested
        self._watchdog.check()
        for child in self._children:
            if child.due_at is None and child.exit_code() is not None:
                self._collect(child)
                delay = child.plan_restart()
                self._output.say(f"{child.program.name} {_ending(child)}; starting it again in {delay:.0f} s.")
            elif child.due_at is not None and time.monotonic() >= child.due_at:
                child.restart()
                self._attend(child)

    def _listen(self) -> None:
        for key, _ in self._selector.select(TICK_SECONDS):
            self._show(key.data)

    def _show(self, child: Child) -> bool:
        lines = child.read_lines()
        for line in lines:
            self._output.line(child.program.name, line)
        return bool(lines)

    def _attend(self, child: Child) -> None:
        self._watchdog.add(child.pid)
        self._selector.register(child.output(), selectors.EVENT_READ, child)

    def _collect(self, child: Child) -> None:
        """Take leave of a program that has ended: its last lines, and what it left running."""
        child.kill_group()
        while self._show(child):
            continue
        self._selector.unregister(child.output())
        child.close()
        self._watchdog.discard(child.pid)

    def _stop(self) -> None:
        running = [child for child in self._children if child.due_at is None]
        for child in running:
            child.ask_to_leave()
        self._await_leaving(running)
        for child in running:
            child.kill_group()
            self._collect(child)
        self._children.clear()
        self._watchdog.close()

    def _await_leaving(self, running: list[Child]) -> None:
        """Wait for every program to end, until a second signal or the end of patience."""
        deadline, asked = time.monotonic() + GRACE_SECONDS, self._asked_to_stop
        while time.monotonic() < deadline and self._asked_to_stop == asked:
            if all(child.exit_code() is not None for child in running):
                return
            self._listen()

    def _note_signal(self, number: int, frame: FrameType | None) -> None:
        self._asked_to_stop += 1


def _ending(child: Child) -> str:
    code = child.exit_code()
    if code is not None and code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
