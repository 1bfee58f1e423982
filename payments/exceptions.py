"""Every way payments says no; a docstring is the sentence a guest may read."""

from typing import ClassVar


class PaymentsError(Exception):
    """Something went wrong on our side. Please try again."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 409

    @property
    def sentence(self) -> str:
        """Return the sentence a guest may read."""
        return (type(self).__doc__ or "").strip()


class IllegalMove(PaymentsError):
    """This can no longer be done."""

    code = "illegal_move"


class OrderExpired(PaymentsError):
    """Your time to pay ran out and your places went back on sale. Nothing was charged."""

    code = "hold_expired"


class OrderClosed(PaymentsError):
    """This order is closed. Nothing more can be paid for it."""

    code = "order_closed"


class AlreadyPaid(PaymentsError):
    """This order is already paid."""

    code = "already_paid"


class AlreadyExtended(PaymentsError):
    """You have already had your extra time."""

    code = "already_extended"


class PaymentInProgress(PaymentsError):
    """Your bank is still deciding about this payment. Please wait a moment."""

    code = "payment_in_progress"


class PaymentDeclined(PaymentsError):
    """Payment failed. Please try again."""

    code = "payment_declined"
    status = 402


class StillBusy(PaymentsError):
    """We are still busy with your last tap. Please try once more in a moment."""

    code = "still_busy"


class GatewayUnavailable(PaymentsError):
    """We cannot reach the payment service right now. You have not been charged. Please try again."""

    code = "provider_unavailable"
    status = 503


class SavedServerError(GatewayUnavailable):
    """We cannot reach the payment service right now. You have not been charged. Please try again."""


class KeyMismatch(GatewayUnavailable):
    """We cannot reach the payment service right now. You have not been charged. Please try again."""


class GatewayRefused(PaymentsError):
    """The payment service did not accept this. You have not been charged."""

    code = "provider_refused"
    status = 502

    def __init__(self, message: str, *, provider_code: str = "") -> None:
        super().__init__(message)
        self.provider_code = provider_code


class RefundTooLarge(PaymentsError):
    """That is more than was paid."""

    code = "refund_too_large"
    status = 422


class NothingToRefund(PaymentsError):
    """Nothing of this can be refunded any more."""

    code = "nothing_to_refund"


class SignatureRefused(PaymentsError):
    """This message is not signed by the provider."""

    code = "bad_signature"
    status = 400


class FulfilmentFailed(PaymentsError):
    """Your payment arrived and your tickets are on the way."""

    code = "fulfilment_failed"
