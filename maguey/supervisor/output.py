"""Many programs' lines on one screen, each behind its name."""

import os
import sys
from typing import TextIO

COLOURS = (36, 32, 35, 33, 34, 96, 92, 95)
OWN_NAME = "maguey"
WIDTH = 9


class Output:
    """Write lines behind the name of the program that said them."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._colours: dict[str, int] = {OWN_NAME: 1}
        self.is_lost = False  # whoever read us is gone: `make run | head`, a closed terminal
        self._coloured = self._stream.isatty() and not os.environ.get("NO_COLOR")

    def say(self, text: str) -> None:
        """Write a line of the supervisor's own."""
        self.line(OWN_NAME, text)

    def line(self, name: str, text: str) -> None:
        """Write one line of a program."""
        label = f"{name:<{WIDTH}}│"
        if self._coloured:
            label = f"\x1b[{self._colour(name)}m{label}\x1b[0m"
        try:
            self._stream.write(f"{label} {text}\n")
            self._stream.flush()
        except OSError:
            self.is_lost = True

    def _colour(self, name: str) -> int:
        return self._colours.setdefault(name, COLOURS[(len(self._colours) - 1) % len(COLOURS)])
