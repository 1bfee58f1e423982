"""How a delivery is signed: `Stripe-Signature`."""

import hashlib
import hmac
from collections.abc import Sequence


def stripe_header(body: bytes, *, secrets: Sequence[str], timestamp: int) -> str:
    """Return `t=…,v1=…` with one signature per secret ("Receive Stripe events in your webhook endpoint")."""
    signatures = [f"v1={signature(body, secret=secret, timestamp=timestamp)}" for secret in secrets]
    return ",".join([f"t={timestamp}", *signatures])


def signature(body: bytes, *, secret: str, timestamp: int) -> str:
    """Return the HMAC-SHA256 of `timestamp.body`."""
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
