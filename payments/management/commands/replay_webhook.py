"""Have kept events applied once more."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from payments import retrying, webhooks
from payments.models import WebhookEvent


class Command(BaseCommand):
    """Apply kept events again; what they did before is not done twice."""

    help = "Apply kept events once more, by their provider's ids; what was done is not done twice."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take which events."""
        parser.add_argument("event_ids", nargs="+", metavar="EVENT_ID")

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        """Replay each and say how it stands."""
        for event_id in options["event_ids"]:
            event = WebhookEvent.objects.filter(event_id=event_id).first()
            if event is None:
                raise CommandError(f"There is no event {event_id}.")
            now = timezone.now()
            webhooks.replay(event, now=now)
            retrying.attempt(webhooks.KIND, event.pk, now=now)
            event.refresh_from_db()
            self.stdout.write(f"{event_id}: {event.status}")
