"""Which payment methods an intent or a session offers ("Dynamic payment methods")."""

from payments.sandbox.books import Work
from payments.sandbox.json_types import Json
from payments.sandbox.stripe.errors import ApiError, invalid

EXCLUSIVE = ("allowed_payment_method_types", "excluded_payment_method_types", "automatic_payment_methods")


def refuse_removed(raw: Json) -> None:
    """Refuse `payment_method_types`, which 2026-09-30.endive removed from requests."""
    if "payment_method_types" in raw:
        raise ApiError(
            400,
            "The `payment_method_types` parameter is no longer supported. Use `allowed_payment_method_types` or "
            "`excluded_payment_method_types` instead.",
            code="payment_method_types_no_longer_supported",
            param="payment_method_types",
        )


def offered(work: Work, params: Json) -> list[str]:
    """Return what the dashboard has switched on, narrowed as the request says; what does not fit is left out."""
    given = [name for name in EXCLUSIVE if params.get(name)]
    if "allowed_payment_method_types" in given and len(given) > 1:
        raise ApiError(400, f"You may only specify one of these parameters: {', '.join(given)}.", param=given[0])
    allowed = params.get("allowed_payment_method_types")
    excluded = params.get("excluded_payment_method_types") or []
    names = [
        name
        for name in work.books.config.dashboard_methods
        if name not in excluded and (not allowed or name in allowed)
    ]
    if not names:
        raise invalid("No valid payment method types for this payment.", "allowed_payment_method_types")
    return names
