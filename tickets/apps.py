"""Tickets' place in the line of apps."""

from django.apps import AppConfig


class TicketsConfig(AppConfig):
    """The night, what is sold for it, and the door."""

    name = "tickets"

    def ready(self) -> None:
        """Register tickets as a product."""
        from payments import products
        from tickets import fulfilment

        products.register(fulfilment.PRODUCT)
