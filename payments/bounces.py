"""Letters that came back: the mail service says so, the guest and the owner are shown it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from payments import failures
from payments.failures import Category, Severity, Trouble
from payments.models import Email, Order, rows

CODE = "email_bounced"
MENDED = "The guest gave another address."
# What a mail service calls a letter that will not arrive ("Normalized tracking events"); a complaint did arrive.
CAME_BACK = ("bounced", "rejected", "failed")
REASON_LENGTH = 300
# An address that bounces now says nothing about letters of long ago.
REMEMBERED = timedelta(days=14)
BOUNCED = """
SELECT 1 FROM emails WHERE order_id = %s AND upper(recipient) = upper(%s) AND bounced_at IS NOT NULL LIMIT 1
"""


def hear(*, event: Any, **_: Any) -> None:  # Any: the mail library's own event and what comes with it
    """Take in one event of the mail service; those of letters and addresses we do not know change nothing."""
    if event.event_type in CAME_BACK and event.recipient:
        reason = event.mta_response or event.description or event.reject_reason or event.event_type
        note(recipient=event.recipient, reason=str(reason), now=timezone.now())


@transaction.atomic(durable=True)
def note(*, recipient: str, reason: str, now: datetime) -> int:
    """Write down that an address takes no letters, and tell owners whose orders it concerns; return how many.

    A repeat changes nothing.
    """
    sent = Email.objects.filter(recipient__iexact=recipient, sent_at__gte=now - REMEMBERED, bounced_at=None)
    letters = list(sent.select_for_update().select_related(None))
    Email.objects.filter(pk__in=[letter.pk for letter in letters]).update(
        bounced_at=now, bounce_reason=reason.replace("\x00", "")[:REASON_LENGTH]
    )
    for order in Order.objects.filter(pk__in={letter.order_id for letter in letters if letter.order_id}):
        failures.record(trouble_of(order, recipient, reason), now=now)
    return len(letters)


def trouble_of(order: Order, recipient: str, reason: str) -> Trouble:
    """Say what owners are to know: a guest has no letter from us."""
    return Trouble(
        cause=failures.recurring(cause_of(order.pk)),
        category=Category.PROVIDER,
        severity=Severity.WARNING,
        order=order,
        code=CODE,
        message=f"Mail to {recipient} came back: {reason[:REASON_LENGTH]}",
    )


def cause_of(order_id: UUID) -> str:
    """Name an order's bounced address as a cause."""
    return f"bounce:{order_id}"


def bounced(order: Order, address: str) -> bool:
    """Say whether an address takes no letters about an order."""
    return bool(rows.ask(BOUNCED, order.pk, address))


@transaction.atomic(savepoint=False)
def put_right(order: Order, *, now: datetime) -> None:
    """Say that an order has another address now."""
    failures.settle(cause_of(order.pk), MENDED, now=now)
