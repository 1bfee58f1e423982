"""Run inside the club: orders whose guests have paid, and the events that will tell of it, one a line."""

import sys
from datetime import timedelta

import django

django.setup()

from payments import gateways  # noqa: E402 (Django is set up only now)
from payments.models import Payment  # noqa: E402
from tests.buying import clock, hold, pay  # noqa: E402
from tests.fakes import FakeProvider, event_body, intent_object  # noqa: E402
from tickets.models import TicketType  # noqa: E402


def main(count: int) -> None:
    """Write so many events to the standard output."""
    provider = FakeProvider(first_number=Payment.objects.count() + 1)
    gateways.for_provider = lambda provider_name: provider  # type: ignore[assignment]  # as the tests' fixture does
    type_ = TicketType.objects.get(slug="general")
    for number in range(count):
        order = hold(type_, quantity=1 + number % 4, now=clock() + timedelta(hours=1))
        intent = provider.intents[pay(provider, order).external_payment_id or ""]
        sys.stdout.buffer.write(event_body("payment_intent.succeeded", intent_object(intent)) + b"\n")


main(int(sys.argv[1]))
