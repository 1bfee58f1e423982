"""Purge what has served its thirty days."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from rich.console import Console
from rich.progress import Progress

from payments import purging


class Command(BaseCommand):
    """Delete finished event ids, idempotency keys and released holds over thirty days old."""

    help = "Delete finished event ids, idempotency keys and released holds over thirty days old, in batches."

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        """Purge, showing each batch."""
        totals: dict[str, int] = {}
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("Purging", total=None)
            for table, count in purging.purge(now=timezone.now()):
                totals[table] = totals.get(table, 0) + count
                progress.update(task, advance=count)
        for table, count in totals.items():
            self.stdout.write(f"{table}: {count}")
        if not totals:
            self.stdout.write("Nothing to purge.")
