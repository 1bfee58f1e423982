"""Void tickets beyond what was bought."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from tickets import duplicates


class Command(BaseCommand):
    """Find orders with more tickets than were bought, and void the surplus."""

    help = "Void tickets beyond what was bought: the admitted stay, then the earliest."

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        """Void every surplus and name it."""
        found = duplicates.find_surplus()
        for order_id in found:
            surplus = duplicates.void_surplus(order_id, now=timezone.now())
            self.stdout.write(f"{order_id}: {len(surplus.ticket_ids)} voided")
        if not found:
            self.stdout.write("No duplicates.")
