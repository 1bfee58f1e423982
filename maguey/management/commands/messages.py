"""Bring the catalogue of translations up to the source, and compile it."""

from typing import Any

from django.core.management.base import BaseCommand

from maguey import catalogue


class Command(BaseCommand):
    """Find new sentences, drop those that are gone, compile; say what waits for a translation."""

    help = "Bring the catalogue of translations up to the source, and compile it."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        """Update the catalogue and list what is not translated."""
        waiting = catalogue.update()
        for sentence in waiting:
            self.stdout.write(f"  not translated: {sentence}")
        self.stdout.write(f"{catalogue.po_path()}: {len(waiting)} wait for a translation")
