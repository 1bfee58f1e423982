"""Messages to guests about their money: one function a message."""

from django.core.mail import EmailMultiAlternatives

from payments.letters import letter_about
from payments.models import Email


def refunded(email: Email) -> EmailMultiAlternatives:
    """Write that money is on its way back."""
    return letter_about(email, "refunded")


def late_payment_refunded(email: Email) -> EmailMultiAlternatives:
    """Write that money came after the places had gone, and goes back in full."""
    return letter_about(email, "late_payment_refunded")
