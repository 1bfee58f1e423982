"""Tell owners, in the console and by email, that PostgreSQL did not answer for a while; the watchman runs it."""

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from owners import outages


class Command(BaseCommand):
    """Note one outage; once more for the same beginning changes nothing."""

    help = "Tell owners of a time in which PostgreSQL did not answer."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take when it began and when it ended, as ISO 8601 with an offset."""
        parser.add_argument("began_at", type=datetime.fromisoformat)
        parser.add_argument("ended_at", type=datetime.fromisoformat)

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        """Note it."""
        told = outages.keep(began_at=options["began_at"], ended_at=options["ended_at"], now=timezone.now())
        self.stdout.write("Noted." if told else "It was noted before.")
