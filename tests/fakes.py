"""A provider that lives in memory: our gateway's promises, kept by the shortest code there is.

The sandbox shows how Stripe really behaves; this one shows what payments may rely on, fast enough
for races, crash points and state machines.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import stripe
from django.conf import settings
from django.db import connection

from payments.exceptions import GatewayRefused, GatewayUnavailable
from payments.gateways import stripe_events
from payments.gateways.types import (
    Charge,
    Decline,
    Dispute,
    DisputeStatus,
    Hint,
    Intent,
    IntentStatus,
    ProviderRefund,
    RefundStatus,
    Session,
    SessionStatus,
)
from payments.models import ProviderCall

SECRET = "whsec_maguey"


@dataclass
class Fault:
    """One thing to go wrong at the next call of a method: before it took effect, or after."""

    method: str
    after: bool
    error: Exception


@dataclass
class FakeProvider:
    """One provider's books, safe for threads."""

    intents: dict[str, Intent] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    refunds: dict[str, ProviderRefund] = field(default_factory=dict)
    disputes: dict[str, Dispute] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    refunds_start_as: RefundStatus = RefundStatus.SUCCEEDED
    first_number: int = 1
    guard: threading.RLock = field(default_factory=threading.RLock)
    at_point: Callable[[str], None] = lambda _: None  # called before and after each call takes effect

    # --- what the product calls -----------------------------------------------------------

    def create_intent(self, charge: Charge, *, key: str) -> Intent:
        with self.call("create_intent", key=key):
            if key not in self.keys:
                number = self.first_number + len(self.intents)
                self.keys[key] = f"pi_{number}"
                self.intents[self.keys[key]] = Intent(
                    id=f"pi_{number}",
                    status=IntentStatus.OPEN,
                    amount_cents=charge.amount_cents,
                    received_cents=0,
                    currency=charge.currency,
                    payment_ref=charge.payment_id,
                    client_secret=f"pi_{number}_secret",
                )
            return self.intents[self.keys[key]]

    def read_intent(self, intent_id: str) -> Intent:
        with self.call("read_intent"):
            return self.intents[intent_id]

    def cancel_intent(self, intent_id: str, *, key: str) -> Intent:
        with self.call("cancel_intent", key=key):
            if key not in self.keys:
                self.refuse_unless(key, is_open=self.intents[intent_id].status is IntentStatus.OPEN)
                self.keys[key] = intent_id
                self.intents[intent_id] = replace(self.intents[intent_id], status=IntentStatus.CANCELLED)
            return self.intents[intent_id]

    def create_session(self, charge: Charge, *, key: str, now: datetime) -> Session:
        with self.call("create_session", key=key):
            if key not in self.keys:
                number = len(self.sessions) + 1
                self.keys[key] = f"cs_{number}"
                self.sessions[self.keys[key]] = Session(
                    id=f"cs_{number}",
                    status=SessionStatus.OPEN,
                    is_paid=False,
                    amount_cents=charge.amount_cents,
                    currency=charge.currency,
                    payment_ref=charge.payment_id,
                    url=f"https://pay.example/cs_{number}",
                )
            return self.sessions[self.keys[key]]

    def read_session(self, session_id: str) -> Session:
        with self.call("read_session"):
            return self.sessions[session_id]

    def expire_session(self, session_id: str, *, key: str) -> Session:
        with self.call("expire_session", key=key):
            if key not in self.keys:
                self.refuse_unless(key, is_open=self.sessions[session_id].status is SessionStatus.OPEN)
                self.keys[key] = session_id
                self.sessions[session_id] = replace(self.sessions[session_id], status=SessionStatus.EXPIRED)
            return self.sessions[session_id]

    def refuse_unless(self, key: str, *, is_open: bool) -> None:
        """Refuse to close what is not open; a refusal stays the answer to its key."""
        if key in self.refused or not is_open:
            self.refused.add(key)
            raise GatewayRefused("it is not open")

    def refund(self, intent_id: str, *, amount_cents: int, refund_ref: str, key: str) -> ProviderRefund:
        with self.call("refund", key=key):
            if key not in self.keys:
                back = sum(
                    refund.amount_cents
                    for refund in self.refunds.values()
                    if refund.intent_id == intent_id and refund.status is not RefundStatus.FAILED
                )
                if back + amount_cents > self.intents[intent_id].received_cents:
                    raise GatewayRefused("more than was paid", provider_code="charge_already_refunded")
                self.keys[key] = self.add_refund(intent_id, amount_cents, refund_ref)
            return self.refunds[self.keys[key]]

    def find_intent(self, payment_ref: str, *, since: datetime) -> Intent | None:
        with self.call("find_intent"):
            return next((intent for intent in self.intents.values() if intent.payment_ref == payment_ref), None)

    def find_session(self, payment_ref: str, *, since: datetime) -> Session | None:
        with self.call("find_session"):
            return next((session for session in self.sessions.values() if session.payment_ref == payment_ref), None)

    def list_refunds(self, intent_id: str) -> list[ProviderRefund]:
        with self.call("list_refunds"):
            return [refund for refund in self.refunds.values() if refund.intent_id == intent_id]

    def read_dispute(self, dispute_id: str) -> Dispute:
        with self.call("read_dispute"):
            return self.disputes[dispute_id]

    def read_event(self, body: bytes, signature: str) -> Hint:
        return stripe_events.read(body, signature, secrets=settings.STRIPE_WEBHOOK_SECRETS)

    def reread_event(self, payload: dict[str, Any]) -> Hint:
        return stripe_events.hint_from(payload)

    def list_hints(self, since: datetime) -> Iterator[Hint]:
        with self.call("list_hints"):
            intents = [intent_object(intent) for intent in self.intents.values()]
            refunds = [refund_object(refund) for refund in self.refunds.values()]
            disputes = [dispute_object(dispute) for dispute in self.disputes.values()]
        for data in intents:
            yield stripe_events.hint_for_object(stripe_events.type_for_intent(data), data)
        for data in refunds:
            yield stripe_events.hint_for_object(stripe_events.type_for_refund(data), data)
        for data in disputes:
            yield stripe_events.hint_for_object(stripe_events.type_for_dispute(data), data)

    # --- what guests, banks and dashboards do ----------------------------------------------

    def pay(self, intent_id: str, *, cents: int | None = None) -> Intent:
        """Let a guest's card succeed, as an intent that is open allows."""
        with self.guard:
            intent = self.intents[intent_id]
            if intent.status is not IntentStatus.OPEN:
                raise GatewayRefused(f"{intent_id} is {intent.status}")
            amount = intent.amount_cents if cents is None else cents
            self.intents[intent_id] = replace(
                intent, status=IntentStatus.SUCCEEDED, received_cents=amount, decline=None
            )
            return self.intents[intent_id]

    def pay_session(self, session_id: str) -> Session:
        """Let a guest pay on the hosted page."""
        with self.guard:
            session = self.sessions[session_id]
            if session.status is not SessionStatus.OPEN:
                raise GatewayRefused(f"{session_id} is {session.status}")
            intent = Intent(
                id=f"pi_of_{session_id}",
                status=IntentStatus.SUCCEEDED,
                amount_cents=session.amount_cents,
                received_cents=session.amount_cents,
                currency=session.currency,
                payment_ref=session.payment_ref,
            )
            self.intents[intent.id] = intent
            self.sessions[session_id] = replace(
                session, status=SessionStatus.COMPLETE, is_paid=True, intent_id=intent.id
            )
            return self.sessions[session_id]

    def decline(self, intent_id: str, *, code: str = "generic_decline") -> Intent:
        """Let a guest's card be declined; the intent stays open."""
        with self.guard:
            attempt = Decline(attempt_id=f"ch_{time.monotonic_ns()}", code=code, message="Your card was declined.")
            self.intents[intent_id] = replace(self.intents[intent_id], decline=attempt)
            return self.intents[intent_id]

    def set_status(self, intent_id: str, status: IntentStatus) -> None:
        """Put an intent where a bank has left it."""
        with self.guard:
            self.intents[intent_id] = replace(self.intents[intent_id], status=status)

    def add_refund(self, intent_id: str, amount_cents: int, refund_ref: str = "") -> str:
        """Refund in the provider's dashboard."""
        with self.guard:
            refund_id = f"re_{len(self.refunds) + 1}"
            self.refunds[refund_id] = ProviderRefund(
                id=refund_id,
                intent_id=intent_id,
                status=self.refunds_start_as,
                amount_cents=amount_cents,
                refund_ref=refund_ref,
            )
            return refund_id

    def settle_refund(self, refund_id: str, status: RefundStatus) -> None:
        """Let a refund succeed or fail after all."""
        with self.guard:
            self.refunds[refund_id] = replace(self.refunds[refund_id], status=status)

    def dispute(self, intent_id: str, *, status: DisputeStatus = DisputeStatus.OPEN) -> str:
        """Let a bank dispute a payment, or decide it."""
        with self.guard:
            self.disputes[f"dp_{intent_id}"] = Dispute(
                id=f"dp_{intent_id}",
                intent_id=intent_id,
                status=status,
                amount_cents=self.intents[intent_id].received_cents,
                reason="fraudulent",
            )
            return f"dp_{intent_id}"

    # --- faults --------------------------------------------------------------------------------

    def fail_next(self, method: str, *, after: bool = False, error: Exception | None = None) -> None:
        """Let the next call of a method fail, before or after it took effect."""
        self.faults.append(Fault(method, after, error or GatewayUnavailable("no answer")))

    @contextmanager
    def call(self, method: str, *, key: str | None = None) -> Iterator[None]:
        """Count a call, hold the books, and raise what is to go wrong.

        Whatever writes comes through the one door: its key was committed there before it was sent.
        """
        assert not connection.in_atomic_block, f"{method} is called with a transaction open"
        assert key is None or ProviderCall.objects.filter(key=key).exists(), f"{method} did not come through the door"
        with self.guard:
            self.calls.append(method)
            fault = next((fault for fault in self.faults if fault.method == method), None)
            if fault:
                self.faults.remove(fault)
            self.at_point(f"{method}: before it is sent")
            if fault and not fault.after:
                raise fault.error
            yield
            if fault:
                raise fault.error
            self.at_point(f"{method}: done, the answer is lost")


STRIPE_STATUS = {
    IntentStatus.OPEN: "requires_payment_method",
    IntentStatus.PROCESSING: "processing",
    IntentStatus.SUCCEEDED: "succeeded",
    IntentStatus.CANCELLED: "canceled",
}


def intent_object(intent: Intent) -> dict[str, Any]:
    """Write an intent as Stripe's events carry it."""
    decline = intent.decline
    return {
        "id": intent.id,
        "object": "payment_intent",
        "status": STRIPE_STATUS[intent.status],
        "amount": intent.amount_cents,
        "amount_received": intent.received_cents,
        "currency": intent.currency,
        "metadata": {"payment_id": intent.payment_ref} if intent.payment_ref else {},
        "last_payment_error": decline
        and {"charge": decline.attempt_id, "decline_code": decline.code, "message": decline.message},
    }


def session_object(session: Session) -> dict[str, Any]:
    """Write a session as Stripe's events carry it."""
    return {
        "id": session.id,
        "object": "checkout.session",
        "status": session.status.value,
        "payment_status": "paid" if session.is_paid else "unpaid",
        "amount_total": session.amount_cents,
        "currency": session.currency,
        "client_reference_id": session.payment_ref,
        "payment_intent": session.intent_id or None,
    }


def refund_object(refund: ProviderRefund) -> dict[str, Any]:
    """Write a refund as Stripe's events carry it."""
    return {
        "id": refund.id,
        "object": "refund",
        "status": refund.status.value,
        "amount": refund.amount_cents,
        "payment_intent": refund.intent_id,
        "metadata": {"refund_id": refund.refund_ref} if refund.refund_ref else {},
    }


def dispute_object(dispute: Dispute) -> dict[str, Any]:
    """Write a dispute as Stripe's events carry it."""
    return {
        "id": dispute.id,
        "object": "dispute",
        "status": "needs_response" if dispute.status is DisputeStatus.OPEN else dispute.status.value,
        "amount": dispute.amount_cents,
        "payment_intent": dispute.intent_id,
        "reason": dispute.reason,
    }


def event_body(type_: str, data: dict[str, Any], *, event_id: str = "") -> bytes:
    """Write an event as Stripe sends it."""
    event = {"id": event_id or f"evt_{time.monotonic_ns()}", "object": "event", "type": type_, "data": {"object": data}}
    return json.dumps(event).encode()


def sign(body: bytes, *, secret: str = SECRET, at: int | None = None) -> str:
    """Sign a body with Stripe's own helper."""
    return str(stripe.WebhookSignature.generate_signature_header(body.decode(), secret, at))
