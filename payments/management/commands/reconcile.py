"""Compare a provider's books with ours."""

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from payments import reconcile
from payments.exceptions import GatewayUnavailable


class Command(BaseCommand):
    """Feed whatever the provider knows and we do not through the webhook's own door."""

    help = "Compare the provider's payments, refunds and disputes with ours and take in what is missing."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take where to begin."""
        parser.add_argument("--since", type=moment, help="an ISO 8601 moment; default: the last good run, with overlap")
        parser.add_argument("--provider", default="stripe")

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        """Compare and say what was found."""
        try:
            run = reconcile.reconcile(options["provider"], now=timezone.now(), since=options["since"])
        except GatewayUnavailable as error:
            raise CommandError(f"The provider does not answer: {error}") from error
        self.stdout.write(f"{run.seen} seen since {run.since:%Y-%m-%d %H:%M} UTC, {run.fed} taken in.")


def moment(text: str) -> datetime:
    """Read a moment; one without an offset is in the venue's time zone. Raises ValueError."""
    parsed = parse_datetime(text)
    if parsed is None:
        raise ValueError(text)
    return parsed if parsed.tzinfo else timezone.make_aware(parsed)
