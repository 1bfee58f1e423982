"""Messages about tables."""

from django.core.mail import EmailMultiAlternatives

from payments.letters import letter_about
from payments.mail import Writer
from payments.models import Email
from vip import documents
from vip.models import VipReservation


def writer_of(name: str) -> Writer:
    """Return who writes one kind of message: what is in it is said by the order and its table, or kept with it."""

    def write(email: Email) -> EmailMultiAlternatives:
        return letter_about(email, name)

    return write


def table_confirmed(email: Email) -> EmailMultiAlternatives:
    """Write to the host that the table is theirs, with every pass in one PDF and the night as a calendar file."""
    order = email.order
    assert order is not None  # noqa: S101 (a message of this kind is always owed to an order)
    letter = letter_about(email, "table_confirmed")
    reservation: VipReservation = order.vip_reservation
    if reservation.is_live:
        letter.attach(f"maguey-{order.event.slug}.pdf", documents.passes_pdf(reservation), "application/pdf")
    letter.attach(f"maguey-{order.event.slug}.ics", documents.night(reservation), "text/calendar")
    return letter


WRITERS: dict[str, Writer] = {
    "table_confirmed": table_confirmed,
} | {
    name: writer_of(name)
    for name in (
        "table_sold",  # to owners: who, what is paid, what is due
        "guest_pass",  # to a guest: the link to their own pass
        "host_transfer",  # to whoever is asked to be the host
        "table_reminder",  # to the host, the day before and two hours before
        "table_moved",  # to the host: another table, the same passes
        "table_cancelled",  # to the host: what goes back
        "table_waiting_joined",  # to whoever waits: their place in the line, and how to leave it
        "table_waiting_offered",  # to whoever waited: which table is held for them, and until when
    )
}
