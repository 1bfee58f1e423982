"""The beat of the providers' events: eight hours in ten-minute steps, for the console's home."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Count, DateTimeField, F, Func, IntegerField, Q, Value
from django.utils import timezone

from owners import watch
from owners.watch import Webhooks
from payments.models import WebhookEvent
from payments.times import write_hour

STEP = timedelta(minutes=10)
STEPS = 48


class Beat(StrEnum):
    """How ten minutes went."""

    QUIET = "quiet"
    WELL = "well"
    BADLY = "badly"


@dataclass(frozen=True, slots=True)
class Step:
    """Ten minutes: how many events came in them, and how many of those are not applied."""

    begins_at: datetime
    received: int = 0
    failed: int = 0

    @property
    def beat(self) -> Beat:
        """Say in a word how it went."""
        if self.failed:
            return Beat.BADLY
        return Beat.WELL if self.received else Beat.QUIET

    @property
    def sentence(self) -> str:
        """Say how it went, with its figures."""
        return f"{write_hour(timezone.localtime(self.begins_at))}: {self.received} came, {self.failed} failed"


@dataclass(frozen=True, slots=True)
class Pulse:
    """The last hours of all providers, and how each stands now."""

    steps: list[Step]
    providers: list[tuple[str, Webhooks]]

    @property
    def sentence(self) -> str:
        """Say it in one sentence, for those who do not see the strip."""
        received, failed = (sum(getattr(step, name) for step in self.steps) for name in ("received", "failed"))
        return f"{received} events in the last eight hours, {failed} of them not applied."


def feel(*, now: datetime) -> Pulse:
    """Return the last eight hours in steps, each beginning at a whole ten minutes."""
    this = now.replace(minute=now.minute // 10 * 10, second=0, microsecond=0)
    first = this - (STEPS - 1) * STEP
    counts = {number: (received, failed) for number, received, failed in counted(first)}
    steps = [Step(first + number * STEP, *counts.get(number, (0, 0))) for number in range(STEPS)]
    return Pulse(steps, sorted(watch.webhooks(now=now).items()))


def counted(first: datetime) -> list[tuple[int, int, int]]:
    """Count what came in each step since the first."""
    number = Func(
        F("received_at"),
        Value(first, output_field=DateTimeField()),
        template=f"floor(extract(epoch FROM (%(expressions)s)) / {STEP.seconds})::integer",
        arg_joiner=" - ",
        output_field=IntegerField(),
    )
    found = WebhookEvent.objects.filter(received_at__gte=first).order_by().annotate(step=number).values_list("step")
    return list(found.annotate(received=Count("pk"), failed=Count("pk", filter=Q(status=WebhookEvent.Status.FAILED))))
