"""Give paid orders without goods a fresh set of tries."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from payments import fulfilment
from payments.models import Order


class Command(BaseCommand):
    """Start fulfilment afresh, for one order, many, or all that wait."""

    help = "Give paid orders without goods a fresh set of tries, and try once at once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take which orders."""
        parser.add_argument("references", nargs="*", metavar="REFERENCE")
        parser.add_argument("--all", action="store_true", help="every order that waits for its goods")

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        """Start each afresh and say what became of it."""
        waiting = Order.objects.awaiting_goods()
        if not options["all"]:
            waiting = waiting.filter(reference__in=options["references"])
            if unknown := set(options["references"]) - set(waiting.values_list("reference", flat=True)):
                raise CommandError(f"Nothing is owed to: {', '.join(sorted(unknown))}.")
        for order in list(waiting.order_by("paid_at")):
            now = timezone.now()
            done = fulfilment.retry(order, now=now) and fulfilment.try_now(order, now=now)
            self.stdout.write(f"{order.reference}: {'delivered' if done else 'tried, and will be tried again'}")
