"""The published test cards and what each does ("Testing"); no other number is accepted."""

from dataclasses import dataclass

DECLINED = "Your card was declined."
MESSAGES = {
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "incorrect_number": "Your card number is incorrect.",
    "card_velocity_exceeded": "Your card was declined for making repeated attempts too frequently or exceeding its "
    "amount limit.",
}
# Where a decline's code is not `card_declined`, it is the decline's own name.
OWN_CODES = {"expired_card", "incorrect_cvc", "processing_error", "incorrect_number"}


@dataclass(frozen=True)
class Card:
    """One test card: who issued it, and what happens when it is charged."""

    number: str
    brand: str = "visa"
    # The issuer's answer to a charge; empty where it agrees.
    decline: str = ""
    # 3-D Secure: "" (not asked), "required", "optional", "frictionless", "lookup_error".
    challenge: str = ""
    # After the charge: a dispute's reason, "inquiry" or "warning"; a refund that is slow or fails.
    dispute: str = ""
    refund: str = ""
    risk: str = "normal"
    cvc_check: str = "pass"
    zip_check: str = "pass"
    line1_check: str = "pass"
    country: str = "US"
    funding: str = "credit"

    @property
    def code(self) -> str:
        """Return the error code of this card's decline."""
        return self.decline if self.decline in OWN_CODES else "card_declined"

    @property
    def message(self) -> str:
        """Return the sentence a guest may read about this card's decline."""
        return MESSAGES.get(self.decline, DECLINED)


CARDS = {
    card.number: card
    for card in (
        Card("4242424242424242"),
        Card("4000056655665556", funding="debit"),
        Card("5555555555554444", brand="mastercard"),
        Card("5200828282828210", brand="mastercard", funding="debit"),
        Card("5105105105105100", brand="mastercard", funding="prepaid"),
        Card("378282246310005", brand="amex"),
        Card("6011111111111117", brand="discover"),
        Card("3056930009020004", brand="diners"),
        Card("3566002020360505", brand="jcb"),
        Card("6200000000000005", brand="unionpay"),
        Card("4000004840008001", country="MX"),
        Card("4000000000000077"),
        Card("4000000000000002", decline="generic_decline"),
        Card("4000000000009995", decline="insufficient_funds"),
        Card("4000000000009987", decline="lost_card"),
        Card("4000000000009979", decline="stolen_card"),
        Card("4000000000000069", decline="expired_card"),
        Card("4000000000000127", decline="incorrect_cvc"),
        Card("4000000000000119", decline="processing_error"),
        Card("4242424242424241", decline="incorrect_number"),
        Card("4000000000006975", decline="card_velocity_exceeded"),
        Card("4000000000000341", decline="generic_decline"),
        Card("4100000000000019", decline="fraudulent", risk="highest"),
        Card("4000000000004954", risk="highest"),
        Card("4000000000009235", risk="elevated"),
        Card("4000000000000101", cvc_check="fail"),
        Card("4000000000000036", zip_check="fail"),
        Card("4000000000000010", zip_check="fail", line1_check="fail"),
        Card("4000000000000028", line1_check="fail"),
        Card("4000000000000044", zip_check="unavailable", line1_check="unavailable"),
        Card("4000002500003155", challenge="required"),
        Card("4000002760003184", challenge="required"),
        Card("4000003800000446", challenge="required"),
        Card("4000008260003178", challenge="required", decline="insufficient_funds"),
        Card("4000000000003220", challenge="required"),
        Card("4000000000003063", challenge="required"),
        Card("4000008400001629", challenge="required", decline="generic_decline"),
        Card("4000008400001280", challenge="lookup_error", decline="generic_decline"),
        Card("4000000000003055", challenge="optional"),
        Card("4000000000003097", challenge="optional"),
        Card("4000000032200000", challenge="frictionless"),
        Card("4000000000000259", dispute="fraudulent"),
        Card("4000000000002685", dispute="product_not_received"),
        Card("4000000000001976", dispute="inquiry"),
        Card("4000000000005423", dispute="warning"),
        Card("4000000000007726", refund="pending"),
        Card("4000000000005126", refund="fails"),
    )
}

TOKENS = {
    "pm_card_visa": "4242424242424242",
    "pm_card_visa_debit": "4000056655665556",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_mastercard_debit": "5200828282828210",
    "pm_card_mastercard_prepaid": "5105105105105100",
    "pm_card_amex": "378282246310005",
    "pm_card_amex_threeDSecureNotSupported": "378282246310005",
    "pm_card_discover": "6011111111111117",
    "pm_card_diners": "3056930009020004",
    "pm_card_jcb": "3566002020360505",
    "pm_card_unionpay": "6200000000000005",
    "pm_card_mx": "4000004840008001",
    "pm_card_bypassPending": "4000000000000077",
    "pm_card_chargeDeclined": "4000000000000002",
    "pm_card_visa_chargeDeclined": "4000000000000002",
    "pm_card_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_visa_chargeDeclinedLostCard": "4000000000009987",
    "pm_card_visa_chargeDeclinedStolenCard": "4000000000009979",
    "pm_card_chargeDeclinedExpiredCard": "4000000000000069",
    "pm_card_chargeDeclinedIncorrectCvc": "4000000000000127",
    "pm_card_chargeDeclinedProcessingError": "4000000000000119",
    "pm_card_visa_chargeDeclinedVelocityLimitExceeded": "4000000000006975",
    "pm_card_chargeCustomerFail": "4000000000000341",
    "pm_card_radarBlock": "4100000000000019",
    "pm_card_riskLevelHighest": "4000000000004954",
    "pm_card_riskLevelElevated": "4000000000009235",
    "pm_card_cvcCheckFail": "4000000000000101",
    "pm_card_avsZipFail": "4000000000000036",
    "pm_card_avsFail": "4000000000000010",
    "pm_card_avsLine1Fail": "4000000000000028",
    "pm_card_avsUnchecked": "4000000000000044",
    "pm_card_authenticationRequiredOnSetup": "4000002500003155",
    "pm_card_authenticationRequired": "4000002760003184",
    "pm_card_authenticationRequiredSetupForOffSession": "4000003800000446",
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": "4000008260003178",
    "pm_card_threeDSecure2Required": "4000000000003220",
    "pm_card_threeDSecureRequired": "4000000000003063",
    "pm_card_threeDSecureRequiredChargeDeclined": "4000008400001629",
    "pm_card_threeDSecureRequiredProcessingError": "4000008400001280",
    "pm_card_threeDSecureOptional": "4000000000003055",
    "pm_card_createDispute": "4000000000000259",
    "pm_card_createDisputeProductNotReceived": "4000000000002685",
    "pm_card_createDisputeInquiry": "4000000000001976",
    "pm_card_createIssuerFraudRecord": "4000000000005423",
    "pm_card_pendingRefund": "4000000000007726",
    "pm_card_refundFail": "4000000000005126",
}
# A slow method: days of `processing`, then success or failure ("ACH Direct Debit", test payment methods).
BANK_TOKENS = {
    "pm_usBankAccount": "success",
    "pm_usBankAccount_success": "success",
    "pm_usBankAccount_insufficientFunds": "insufficient_funds",
    "pm_usBankAccount_processing": "processing",
}


def passes_luhn(number: str) -> bool:
    """Say whether a card number's check digit is right."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
