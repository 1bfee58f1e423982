"""Messages about tables."""

from collections.abc import Callable

from django.core.mail import EmailMultiAlternatives

from payments.letters import letter_about
from payments.models import Email


def writer_of(name: str) -> Callable[[Email], EmailMultiAlternatives]:
    """Return who writes one kind of message: the order and its table say everything in it."""

    def write(email: Email) -> EmailMultiAlternatives:
        return letter_about(email, name)

    return write


WRITERS = {
    name: writer_of(name)
    for name in (
        "table_confirmed",  # to the host: theirs, with the way to the passes
        "table_sold",  # to owners: who, what is paid, what is due
        "guest_pass",  # to a guest: the link to their own pass
        "host_transfer",  # to whoever is asked to be the host
        "table_reminder",  # to the host, the day before and two hours before
        "table_moved",  # to the host: another table, the same passes
        "table_cancelled",  # to the host: what goes back
    )
}
