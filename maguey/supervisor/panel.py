"""What a person who has just typed `make run` wants to know."""

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from maguey.supervisor.plan import Plan

CARDS = (
    ("4242 4242 4242 4242", "pays"),
    ("4000 0000 0000 0002", "is declined"),
    ("4000 0027 6000 3184", "asks for 3-D Secure"),
    ("4000 0000 0000 0119", "meets a processing error"),
)


def show(plan: Plan) -> None:
    """Print where to look, how to log in and which cards to type."""
    title = Text("Maguey is open", style="bold")
    console = Console()
    body = Group(_places(plan), Text(), _cards(), Text("\nCtrl-C stops everything; the data stays.", style="dim"))
    console.print(Panel(body, title=title, border_style="magenta", expand=False, padding=(1, 2)))


def _places(plan: Plan) -> Table:
    table = _grid()
    table.add_row("Guests", plan.site_url + "/", "")
    table.add_row("A night", f"{plan.site_url}/nights/noche-de-cumbia/", "")
    table.add_row("Console", f"{plan.site_url}/admin/", "owner / maguey; of one night only: promoter / maguey")
    table.add_row("Door", f"{plan.site_url}/door/", "door / maguey")
    table.add_row("Outbox", f"{plan.site_url}/outbox/", "every mail sent")
    table.add_row("Sandbox", f"{plan.sandbox_url}/", "plays Stripe")
    return table


def _cards() -> Table:
    table = _grid()
    for number, result in CARDS:
        table.add_row("Card", number, result)
    table.add_row("", "any date ahead, any CVC, any postcode", "")
    return table


def _grid() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(style="dim")
    return table
