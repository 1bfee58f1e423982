"""Checkout Sessions: opened, paid once, or expired ("Create a Checkout Session")."""

from payments.sandbox.books import Work
from payments.sandbox.json_types import Json
from payments.sandbox.store import Record
from payments.sandbox.stripe import confirming, intents, method_choice, session_ends
from payments.sandbox.stripe.confirming import Attempt
from payments.sandbox.stripe.errors import ApiError, invalid, missing_parameter

SHORTEST_LIFE = 30 * 60
LONGEST_LIFE = 24 * 3600
EMPTY: Json = dict.fromkeys(
    (
        "adaptive_pricing", "after_expiration", "allow_promotion_codes", "billing_address_collection",
        "branding_settings", "client_secret", "collected_information", "consent", "consent_collection",
        "currency_conversion", "customer", "customer_account", "customer_details", "integration_identifier", "invoice",
        "locale", "origin_context", "payment_intent", "payment_link", "payment_method_configuration_details",
        "permissions", "recovered_from", "saved_payment_method_options", "setup_intent", "shipping_address_collection",
        "shipping_cost", "submit_type", "subscription", "wallet_options",
    )
)  # fmt: skip


def create(work: Work, params: Json) -> Record:
    """Open a session over its line items."""
    mode = params.get("ui_mode", "hosted_page")
    check_addresses(params, mode)
    items = [line_item(work, item, place) for place, item in enumerate(params.get("line_items") or [])]
    if not items:
        raise missing_parameter("line_items")
    currency = items[0]["currency"]
    if any(item["currency"] != currency for item in items):
        raise invalid("All line items must have the same currency.", "line_items")
    total = sum(item["amount_total"] for item in items)
    intents.check_amount(total, currency, "line_items")
    body = new_body(work, params, mode)
    body |= {
        "amount_subtotal": total,
        "amount_total": total,
        "currency": currency,
        "expires_at": expiry_of(work, params),
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "excluded_payment_method_types": params.get("excluded_payment_method_types"),
        "payment_method_types": method_choice.offered(work, params),
    }
    hidden = {"items": items, "intent": params.get("payment_intent_data") or {}}
    return work.add("checkout.session", body, hidden)


def check_addresses(params: Json, mode: str) -> None:
    """Refuse a session whose pages lead nowhere."""
    if params["mode"] != "payment":
        raise ApiError(404, "SANDBOX: not built: mode other than payment", code="sandbox_not_built", param="mode")
    if mode not in ("hosted_page", "elements"):
        raise ApiError(404, f"SANDBOX: not built: ui_mode {mode}", code="sandbox_not_built", param="ui_mode")
    needed = "success_url" if mode == "hosted_page" else "return_url"
    if not params.get(needed):
        raise missing_parameter(needed)
    for name in ("success_url", "cancel_url", "return_url"):
        if name in params and not str(params[name]).startswith(("http://", "https://")):
            raise invalid("Not a valid URL", name, "url_invalid")
    if len(params.get("client_reference_id") or "") > 200:
        raise invalid("Invalid string: client_reference_id must be at most 200 characters", "client_reference_id")


def new_body(work: Work, params: Json, mode: str) -> Json:
    """Return an open session before its amounts."""
    id_ = f"cs_test_a1{work.ids.word(56)}"
    is_hosted = mode == "hosted_page"
    text = dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance"))
    return EMPTY | {
        "id": id_,
        "object": "checkout.session",
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "client_secret": None if is_hosted else f"{id_}_secret_{work.ids.word(32)}",
        "created": work.now,
        "custom_fields": [],
        "custom_text": {**text, **(params.get("custom_text") or {})},
        "customer_creation": params.get("customer_creation") or "if_required",
        "customer_email": params.get("customer_email"),
        "discounts": [],
        "invoice_creation": {
            "enabled": False,
            "invoice_data": {
                **dict.fromkeys(("account_tax_ids", "custom_fields", "description", "footer", "issuer")),
                "metadata": {},
                "rendering_options": None,
            },
        },
        "livemode": False,
        "locale": params.get("locale"),
        "metadata": params.get("metadata") or {},
        "mode": "payment",
        "payment_method_collection": "if_required",
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_status": "unpaid",
        "phone_number_collection": {"enabled": False},
        "return_url": params.get("return_url"),
        "shipping_options": [],
        "status": "open",
        "success_url": params.get("success_url"),
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": mode,
        "url": f"{work.books.config.public_url}/c/pay/{id_}" if is_hosted else None,
    }


def expiry_of(work: Work, params: Json) -> int:
    """Return when the session ends: 30 minutes to 24 hours from now."""
    expires_at = int(params.get("expires_at", work.now + LONGEST_LIFE))
    if expires_at < work.now + SHORTEST_LIFE:
        raise invalid(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.", "expires_at"
        )
    if expires_at > work.now + LONGEST_LIFE:
        raise invalid(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.", "expires_at"
        )
    return expires_at


def line_item(work: Work, item: Json, place: int) -> Json:
    """Return one line with the price made for it."""
    data = item.get("price_data")
    where = f"line_items[{place}]"
    if data is None:
        raise ApiError(404, "SANDBOX: not built: line items by price id", code="sandbox_not_built", param=where)
    if "unit_amount" not in data:
        raise missing_parameter(f"{where}[price_data][unit_amount]")
    if "product_data" not in data:
        raise missing_parameter(f"{where}[price_data][product_data]")
    quantity, unit = int(item.get("quantity", 1)), int(data["unit_amount"])
    if unit < 0 or quantity < 1:
        raise invalid("Invalid non-negative integer", f"{where}[price_data][unit_amount]", "parameter_invalid_integer")
    currency = data["currency"].lower()
    return {
        "id": work.ids.make("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": unit * quantity,
        "amount_tax": 0,
        "amount_total": unit * quantity,
        "currency": currency,
        "description": data["product_data"]["name"],
        "metadata": item.get("metadata") or {},
        "price": price_of(work, unit, currency),
        "quantity": quantity,
    }


def price_of(work: Work, unit: int, currency: str) -> Json:
    """Return the one-time price behind a line."""
    return {
        "id": work.ids.make("price"),
        "object": "price",
        "active": False,
        "billing_scheme": "per_unit",
        "created": work.now,
        "currency": currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": work.ids.make("prod", 14),
        "recurring": None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": unit,
        "unit_amount_decimal": str(unit),
    }


def expire(work: Work, session: Record) -> None:
    """Expire an open session; any other refuses ("Expire a Checkout Session")."""
    status = session.body["status"]
    if status != "open":
        raise ApiError(
            400,
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of `{status}`.",
        )
    session_ends.expire(work, session)


def expire_overdue(work: Work) -> None:
    """Expire every open session whose time is over."""
    rows = work.store.rows(
        "SELECT id FROM objects WHERE kind = 'checkout.session' AND json_extract(body, '$.status') = 'open'"
        " AND json_extract(body, '$.expires_at') <= ?",
        work.now,
    )
    for row in rows:
        session = work.store.find(row["id"], "checkout.session")
        if session:
            session_ends.expire(work, session)


def intent_of(work: Work, session: Record) -> Record:
    """Return the session's payment intent, made when payment is first attempted."""
    if found := work.store.find(session.body["payment_intent"] or "", "payment_intent"):
        return found
    data = session.hidden["intent"]
    values = {
        "amount": session.body["amount_total"],
        "currency": session.body["currency"],
        "payment_method_types": session.body["payment_method_types"],
        "description": data.get("description"),
        "metadata": data.get("metadata"),
        "receipt_email": data.get("receipt_email"),
        "statement_descriptor_suffix": data.get("statement_descriptor_suffix"),
    }
    intent = intents.make(work, values, {"session": session.id})
    session.body["payment_intent"] = intent.id
    work.save(session)
    return intent


def pay(work: Work, session: Record, attempt: Attempt) -> Record:
    """Try to pay an open session; expire and pay take one lock, so exactly one of them wins."""
    if session.body["status"] != "open":
        raise ApiError(400, f"This Checkout Session has a status of `{session.body['status']}`.")
    intent = intent_of(work, session)
    confirming.confirm(work, intent, attempt)
    return intent
