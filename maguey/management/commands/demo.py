"""Load the demo."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import track

from maguey.demo import nights, people, sales


class Command(BaseCommand):
    """Make a club that looks alive; what is there already is left as it is."""

    help = "Load the demo club: nights, tables, staff, sales and one of each thing that can go wrong."

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        """Lay down the nights, then sell."""
        if not settings.IS_DEMO:
            raise CommandError("The demo is only for MAGUEY_ENV=demo.")
        now = timezone.now()
        people.hire()
        laid = [nights.lay_down(night, now=now) for night in nights.NIGHTS]
        sold_out, sold_out_is_new = nights.lay_down(nights.SOLD_OUT, now=now)
        cancelled, cancelled_is_new = nights.lay_down(nights.CANCELLED, now=now)
        if sold_out_is_new:
            sales.sell_out(sold_out, now=sold_out.doors_at - sales.SOME_TIME * 48)
        if cancelled_is_new:
            sales.sell_and_cancel(cancelled, now=cancelled.doors_at - sales.SOME_TIME * 72)
        tonight, is_new = laid[0]
        if is_new:
            for number in track(range(8), "Selling", console=Console(stderr=True), transient=True):
                sales.buy(tonight, number, slug="early" if number % 3 else "general", quantity=1 + number % 4, now=now)
            for exhibit in sales.EXHIBITS:
                exhibit(tonight, now=now)
            sales.repeat_an_event(now)
        people.hire_for(tonight)
        self.stdout.write(f"The demo club is open: {len(laid)} nights to come.")
