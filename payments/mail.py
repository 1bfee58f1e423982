"""Messages to people: owed in the transaction that gives them their reason, sent afterwards."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.core.mail import EmailMultiAlternatives
from django.db import transaction

from payments import failures, retrying
from payments.failures import Category, Severity, Trouble
from payments.models import Email, Order, rows
from payments.models.rows import Write

KIND = "email"
Writer = Callable[[Email], EmailMultiAlternatives]

_writers: dict[str, Writer] = {}


def register(kind: str, writer: Writer) -> None:
    """Say who writes messages of a kind; called once by their app when Django starts."""
    _writers[kind] = writer


def kinds() -> list[str]:
    """Return every kind of message somebody writes."""
    return sorted(_writers)


def owe(
    kind: str,
    *,
    order: Order | None,
    cause: str,
    now: datetime,
    recipient: str = "",
    context: dict[str, str] | None = None,
    written_by_id: int | None = None,
) -> Email:
    """Promise one message per cause to an order's guest, or to the address of somebody without an order."""
    email = new_email(kind, order=order, cause=cause, now=now, recipient=recipient, context=context)
    email.written_by_id = written_by_id
    with transaction.atomic(savepoint=False):
        rows.write(promised(email))
        wake(email)
    return email


def new_email(
    kind: str,
    *,
    order: Order | None,
    cause: str,
    now: datetime,
    recipient: str = "",
    context: dict[str, str] | None = None,
) -> Email:
    """Make the row of a message; the caller saves it."""
    return Email(
        kind=kind,
        cause=cause,
        recipient=recipient or (order.email if order else ""),
        order=order,
        context=context or {},
        created_at=now,
        next_attempt_at=now,
    )


def promised(email: Email) -> Write:
    """Return the statement that saves a message, where none is known for its cause."""
    return Write(f"{rows.insertion(Email)} ON CONFLICT DO NOTHING", rows.inserted(email).values, is_needed=False)


def wake(email: Email) -> None:
    """Wake a worker for a message once it is committed."""
    retrying.wake_for(KIND, email.pk)


def send_email(email_id: UUID, now: datetime) -> None:
    """Write and send one message, then say so; a crash between the two sends it once more."""
    email = Email.objects.select_related("order__event").get(pk=email_id)
    _writers[email.kind](email).send()
    mark_sent(email_id, now=now)


@transaction.atomic(durable=True)
def mark_sent(email_id: UUID, *, now: datetime) -> None:
    """Owe this message no longer."""
    retrying.finish(Email.objects.select_for_update().get(pk=email_id), now=now, done="sent_at")


def give_up(email: Email, now: datetime) -> None:
    """Tell owners that a guest did not get a message."""
    failures.record(
        Trouble(
            cause=f"email:{email.pk}",
            category=Category.PROVIDER,
            severity=Severity.WARNING,
            order=email.order,
            code="email_failed",
            message=f"“{email.kind}” could not be sent to {email.recipient}: {email.last_error}",
        ),
        now=now,
    )
