"""End every hold whose time is up."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from payments import expiry


class Command(BaseCommand):
    """End overdue holds, the provider's side first."""

    help = "End every hold whose time is up; what a provider has not closed yet keeps its places for now."

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        """End them and say how many."""
        self.stdout.write(f"{expiry.expire_overdue(now=timezone.now())} holds ended.")
