"""A letter to a guest in somebody's own words: owed, sent and kept as every message is."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction

from payments import letters, mail
from payments.models import Email, Order
from payments.models.email import WRITTEN

SUBJECT_LENGTH = 120
TEXT_LENGTH = 4000


@transaction.atomic(durable=True)
def write_to_guest(
    *, order: Order | None, recipient: str, subject: str, text: str, by_id: int | None, letter_id: UUID, now: datetime
) -> bool:
    """Promise one letter, once however often it is sent off; False where it is promised already.

    `letter_id` is made when the form is opened. Whose words they are is kept with the letter.
    """
    email = mail.owe(
        WRITTEN,
        order=order,
        cause=f"{WRITTEN}:{letter_id}",
        recipient=recipient,
        context={"subject": in_one_line(subject)[:SUBJECT_LENGTH], "text": text.strip()[:TEXT_LENGTH]},
        written_by_id=by_id,
        now=now,
    )
    return Email.objects.filter(pk=email.pk).exists()


def in_one_line(subject: str) -> str:
    """Return a subject in one line: what breaks one would be a header of its own."""
    return " ".join(subject.split())


def written(email: Email) -> EmailMultiAlternatives:
    """Write the letter: the house's frame in the guest's language, and the words as they were typed."""
    letter = letters.letter_about(email, WRITTEN)
    del letter.extra_headers["Auto-Submitted"]  # a person wrote it, and may be answered
    letter.reply_to = [settings.SUPPORT_EMAIL]
    return letter
