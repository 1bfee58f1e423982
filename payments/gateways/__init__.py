"""The only code that knows Stripe or PayPal; nothing here touches our models."""

from payments.exceptions import GatewayRefused
from payments.gateways.stripe import StripeGateway
from payments.gateways.types import Gateway


def for_provider(provider: str) -> Gateway:
    """Return the gateway that speaks to a provider.

    Raises GatewayRefused for a provider we do not sell through.
    """
    if provider == "stripe":
        return StripeGateway()
    raise GatewayRefused(f"no gateway for {provider}")
