"""Messages to guests about their tickets: one function a message."""

from django.core.mail import EmailMultiAlternatives

from payments.letters import letter_about
from payments.models import Email
from tickets.documents import calendar, pdf


def tickets_ready(email: Email) -> EmailMultiAlternatives:
    """Write the confirmation, with every ticket of the order in one PDF and the night as a calendar file."""
    order = email.order
    assert order is not None  # noqa: S101 (a message of this kind is always owed to an order)
    letter = letter_about(email, "tickets_ready")
    if pdf.kept_by_buyer(order).exists():
        letter.attach(f"maguey-{order.event.slug}.pdf", pdf.order_pdf(order), "application/pdf")
    letter.attach(f"maguey-{order.event.slug}.ics", calendar.order_calendar(order), "text/calendar")
    return letter


def find_my_tickets(email: Email) -> EmailMultiAlternatives:
    """Write the way back to an order."""
    return letter_about(email, "find_my_tickets")


def waiting_joined(email: Email) -> EmailMultiAlternatives:
    """Write that somebody is in the line, and how to leave it."""
    return letter_about(email, "waiting_joined")


def waiting_offered(email: Email) -> EmailMultiAlternatives:
    """Write that places have come back and until when they are held."""
    return letter_about(email, "waiting_offered")


def ticket_given(email: Email) -> EmailMultiAlternatives:
    """Write to a buyer that one of their tickets is somebody else's now."""
    return letter_about(email, "ticket_given")


def ticket_received(email: Email) -> EmailMultiAlternatives:
    """Write to a friend that a ticket is theirs, and where it is."""
    return letter_about(email, "ticket_received")


def night_postponed(email: Email) -> EmailMultiAlternatives:
    """Write that a night has a new date, what stays valid, and until when everything can go back."""
    order = email.order
    assert order is not None  # noqa: S101 (a message of this kind is always owed to an order)
    letter = letter_about(email, "night_postponed")
    letter.attach(f"maguey-{order.event.slug}.ics", calendar.order_calendar(order), "text/calendar")
    return letter
