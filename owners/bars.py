"""Bars of a chart, measured on the server: the page draws them without a script."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, log10

SLOT = 10  # how wide one bar's place is
BAR = 7  # how much of it is filled
TALL = 100  # how high the highest possible bar is
LINES = 4


@dataclass(frozen=True, slots=True)
class Figure:
    """One bar's meaning: when, how much, and how much went back."""

    label: str
    mark: str
    cents: int
    back_cents: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar as it is drawn, with the part that went back from its top down."""

    figure: Figure
    x: float
    y: float
    height: float
    back_height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars side by side, their marks below, and the lines they are read by."""

    bars: list[Bar]
    lines: list[int]
    width: int
    tall: int = TALL
    bar: int = BAR

    @property
    def is_empty(self) -> bool:
        """Say whether there is nothing to draw."""
        return not any(bar.figure.cents or bar.figure.back_cents for bar in self.bars)

    @property
    def figures(self) -> list[Figure]:
        """Return the figures that are not nothing, the latest first: what the table beside it says."""
        return [bar.figure for bar in reversed(self.bars) if bar.figure.cents or bar.figure.back_cents]


def draw(figures: Sequence[Figure]) -> Chart:
    """Measure the bars of a chart against a round figure above the highest."""
    top = round_up(figure.cents for figure in figures)
    bars = [bar_of(figure, number, top) for number, figure in enumerate(figures)]
    return Chart(bars, lines_of(top), width=SLOT * len(figures))


def bar_of(figure: Figure, number: int, top: int) -> Bar:
    """Measure one bar."""
    height = TALL * figure.cents / top
    back = min(height, TALL * figure.back_cents / top)
    return Bar(figure, x=number * SLOT + (SLOT - BAR) / 2, y=TALL - height, height=height, back_height=back)


def round_up(cents: Iterable[int]) -> int:
    """Return the next round figure, so that the lines below it are round too."""
    highest = max(cents, default=0)
    if highest <= 0:
        return 10_000
    unit = int(10 ** (ceil(log10(highest)) - 1))
    return next(unit * step for step in (1, 2, 4, 8, 10) if unit * step >= highest)


def lines_of(top: int) -> list[int]:
    """Return the amounts at the lines, the highest first."""
    return [top * line // LINES for line in range(LINES, -1, -1)]
