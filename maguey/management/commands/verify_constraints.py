"""Try every rule of the database."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from maguey import constraints


class Command(BaseCommand):
    """Attempt, in a transaction rolled back, everything the database must refuse."""

    help = "Attempt everything the database must refuse, and say which rule held; nothing is kept."

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        """Try each rule; exit 1 where one did not hold."""
        verdicts = list(constraints.verify())
        for verdict in verdicts:
            self.stdout.write(f"{'held  ' if verdict.held else 'BROKEN'}  {verdict.rule}: {verdict.said}")
        if broken := [verdict.rule for verdict in verdicts if not verdict.held]:
            raise CommandError(f"{len(broken)} of {len(verdicts)} rules did not hold: {', '.join(broken)}")
        self.stdout.write(f"All {len(verdicts)} rules held.")
