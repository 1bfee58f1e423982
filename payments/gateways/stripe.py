"""Stripe: requests out."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, TypeVar

import stripe
from django.conf import settings
from django.utils import timezone

from payments.exceptions import GatewayRefused, GatewayUnavailable, KeyMismatch, SavedServerError
from payments.gateways import stripe_events, stripe_objects
from payments.gateways.types import Charge, Dispute, Hint, Intent, ProviderRefund, Session

# Only what is decided at once: a voucher or a bank transfer would outlive the hold.
# Apple Pay, Google Pay and Link travel as cards. Since 2026-09-30.endive a list is given by
# `allowed_payment_method_types`; `payment_method_types` is refused.
IMMEDIATE_METHODS: list[Literal["card"] | str] = ["card"]
CONNECT_AND_READ_SECONDS = (3.05, 10.0)
# Stripe's minimum is 30 minutes; the slack covers the request's own time. Our hold is shorter:
# the page is expired through the API when the hold ends ("Manage limited inventory").
SESSION_LIFE = timedelta(minutes=31)
STATEMENT_LENGTH = 1000
CLOCKS_DIFFER_SECONDS = 300

T = TypeVar("T")


@lru_cache(maxsize=4)
def make_client(api_key: str, api_base: str) -> stripe.StripeClient:
    """Return a client that gives up soon enough for a guest who waits."""
    return stripe.StripeClient(
        api_key,
        base_addresses={"api": api_base},
        max_network_retries=1,
        http_client=stripe.RequestsClient(timeout=CONNECT_AND_READ_SECONDS),
    )


def client() -> stripe.StripeClient:
    """Return the client of this process."""
    return make_client(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)


def ask(request: Callable[[], T]) -> T:
    """Make one request and name its failure as one of ours.

    Raises GatewayRefused where Stripe said no, SavedServerError where it will repeat a server
    error for this key, KeyMismatch where the key came with other parameters before, GatewayUnavailable
    where the outcome is unknown ("Low-level errors").
    """
    try:
        return request()
    except (stripe.InvalidRequestError, stripe.CardError, stripe.PermissionError) as error:
        raise GatewayRefused(str(error), provider_code=error.code or "") from error
    except stripe.AuthenticationError as error:
        raise GatewayUnavailable("Stripe does not accept our key") from error
    except stripe.IdempotencyError as error:
        raise KeyMismatch(str(error)) from error
    except stripe.StripeError as error:
        if (error.headers or {}).get("Idempotent-Replayed") == "true" and (error.http_status or 0) >= 500:
            raise SavedServerError(str(error)) from error
        raise GatewayUnavailable(str(error)) from error


class StripeGateway:
    """Stripe as payments knows a provider."""

    def create_intent(self, charge: Charge, *, key: str) -> Intent:
        """Create the payment intent for the Payment Element, or get the same one again."""
        params: stripe.params.PaymentIntentCreateParams = {
            "amount": charge.amount_cents,
            "currency": charge.currency,
            "allowed_payment_method_types": IMMEDIATE_METHODS,
            "description": charge.description[:STATEMENT_LENGTH],
            "metadata": metadata_of(charge),
        }
        intent = ask(lambda: client().v1.payment_intents.create(params, {"idempotency_key": key}))
        return stripe_objects.intent_from(intent.to_dict())

    def read_intent(self, intent_id: str) -> Intent:
        """Read a payment intent as it stands now."""
        return stripe_objects.intent_from(ask(lambda: client().v1.payment_intents.retrieve(intent_id)).to_dict())

    def cancel_intent(self, intent_id: str, *, key: str) -> Intent:
        """Cancel a payment intent."""
        intent = ask(
            lambda: client().v1.payment_intents.cancel(
                intent_id, {"cancellation_reason": "abandoned"}, {"idempotency_key": key}
            )
        )
        return stripe_objects.intent_from(intent.to_dict())

    def create_session(self, charge: Charge, *, key: str, now: datetime) -> Session:
        """Create the hosted Checkout page, or get the same one again.

        `now` must be the same at every repeat of one key (Stripe compares the parameters).
        """
        params: stripe.params.checkout.SessionCreateParams = {
            "mode": "payment",
            "ui_mode": "hosted_page",
            "allowed_payment_method_types": IMMEDIATE_METHODS,
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": charge.currency,
                        "unit_amount": charge.amount_cents,
                        "product_data": {"name": charge.description[:250]},
                    },
                }
            ],
            "customer_email": charge.email,
            "client_reference_id": charge.payment_id,
            "expires_at": int((now + SESSION_LIFE).timestamp()),
            "success_url": charge.return_url,
            "cancel_url": charge.cancel_url,
            "metadata": metadata_of(charge),
            # A session's metadata does not reach its payment intent by itself.
            "payment_intent_data": {"metadata": metadata_of(charge)},
            "custom_text": {"submit": {"message": deadline_sentence(charge)}},
        }
        session = ask(lambda: client().v1.checkout.sessions.create(params, {"idempotency_key": key}))
        return stripe_objects.session_from(session.to_dict())

    def read_session(self, session_id: str) -> Session:
        """Read a hosted page as it stands now."""
        return stripe_objects.session_from(ask(lambda: client().v1.checkout.sessions.retrieve(session_id)).to_dict())

    def expire_session(self, session_id: str, *, key: str) -> Session:
        """Close a hosted page."""
        session = ask(lambda: client().v1.checkout.sessions.expire(session_id, {}, {"idempotency_key": key}))
        return stripe_objects.session_from(session.to_dict())

    def refund(self, intent_id: str, *, amount_cents: int, refund_ref: str, key: str) -> ProviderRefund:
        """Send money back, or get the same refund again."""
        params: stripe.params.RefundCreateParams = {
            "payment_intent": intent_id,
            "amount": amount_cents,
            "metadata": {"refund_id": refund_ref},
        }
        refund = ask(lambda: client().v1.refunds.create(params, {"idempotency_key": key}))
        return stripe_objects.refund_from(refund.to_dict())

    def find_intent(self, payment_ref: str, *, since: datetime) -> Intent | None:
        """Look through the intents made since then for the one that names our payment.

        Listed, not searched: Stripe's search may be a minute behind ("Search").
        """
        since_then = int(since.timestamp()) - CLOCKS_DIFFER_SECONDS
        for intent in ask(lambda: list(client().v1.payment_intents.list(page_of(since_then)).auto_paging_iter())):
            found = stripe_objects.intent_from(intent.to_dict())
            if found.payment_ref == payment_ref:
                return found
        return None

    def find_session(self, payment_ref: str, *, since: datetime) -> Session | None:
        """Look through the hosted pages made since then for the one that names our payment."""
        since_then = int(since.timestamp()) - CLOCKS_DIFFER_SECONDS
        for session in ask(lambda: list(client().v1.checkout.sessions.list(page_of(since_then)).auto_paging_iter())):
            found = stripe_objects.session_from(session.to_dict())
            if found.payment_ref == payment_ref:
                return found
        return None

    def list_refunds(self, intent_id: str) -> list[ProviderRefund]:
        """Read every refund of a payment intent as it stands now."""
        page = ask(lambda: client().v1.refunds.list({"payment_intent": intent_id, "limit": 100}))
        return [stripe_objects.refund_from(refund.to_dict()) for refund in page.data]

    def read_dispute(self, dispute_id: str) -> Dispute:
        """Read a dispute as it stands now."""
        return stripe_objects.dispute_from(ask(lambda: client().v1.disputes.retrieve(dispute_id)).to_dict())

    def read_event(self, body: bytes, signature: str) -> Hint:
        """Verify a delivery's signature and say what it is about. Raises SignatureRefused."""
        return stripe_events.read(body, signature, secrets=settings.STRIPE_WEBHOOK_SECRETS)

    def reread_event(self, payload: dict[str, Any]) -> Hint:
        """Say again what a kept, once verified event is about."""
        return stripe_events.hint_from(payload)

    def list_hints(self, since: datetime) -> Iterator[Hint]:
        """Page through payment intents, refunds and disputes made since then, as if each had been an event.

        Objects are listed, not events: an event that was never made is found too ("Handle
        irrecoverable events").
        """
        v1 = client().v1
        since_then = int(since.timestamp())
        for intent in ask(lambda: list(v1.payment_intents.list(page_of(since_then)).auto_paging_iter())):
            data = intent.to_dict()
            yield stripe_events.hint_for_object(stripe_events.type_for_intent(data), data)
        for refund in ask(lambda: list(v1.refunds.list(page_of(since_then)).auto_paging_iter())):
            data = refund.to_dict()
            yield stripe_events.hint_for_object(stripe_events.type_for_refund(data), data)
        for dispute in ask(lambda: list(v1.disputes.list(page_of(since_then)).auto_paging_iter())):
            data = dispute.to_dict()
            yield stripe_events.hint_for_object(stripe_events.type_for_dispute(data), data)


def page_of(since: int) -> Any:  # Any: the SDK has a type of its own for each list's equal parameters
    """Ask a list for its largest page of what was created since a moment."""
    return {"created": {"gte": since}, "limit": 100}


def metadata_of(charge: Charge) -> dict[str, str]:
    """Return our own ids, by which an object we never heard back about is recognised."""
    return {"payment_id": charge.payment_id, "order": charge.order_reference}


def deadline_sentence(charge: Charge) -> str:
    """Tell the guest on Stripe's page when the places go back (that page does not count down)."""
    return f"Your places are held until {timezone.localtime(charge.held_until):%H:%M}, venue time."
