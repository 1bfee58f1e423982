"""Tickets' place in the line of apps."""

from django.apps import AppConfig


class TicketsConfig(AppConfig):
    """The night, what is sold for it, and the door."""

    name = "tickets"

    def ready(self) -> None:
        """Register tickets as a product and at the door, and who writes its letters."""
        from payments import mail, products, purging
        from tickets import admissions, door, emails, finding, fulfilment, holds, transfers, waiting

        products.register(fulfilment.PRODUCT)
        purging.register(holds.released_before)
        admissions.register(door.TICKETS)
        mail.register(fulfilment.CONFIRMATION, emails.tickets_ready)
        mail.register(finding.KIND, emails.find_my_tickets)
        mail.register(transfers.GIVEN, emails.ticket_given)
        mail.register(transfers.RECEIVED, emails.ticket_received)
        mail.register(waiting.JOINED, emails.waiting_joined)
        mail.register(waiting.OFFERED, emails.waiting_offered)
