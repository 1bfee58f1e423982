"""The tables of payments, one noun a module."""

from payments.models.email import Email
from payments.models.failure import PaymentFailure
from payments.models.fulfilment import Fulfilment
from payments.models.idempotency import IdempotencyKey, ProviderCall
from payments.models.order import Order
from payments.models.payment import Payment
from payments.models.reconcile_run import ReconcileRun
from payments.models.refund import Refund, RefundItem
from payments.models.retryable import Retryable
from payments.models.webhook_event import WebhookEvent

__all__ = [
    "Email",
    "Fulfilment",
    "IdempotencyKey",
    "Order",
    "Payment",
    "PaymentFailure",
    "ProviderCall",
    "ReconcileRun",
    "Refund",
    "RefundItem",
    "Retryable",
    "WebhookEvent",
]
