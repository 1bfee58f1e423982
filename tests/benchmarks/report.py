"""What was measured, beside its floor: printed as it comes, and kept as a page with plots."""

import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template

from django.conf import settings
from matplotlib.figure import Figure as Plot

PLACE = settings.BASE_DIR / ".maguey" / "benchmarks"
OURS, FLOOR, TARGET, INK, PAPER = "#c2502e", "#b9b2a7", "#2f6f5e", "#2a211b", "#fbf7f1"
PAGE = Template("""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Maguey, measured</title>
<style>body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#2a211b;background:#fbf7f1}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #ddd3c5}
td.no{color:#a02c1c;font-weight:600}td.yes{color:#2f6f5e}img{max-width:100%;margin:1rem 0}</style>
<h1>Maguey, measured</h1><p>$when, on $machine.</p>
<table><tr><th>Work<th>Ours<th>Floor<th>Reached<th>Must reach</tr>$rows</table>$plots</html>
""")


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that was measured; `reached` and `must` are ratios or amounts, as `unit` says."""

    work: str
    ours: str
    floor: str
    reached: float
    must: float
    unit: str = ""
    more_is_better: bool = True

    @property
    def is_reached(self) -> bool:
        """Say whether the target is met."""
        return self.reached >= self.must if self.more_is_better else self.reached <= self.must

    @property
    def target(self) -> str:
        """Say what must be reached."""
        return f"{'at least' if self.more_is_better else 'at most'} {self.must:g}{self.unit}"


@dataclass
class Report:
    """All figures of a run."""

    say: Callable[[str], None]
    figures: list[Figure] = field(default_factory=list)
    plots: list[str] = field(default_factory=list)

    def add(self, figure: Figure) -> None:
        """Keep a figure, and print it."""
        self.figures.append(figure)
        mark = "reached" if figure.is_reached else "MISSED"
        beside = f", floor {figure.floor}" if figure.floor else ""
        self.say(f"{figure.work}: {figure.ours}{beside}: {figure.reached:.2f}{figure.unit}, {mark} ({figure.target})")

    def draw(self, name: str, title: str, draw: Callable[[Plot], None]) -> None:
        """Draw a plot and keep it beside the page."""
        plot = Plot(figsize=(8, 4), layout="constrained", facecolor=PAPER)
        draw(plot)
        plot.suptitle(title, color=INK)
        PLACE.mkdir(parents=True, exist_ok=True)
        plot.savefig(PLACE / f"{name}.png", dpi=110)
        self.plots.append(f'<img src="{name}.png" alt="{escape(title)}">')

    def write(self) -> Path:
        """Write the page; return where it is."""
        self.draw("targets", "How much of each target is reached", self._targets)
        rows = "".join(
            f"<tr><td>{escape(each.work)}<td>{escape(each.ours)}<td>{escape(each.floor)}"
            f'<td class="{"yes" if each.is_reached else "no"}">{each.reached:.2f}{each.unit}<td>{each.target}</tr>'
            for each in self.figures
        )
        page = PLACE / "index.html"
        machine = f"{platform.machine()}, Python {platform.python_version()}"
        when = f"{datetime.now(tz=UTC):%Y-%m-%d %H:%M} UTC"
        page.write_text(PAGE.substitute(when=when, machine=machine, rows=rows, plots="".join(self.plots)))
        return page

    def _targets(self, plot: Plot) -> None:
        axes = plot.add_subplot(facecolor=PAPER)
        shares = [
            each.reached / each.must if each.more_is_better else each.must / each.reached for each in self.figures
        ]
        axes.barh([each.work for each in self.figures], shares, color=OURS)
        axes.axvline(1, color=TARGET, linewidth=2)
        axes.set_xlabel("1 is the target")
        axes.invert_yaxis()
