"""How a delivery is sealed: `Stripe-Signature` and the other headers."""

import hashlib
import hmac
from collections.abc import Sequence

USER_AGENT = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"


def seal(body: bytes, secrets: Sequence[str], timestamp: int) -> dict[str, str]:
    """Return the headers of one delivery attempt."""
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": USER_AGENT,
        "Accept": "*/*; q=0.5, application/xml",
        "Cache-Control": "no-cache",
        "Stripe-Signature": stripe_header(body, secrets=secrets, timestamp=timestamp),
    }


def stripe_header(body: bytes, *, secrets: Sequence[str], timestamp: int) -> str:
    """Return `t=…,v1=…` with one signature per secret ("Receive Stripe events in your webhook endpoint")."""
    signatures = [f"v1={signature(body, secret=secret, timestamp=timestamp)}" for secret in secrets]
    return ",".join([f"t={timestamp}", *signatures])


def signature(body: bytes, *, secret: str, timestamp: int) -> str:
    """Return the HMAC-SHA256 of `timestamp.body`."""
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
