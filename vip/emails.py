"""Messages about tables: one function a message."""

from collections.abc import Callable

from django.core.mail import EmailMultiAlternatives

from payments.letters import letter_about
from payments.models import Email


def table_confirmed(email: Email) -> EmailMultiAlternatives:
    """Write the host's confirmation, with the way to the passes."""
    return letter_about(email, "table_confirmed")


def table_sold(email: Email) -> EmailMultiAlternatives:
    """Write to an owner that a table is sold, and what is paid and due."""
    return letter_about(email, "table_sold")


WRITERS: dict[str, Callable[[Email], EmailMultiAlternatives]] = {
    "table_confirmed": table_confirmed,
    "table_sold": table_sold,
}
