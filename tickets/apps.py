"""Tickets' place in the line of apps."""

from django.apps import AppConfig


class TicketsConfig(AppConfig):
    """The night, what is sold for it, and the door."""

    name = "tickets"

    def ready(self) -> None:
        """Register tickets as a product and at the door, and who writes its letters."""
        from payments import mail, products, purging, retrying
        from tickets import admissions, door, emails, finding, fulfilment, holds, nights, transfers, waiting
        from tickets.models import NightRefund

        products.register(fulfilment.PRODUCT)
        retrying.register(retrying.Work(nights.KIND, NightRefund, "money", nights.give_back, nights.give_up))
        purging.register(holds.released_before)
        admissions.register(door.TICKETS)
        mail.register(fulfilment.CONFIRMATION, emails.tickets_ready)
        mail.register(finding.KIND, emails.find_my_tickets)
        mail.register(transfers.GIVEN, emails.ticket_given)
        mail.register(transfers.RECEIVED, emails.ticket_received)
        mail.register(waiting.JOINED, emails.waiting_joined)
        mail.register(waiting.OFFERED, emails.waiting_offered)
        mail.register(nights.POSTPONED_LETTER, emails.night_postponed)
