"""Wake whatever is due, or do it here."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from payments import retrying


class Command(BaseCommand):
    """Take up whatever is owed and due."""

    help = "Wake workers for whatever is due; with --here do it in this process, without a broker."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take where to do it."""
        parser.add_argument("--here", action="store_true", help="do the work in this process")

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        """Wake or do, and say how much."""
        now = timezone.now()
        if options["here"]:
            self.stdout.write(f"{retrying.run_due(now=now)} done.")
        else:
            self.stdout.write(f"{retrying.sweep(now=now)} woken.")
