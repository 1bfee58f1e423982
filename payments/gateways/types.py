"""What providers tell us, in the club's words; money in integer cents."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class IntentStatus(StrEnum):
    """Where a payment intent stands."""

    OPEN = "open"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"


class SessionStatus(StrEnum):
    """Where a hosted page stands."""

    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"


class RefundStatus(StrEnum):
    """Where a refund stands at the provider."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class DisputeStatus(StrEnum):
    """Where a dispute stands."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Decline:
    """Why one attempt did not succeed, in the provider's codes; never shown to guests."""

    attempt_id: str
    code: str
    message: str

    @property
    def is_authentication(self) -> bool:
        """Say whether the bank's own check was failed or left."""
        return "authentication" in self.code


@dataclass(frozen=True, slots=True)
class Intent:
    """A payment intent as the provider shows it now."""

    id: str
    status: IntentStatus
    amount_cents: int
    received_cents: int
    currency: str
    payment_ref: str
    client_secret: str = field(default="", repr=False)
    decline: Decline | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A hosted payment page as the provider shows it now."""

    id: str
    status: SessionStatus
    is_paid: bool
    amount_cents: int
    currency: str
    payment_ref: str
    intent_id: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class ProviderRefund:
    """A refund as the provider shows it now."""

    id: str
    intent_id: str
    status: RefundStatus
    amount_cents: int
    refund_ref: str
    failure_reason: str = ""


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute as the provider shows it now."""

    id: str
    intent_id: str
    status: DisputeStatus
    amount_cents: int
    reason: str


@dataclass(frozen=True, slots=True)
class RefundsChanged:
    """Something happened to the refunds of an intent: read them. `refund` is only how one looked then."""

    intent_id: str
    refund: ProviderRefund | None = None


@dataclass(frozen=True, slots=True)
class DisputeChanged:
    """Something happened to a dispute: read it. `dispute` is only how it looked then."""

    dispute_id: str
    intent_id: str
    dispute: Dispute | None = None


Subject = Intent | Session | RefundsChanged | DisputeChanged


@dataclass(frozen=True, slots=True)
class Hint:
    """A signed event: what it tells, or nothing where we do not use its type; `about` is the provider's id of that."""

    event_id: str
    type: str
    payload: dict[str, Any]
    subject: Subject | None
    about: str = ""


@dataclass(frozen=True, slots=True)
class Charge:
    """What to ask for, and where the guest goes afterwards."""

    payment_id: str
    order_reference: str
    description: str
    email: str
    amount_cents: int
    currency: str
    language: str
    return_url: str
    cancel_url: str
    held_until: datetime


class Gateway(Protocol):
    """What every provider can do for us.

    Each method raises GatewayUnavailable where the outcome is unknown and GatewayRefused where
    the provider said no and nothing happened.
    """

    def create_intent(self, charge: Charge, *, key: str) -> Intent: ...
    def read_intent(self, intent_id: str) -> Intent: ...
    def cancel_intent(self, intent_id: str, *, key: str) -> Intent: ...
    def create_session(self, charge: Charge, *, key: str, now: datetime) -> Session: ...
    def read_session(self, session_id: str) -> Session: ...
    def expire_session(self, session_id: str, *, key: str) -> Session: ...
    def refund(self, intent_id: str, *, amount_cents: int, refund_ref: str, key: str) -> ProviderRefund: ...
    def find_intent(self, payment_ref: str, *, since: datetime) -> Intent | None: ...
    def find_session(self, payment_ref: str, *, since: datetime) -> Session | None: ...
    def list_refunds(self, intent_id: str) -> list[ProviderRefund]: ...
    def read_dispute(self, dispute_id: str) -> Dispute: ...
    def read_event(self, body: bytes, signature: str) -> Hint: ...
    def reread_event(self, payload: dict[str, Any]) -> Hint: ...
    def list_hints(self, since: datetime) -> Iterator[Hint]: ...
