"""The room as it is built: 26 tables, a stage, a bar, a DJ. Each night begins as a copy of it.

Places are on a plan of 1000 × 700, from its upper left corner.
"""

from dataclasses import dataclass

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from vip.models import Table

Tier, Mode, Shape = Table.Tier, Table.Mode, Table.Shape


@dataclass(frozen=True, slots=True)
class Spot:
    """One table of the room, with what it costs on an ordinary night, in cents."""

    code: str
    tier: Table.Tier
    section: str
    shape: Table.Shape
    x: int
    y: int
    capacity_min: int
    capacity_max: int
    mode: Table.Mode
    price_cents: int
    minimum_spend_cents: int
    deposit_cents: int
    bottles: tuple[str, ...]
    gratuity_bps: int = 0


@dataclass(frozen=True, slots=True)
class Decor:
    """What stands in the room and is not sold."""

    name: str
    x: int
    y: int
    width: int
    height: int

    @property
    def label(self) -> str:
        """Return its name in the reader's language."""
        return gettext(self.name)

    @property
    def middle(self) -> int:
        """Return where its name stands, from the left."""
        return self.x + self.width // 2

    @property
    def text_y(self) -> int:
        """Return where its name stands, from the top."""
        return self.y + self.height // 2 + 7

    @property
    def is_upright(self) -> bool:
        """Say whether its name must be written upwards to fit."""
        return self.height > 3 * self.width


DECOR = (
    Decor(_("Stage"), 300, 20, 400, 110),
    Decor("DJ", 570, 45, 110, 60),
    Decor(_("Bar"), 20, 200, 70, 400),
    Decor(_("Dance floor"), 385, 300, 230, 200),
)


def premium(number: int) -> Spot:
    """Return one of the four booths beside the stage: a package with its bottles."""
    x = (150, 240, 760, 850)[number - 1]
    return Spot(
        f"P{number}", Tier.PREMIUM, _("Stage side"), Shape.BOOTH, x, 90, 6, 12, Mode.PACKAGE, 120_000, 120_000, 0,
        ("Tequila añejo 750 ml", "Champagne 750 ml", "12 mixers"),
    )  # fmt: skip


def front_row(number: int) -> Spot:
    """Return one of the four tables before the stage: a deposit now, a minimum on the night."""
    x = (330, 440, 560, 670)[number - 1]
    return Spot(
        f"F{number}", Tier.FRONT_ROW, _("Before the stage"), Shape.RECTANGLE, x, 200, 4, 8, Mode.DEPOSIT,
        80_000, 80_000, 24_000, ("Tequila reposado 750 ml", "8 mixers"), gratuity_bps=1_800,
    )  # fmt: skip


def standard(number: int) -> Spot:
    """Return one of the eighteen tables around the floor: the whole minimum now."""
    column, row = (number - 1) % 6, (number - 1) // 6
    x = (150, 240, 330, 670, 760, 850)[column]
    y = 300 + row * 130
    return Spot(
        f"S{number}", Tier.STANDARD, _("Floor"), Shape.ROUND, x, y, 2, 6, Mode.FULL_PREPAY, 40_000, 40_000, 0,
        ("House bottle 750 ml",),
    )  # fmt: skip


SPOTS = (
    *(premium(number) for number in range(1, 5)),
    *(front_row(number) for number in range(1, 5)),
    *(standard(number) for number in range(1, 19)),
)
