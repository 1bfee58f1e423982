"""A cardholder's bank takes the money back, for now or for good."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from payments import charges, failures, gateways, identity, orders
from payments.failures import Category, Severity, Trouble
from payments.gateways.types import Dispute, DisputeChanged, DisputeStatus
from payments.models import Order, Payment, PaymentFailure


def sync_dispute(provider: str, changed: DisputeChanged, *, now: datetime, event_id: str = "") -> None:
    """Read a dispute from the provider and converge to it; unknown money is left alone."""
    payment_id = charges.find(provider, payment_ref="", intent_id=changed.intent_id)
    if payment_id is None:
        return
    dispute = gateways.for_provider(provider).read_dispute(changed.dispute_id)
    keep_dispute(payment_id, dispute, now=now, event_id=event_id)


@transaction.atomic(durable=True)
def keep_dispute(payment_id: UUID, dispute: Dispute, *, now: datetime, event_id: str) -> None:
    """Mark order and payment as disputed, or no longer, and tell the owners once."""
    order = orders.lock(Order.objects.get(payments=payment_id).pk)
    payment = Payment.objects.select_for_update().get(pk=payment_id)
    disputed_at = None if dispute.status is DisputeStatus.WON else payment.disputed_at or now
    payment.disputed_at = order.disputed_at = disputed_at
    payment.save(update_fields=["disputed_at"])
    order.save(update_fields=["disputed_at"])
    cause = cause_of(dispute.id)
    failures.record(
        Trouble(
            cause=cause,
            category=Category.DISPUTE,
            severity=Severity.CRITICAL,
            order=order,
            payment=payment,
            code=dispute.reason,
            message=f"The cardholder's bank disputes this payment: {dispute.reason}.",
            amount_cents=dispute.amount_cents,
        ),
        now=now,
        event_id=event_id,
    )
    if dispute.status is not DisputeStatus.OPEN:
        settle(cause, dispute, now=now)


def cause_of(dispute_id: str) -> str:
    """Name a dispute as the cause of its failure row."""
    return f"dispute:{dispute_id}"


@identity.acting(identity.SERVICE)
def settle(cause: str, dispute: Dispute, *, now: datetime) -> None:
    """Resolve the failure of a dispute that the bank has decided."""
    PaymentFailure.objects.unresolved().filter(cause=cause).update(
        resolved=True, resolved_at=now, resolution_note=f"The bank decided: {dispute.status}."
    )
