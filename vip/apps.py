"""Tables' place in the line of apps."""

from django.apps import AppConfig


class VipConfig(AppConfig):
    """Tables for the night."""

    name = "vip"

    def ready(self) -> None:
        """Register tables as a product and their passes at the door, and who writes their letters."""
        from payments import mail, products
        from tickets import admissions
        from tickets import nights as whole_nights
        from vip import admitting, emails, fulfilment, nights

        products.register(fulfilment.PRODUCT)
        admissions.register(admitting.PASSES)
        whole_nights.register(nights.move_arrivals)
        for kind, writer in emails.WRITERS.items():
            mail.register(kind, writer)
