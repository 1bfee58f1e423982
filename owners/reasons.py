"""What went wrong, in the words an owner would use, whatever the provider called it."""

from payments.models import PaymentFailure

REFUSED = "The bank refused, without a reason"
REASONS = {
    "insufficient_funds": "Not enough money on the card",
    "card_velocity_exceeded": "Over the card's limit",
    "withdrawal_count_limit_exceeded": "Over the card's limit",
    "expired_card": "The card has expired",
    "invalid_expiry_month": "The expiry date was wrong",
    "invalid_expiry_year": "The expiry date was wrong",
    "incorrect_cvc": "The security code was wrong",
    "invalid_cvc": "The security code was wrong",
    "incorrect_number": "The card number was wrong",
    "invalid_number": "The card number was wrong",
    "incorrect_zip": "The postcode was wrong",
    "lost_card": "The card was reported lost",
    "stolen_card": "The card was reported stolen",
    "pickup_card": "The card was reported lost or stolen",
    "fraudulent": "Stopped as fraud",
    "highest_risk_level": "Stopped as fraud",
    "card_not_supported": "The card cannot be used for this",
    "currency_not_supported": "The card cannot pay in this currency",
    "transaction_not_allowed": "The bank does not allow it",
    "do_not_honor": REFUSED,
    "generic_decline": REFUSED,
    "card_declined": REFUSED,
    "try_again_later": "The bank could not be reached",
    "issuer_not_available": "The bank could not be reached",
    "processing_error": "The bank could not be reached",
    "authentication_required": "The bank's check was not passed",
    "payment_intent_authentication_failure": "The bank's check was not passed",
    "provider_unavailable": "The payment service did not answer",
    "provider_unreachable": "The payment service does not answer at all",
    "fulfilment_failed": "Paid, and the tickets could not be made",
    "amount_mismatch": "Another amount came than was asked for",
    "regained": "Paid late; the places were still free and are theirs",
    "refunded": "Sent back by itself",
    "refund_failed": "The money could not be sent back",
    "unknown_payment": "Money came for no order of ours",
    "still_processing": "The bank has not decided yet",
    "email_failed": "A message could not be sent",
    "email_bounced": "A message came back",
    "email_delivery_failing": "Mail does not go out",
    "webhook_failed": "An event of the payment service could not be applied",
    "webhook_backlog": "Events of the payment service are waiting",
    "sign_in_attack": "Somebody tries to sign in as one of us",
    "database_unreachable": "The database did not answer",
    "webhook_silence": "Guests pay, and the payment service tells nothing",
    "books_differ": "The payment service's books and ours differ",
    "duplicate_tickets": "An order had too many tickets",
    "night_refund_failed": "An order of a cancelled night could not be sent back",
}
ERRORS = {
    "FulfilmentFailed": "the tickets could not be made",
    "GatewayUnavailable": "the payment service did not answer",
    "SavedServerError": "the payment service answered with an error of its own",
    "KeyMismatch": "the payment service knows this request by other figures",
    "SoldOut": "the places are gone",
    "TableTaken": "the table is gone",
    "EventTooEarly": "the payment it is about has not arrived yet",
    "OperationalError": "the database was busy",
    "SMTPException": "the mail server refused it",
    "ConnectionRefusedError": "nobody answered",
    "TimeoutError": "no answer came in time",
    "SoftTimeLimitExceeded": "it took too long",
}
NOTHING_YET = "Not tried yet"


def of_failure(failure: PaymentFailure) -> str:
    """Say why, in plain words."""
    return of_code(failure.category, failure.error_code)


def of_code(category: str, code: str) -> str:
    """Say what a code means; one nobody knows is called by its category."""
    return REASONS.get(code) or str(PaymentFailure.Category(category).label)


def of_error(last_error: str) -> str:
    """Say what a try died of: our own word for it first, then what it said itself."""
    if not last_error:
        return NOTHING_YET
    name, _, said = last_error.partition(": ")
    words = ERRORS.get(name.rpartition(".")[2])
    if words is None:
        return last_error
    return f"{words}: {said}" if said else words
