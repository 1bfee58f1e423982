"""Records that have served: gone after thirty days, in batches, and never while something is owed.

Forgetting an event's id opens no door: payment, position and table constraints are for good.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models, transaction

from payments.models import IdempotencyKey, WebhookEvent

KEPT = timedelta(days=30)
BATCH = 1000
# One purge at a time: a second finds the lock taken and leaves.
LOCK = 0x6D61677565790001

# What is left of a payload whose row must stay: enough to tell what it was about.
KEPT_PAYLOAD_KEYS = ("id", "type", "created")

Finished = Callable[[datetime], "models.QuerySet[Any]"]  # Any: of any model
_products: list[Finished] = []


def register(finished: Finished) -> None:
    """Purge also what a product calls finished before a moment; called once by its app when Django starts."""
    _products.append(finished)


def purge(*, now: datetime, batch: int = BATCH) -> Iterator[tuple[str, int]]:
    """Purge whatever is over thirty days old and finished; yield each batch's table and count."""
    before = now - KEPT
    finished = WebhookEvent.objects.filter(status__in=WebhookEvent.FINISHED, processed_at__lt=before)
    answered = IdempotencyKey.objects.filter(created_at__lt=before)
    yield from delete_in_batches(finished, batch)
    yield from delete_in_batches(answered, batch)
    for of_product in _products:
        yield from delete_in_batches(of_product(before), batch)
    yield from trim_payloads(before, batch)


def delete_in_batches(rows: "models.QuerySet[Any]", batch: int) -> Iterator[tuple[str, int]]:  # Any: of any model
    """Delete rows a batch at a time, each in a transaction of its own."""
    while count := delete_batch(rows, batch):
        yield rows.model._meta.db_table, count


@transaction.atomic(durable=True)
def delete_batch(rows: "models.QuerySet[Any]", batch: int) -> int:
    """Delete one batch, unless another purge is at work."""
    if not take_lock():
        return 0
    chosen = list(rows.order_by("pk").values_list("pk", flat=True)[:batch])
    return rows.filter(pk__in=chosen).delete()[0] if chosen else 0


def trim_payloads(before: datetime, batch: int) -> Iterator[tuple[str, int]]:
    """Trim old events that must stay (given up, not yet looked at) of what they say about people."""
    stale = WebhookEvent.objects.filter(
        status=WebhookEvent.Status.FAILED, next_attempt_at=None, received_at__lt=before, payload__has_key="data"
    )
    while count := trim_batch(stale, batch):
        yield "webhook_events trimmed", count


@transaction.atomic(durable=True)
def trim_batch(stale: "models.QuerySet[WebhookEvent]", batch: int) -> int:
    """Trim one batch, unless another purge is at work."""
    if not take_lock():
        return 0
    events = list(stale.order_by("pk")[:batch])
    for event in events:
        event.payload = {key: event.payload[key] for key in KEPT_PAYLOAD_KEYS if key in event.payload}
    WebhookEvent.objects.bulk_update(events, ["payload"])
    return len(events)


def take_lock() -> bool:
    """Take the purge's own lock until the transaction ends; say whether it was free."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        row = cursor.fetchone()
    return bool(row and row[0])
