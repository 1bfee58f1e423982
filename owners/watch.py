"""The watchman: every half minute he says that beat ticks, and looks for trouble that no single payment shows."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from owners import attempts
from owners.models import Heartbeat
from payments import failures
from payments.failures import Category, Severity, Trouble
from payments.models import Email, Payment, ProviderCall, WebhookEvent

HOUR = timedelta(hours=1)
BEAT = "beat"
GONE = "It went away by itself."
# So many, before it is called trouble and not bad luck.
SILENT_PAYMENTS = 3
FAILING_LETTERS = 3
LETTER_TRIES = 3
SILENT_CALLS = 3


# One question for all providers: each looks at its newest rows and at the few that are unfinished. BETWEEN is read by
# the provider's own index alone; of "=" the server thinks that any of the newest rows is as good as another, and of a
# provider that has told nothing it then reads them all.
STANDING = """
    SELECT p.provider, newest.received_at, applied.processed_at, waiting.count, waiting.oldest, waiting.failed
    FROM unnest(%(providers)s::text[]) AS p(provider)
    LEFT JOIN LATERAL (
        SELECT w.received_at FROM webhook_events w WHERE w.provider BETWEEN p.provider AND p.provider
        ORDER BY w.provider DESC, w.received_at DESC LIMIT 1
    ) newest ON true
    LEFT JOIN LATERAL (
        SELECT w.processed_at FROM webhook_events w
        WHERE w.provider BETWEEN p.provider AND p.provider AND w.processed_at IS NOT NULL
        ORDER BY w.provider DESC, w.received_at DESC LIMIT 1
    ) applied ON true
    CROSS JOIN LATERAL (
        SELECT count(*), min(w.received_at) AS oldest,
            count(*) FILTER (WHERE w.status = 'failed' AND w.received_at >= %(hour_ago)s) AS failed
        FROM webhook_events w WHERE w.provider = p.provider AND w.status NOT IN ('processed', 'ignored')
    ) waiting
"""


@dataclass(frozen=True, slots=True)
class Webhooks:
    """How one provider's events stand."""

    last_received_at: datetime | None
    last_processed_at: datetime | None
    backlog: int
    oldest_waiting_at: datetime | None
    failed_last_hour: int
    is_in_trouble: bool


@dataclass(frozen=True, slots=True)
class Condition:
    """One kind of trouble that comes and goes; `look` says what is wrong, or nothing."""

    code: str
    category: Category
    look: Callable[[datetime], str]


@transaction.atomic(durable=True)
def tick(*, now: datetime) -> None:
    """Say that beat ticks."""
    Heartbeat.objects.update_or_create(name=BEAT, defaults={"seen_at": now})


def last_tick() -> datetime | None:
    """Return when beat was last seen."""
    return Heartbeat.objects.filter(name=BEAT).values_list("seen_at", flat=True).first()


def webhooks(*, now: datetime) -> dict[str, Webhooks]:
    """Return how each provider's events stand; one that never sent any is not there."""
    with connection.cursor() as cursor:
        cursor.execute(STANDING, {"providers": list(Payment.Provider.values), "hour_ago": now - HOUR})
        found = {provider: standing(*figures, now=now) for provider, *figures in cursor.fetchall()}
    return {provider: one for provider, one in found.items() if one.last_received_at}


def standing(
    received_at: datetime | None,
    processed_at: datetime | None,
    backlog: int,
    oldest_at: datetime | None,
    failed: int,
    *,
    now: datetime,
) -> Webhooks:
    """Judge one provider's figures."""
    waits_too_long = oldest_at is not None and oldest_at < now - backlog_age()
    is_in_trouble = waits_too_long or failed > settings.WEBHOOK_FAILURES_PER_HOUR
    return Webhooks(received_at, processed_at, backlog, oldest_at, failed, is_in_trouble)


def backlog_age() -> timedelta:
    """Return how long an event may wait before it is trouble."""
    return timedelta(seconds=settings.WEBHOOK_BACKLOG_SECONDS)


def backlog(now: datetime) -> str:
    """Say whether events wait too long."""
    waiting = WebhookEvent.objects.exclude(status__in=WebhookEvent.FINISHED).filter(received_at__lt=now - backlog_age())
    count = waiting.count()
    return f"{count} events have waited over {settings.WEBHOOK_BACKLOG_SECONDS // 60} minutes." if count else ""


def silence(now: datetime) -> str:
    """Say whether guests pay while no event tells of it."""
    since = now - timedelta(minutes=settings.WEBHOOK_SILENCE_MINUTES)
    if WebhookEvent.objects.filter(received_at__gte=since).exists():
        return ""
    paid = Payment.objects.filter(status=Payment.Status.SUCCEEDED, processed_at__gte=since).count()
    if paid < SILENT_PAYMENTS:
        return ""
    return f"{paid} payments came in {settings.WEBHOOK_SILENCE_MINUTES} minutes, and not one event. Is the endpoint on?"


def letters(now: datetime) -> str:
    """Say whether mail does not go out."""
    stuck = Email.objects.filter(sent_at=None, attempts__gte=LETTER_TRIES, created_at__gte=now - HOUR).count()
    return f"{stuck} messages could not be sent in the last hour." if stuck >= FAILING_LETTERS else ""


def provider(now: datetime) -> str:
    """Say whether the provider leaves our calls without an answer."""
    since = now - timedelta(minutes=10)
    recent = ProviderCall.objects.filter(last_used_at__gte=since)
    silent = recent.filter(state=ProviderCall.State.UNKNOWN).count()
    if silent < SILENT_CALLS or recent.filter(state=ProviderCall.State.SUCCEEDED).exists():
        return ""
    return f"{silent} calls in ten minutes had no answer, and none had one. Guests cannot pay."


CONDITIONS = (
    Condition("webhook_backlog", Category.WEBHOOK, backlog),
    Condition("webhook_silence", Category.WEBHOOK, silence),
    Condition("email_delivery_failing", Category.PROVIDER, letters),
    Condition("provider_unreachable", Category.PROVIDER, provider),
    Condition("sign_in_attack", Category.SIGN_IN, attempts.attack),
)


def look_around(*, now: datetime) -> int:
    """Look at every condition; return how many are bad."""
    return sum(note(condition, condition.look(now), now=now) for condition in CONDITIONS)


@transaction.atomic(durable=True)
def note(condition: Condition, wrong: str, *, now: datetime) -> bool:
    """Tell owners once of trouble that has begun, and put it right once it is gone; what returns is told anew."""
    if not wrong:
        failures.settle(condition.code, GONE, now=now)
        return False
    trouble = Trouble(
        cause=failures.recurring(condition.code),
        category=condition.category,
        severity=Severity.CRITICAL,
        code=condition.code,
        message=wrong,
    )
    failures.record(trouble, now=now)
    return True
