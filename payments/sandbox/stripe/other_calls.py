"""The endpoints of charges, refunds, disputes, sessions, events, payment methods and balance transactions."""

import stripe
import stripe.params.checkout as checkout_params

from payments.sandbox.books import Work
from payments.sandbox.json_types import Json
from payments.sandbox.store import Record
from payments.sandbox.stripe import disputes, events, listing, payment_methods, refunds, sessions
from payments.sandbox.stripe.calls import Call, Operation, check_metadata, merged_metadata, wanted
from payments.sandbox.stripe.errors import ApiError, missing_object
from payments.sandbox.stripe.intent_calls import FROM_BROWSER, PAGING
from payments.sandbox.stripe.parameters import Shape

EXPAND = frozenset({"expand"})


def retrieve_charge(work: Work, call: Call) -> Json:
    """Return a charge."""
    return wanted(work, call, "charge").body


def list_charges(work: Work, call: Call) -> Json:
    """Return a page of charges."""
    question = listing.Question("charge")
    question.equals("payment_intent", call.params.get("payment_intent"))
    return listing.page(work, question, call.params, call.url)


def create_refund(work: Work, call: Call) -> Json:
    """Refund a charge."""
    check_metadata(call.params.get("metadata"))
    return refunds.create(work, call.params).body


def retrieve_refund(work: Work, call: Call) -> Json:
    """Return a refund."""
    return wanted(work, call, "refund").body


def list_refunds(work: Work, call: Call) -> Json:
    """Return a page of refunds."""
    question = listing.Question("refund")
    for name in ("payment_intent", "charge"):
        question.equals(name, call.params.get(name))
    return listing.page(work, question, call.params, call.url)


def update_refund(work: Work, call: Call) -> Json:
    """Change a refund's metadata."""
    refund = wanted(work, call, "refund")
    check_metadata(call.params.get("metadata"))
    refunds.change(work, refund, metadata=merged_metadata(refund.body["metadata"], call.params.get("metadata")))
    return refund.body


def cancel_refund(work: Work, call: Call) -> Json:
    """Refuse: only refunds that wait for the guest can be cancelled, and cards' never do."""
    refund = wanted(work, call, "refund")
    raise ApiError(400, f"Refund {refund.id} cannot be canceled: it does not have a status of requires_action.")


def retrieve_dispute(work: Work, call: Call) -> Json:
    """Return a dispute."""
    return wanted(work, call, "dispute").body


def list_disputes(work: Work, call: Call) -> Json:
    """Return a page of disputes."""
    question = listing.Question("dispute")
    for name in ("payment_intent", "charge"):
        question.equals(name, call.params.get(name))
    return listing.page(work, question, call.params, call.url)


def update_dispute(work: Work, call: Call) -> Json:
    """Answer a dispute with evidence."""
    dispute = wanted(work, call, "dispute")
    check_metadata(call.params.get("metadata"))
    disputes.answer(work, dispute, call.params)
    return dispute.body


def close_dispute(work: Work, call: Call) -> Json:
    """Accept a dispute as lost."""
    dispute = wanted(work, call, "dispute")
    disputes.close(work, dispute, won=False)
    return dispute.body


def create_session(work: Work, call: Call) -> Json:
    """Open a Checkout Session."""
    check_metadata(call.params.get("metadata"))
    check_metadata((call.params.get("payment_intent_data") or {}).get("metadata"), "payment_intent_data[metadata]")
    return sessions.create(work, call.params).body


def wanted_session(work: Work, call: Call) -> Record:
    """Return the session named in the path."""
    return wanted(work, call, "checkout.session", "checkout.session", "session")


def retrieve_session(work: Work, call: Call) -> Json:
    """Return a session."""
    return wanted_session(work, call).body


def list_sessions(work: Work, call: Call) -> Json:
    """Return a page of sessions."""
    question = listing.Question("checkout.session")
    for name in ("payment_intent", "status"):
        question.equals(name, call.params.get(name))
    question.equals("customer_details.email", (call.params.get("customer_details") or {}).get("email"))
    return listing.page(work, question, call.params, call.url)


def session_items(work: Work, call: Call) -> Json:
    """Return a session's line items."""
    session = wanted_session(work, call)
    return listing.plain_list(session.hidden["items"], call.url, limit=int(call.params.get("limit", 10)))


def update_session(work: Work, call: Call) -> Json:
    """Change a session's metadata."""
    session = wanted_session(work, call)
    check_metadata(call.params.get("metadata"))
    session.body["metadata"] = merged_metadata(session.body["metadata"], call.params.get("metadata"))
    work.save(session)
    return session.body


def expire_session(work: Work, call: Call) -> Json:
    """Expire a session."""
    session = wanted_session(work, call)
    sessions.expire(work, session)
    return session.body


def event_shown(work: Work, record: Record) -> Json:
    """Return an event with the number of endpoints that still wait for it."""
    return record.body | {"pending_webhooks": work.books.deliveries.pending_of(record.id)}


def retrieve_event(work: Work, call: Call) -> Json:
    """Return an event, readable for 30 days."""
    event = wanted(work, call, "event")
    if event.body["created"] < work.now - events.READABLE_FOR_SECONDS:
        raise missing_object("event", event.id, "id")
    return event_shown(work, event)


def list_events(work: Work, call: Call) -> Json:
    """Return a page of the last 30 days' events, by type or by what became of their delivery."""
    params = call.params
    if "type" in params and "types" in params:
        raise ApiError(400, "You may only specify one of these parameters: type, types.")
    question = listing.Question("event")
    question.where("created >= ?", work.now - events.READABLE_FOR_SECONDS)
    types = [params["type"]] if "type" in params else params.get("types") or []
    if types:
        clauses = " OR ".join("json_extract(body, '$.type') GLOB ?" for _ in types)
        question.where(f"({clauses})", *types)
    if "delivery_success" in params:
        waiting = "EXISTS (SELECT 1 FROM deliveries d WHERE d.event = objects.id AND d.state != 'delivered')"
        question.where(f"NOT {waiting}" if params["delivery_success"] else waiting)
    return listing.page(work, question, params, call.url, lambda record: event_shown(work, record))


def create_method(work: Work, call: Call) -> Json:
    """Make a payment method from a card typed into the frame."""
    return payment_methods.from_data(work, call.params, is_public=call.is_public).body


def retrieve_method(work: Work, call: Call) -> Json:
    """Return a payment method."""
    return wanted(work, call, "payment_method", "PaymentMethod", "payment_method").body


def retrieve_transaction(work: Work, call: Call) -> Json:
    """Return a balance transaction."""
    return wanted(work, call, "balance_transaction").body


def list_transactions(work: Work, call: Call) -> Json:
    """Return a page of balance transactions."""
    question = listing.Question("balance_transaction")
    for name in ("source", "type", "currency"):
        question.equals(name, call.params.get(name))
    return listing.page(work, question, call.params, call.url)


SESSION = frozenset(
    {
        "mode", "ui_mode", "line_items.price_data.currency", "line_items.price_data.unit_amount",
        "line_items.price_data.product_data.name", "line_items.price_data.product_data.description",
        "line_items.quantity", "line_items.metadata", "allowed_payment_method_types", "excluded_payment_method_types",
        "customer_email", "customer_creation", "client_reference_id", "expires_at", "success_url", "cancel_url",
        "return_url", "metadata", "payment_intent_data.metadata", "payment_intent_data.description",
        "payment_intent_data.receipt_email", "payment_intent_data.statement_descriptor_suffix",
        "custom_text.submit.message", "custom_text.after_submit.message", "locale", "expand",
    }
)  # fmt: skip
DISPUTE = frozenset({"evidence", "metadata", "submit", "expand"})
P = stripe.params

OPERATIONS = (
    Operation("GET", "/v1/charges", list_charges, Shape(P.ChargeListParams, PAGING | {"payment_intent"})),
    Operation("GET", "/v1/charges/<id>", retrieve_charge, Shape(P.ChargeRetrieveParams, EXPAND)),
    Operation(
        "POST",
        "/v1/refunds",
        create_refund,
        Shape(P.RefundCreateParams, frozenset({"payment_intent", "charge", "amount", "reason", "metadata", "expand"})),
    ),
    Operation("GET", "/v1/refunds", list_refunds, Shape(P.RefundListParams, PAGING | {"payment_intent", "charge"})),
    Operation("GET", "/v1/refunds/<id>", retrieve_refund, Shape(P.RefundRetrieveParams, EXPAND)),
    Operation("POST", "/v1/refunds/<id>", update_refund, Shape(P.RefundUpdateParams, EXPAND | {"metadata"})),
    Operation("POST", "/v1/refunds/<id>/cancel", cancel_refund, Shape(P.RefundCancelParams, EXPAND)),
    Operation("GET", "/v1/disputes", list_disputes, Shape(P.DisputeListParams, PAGING | {"payment_intent", "charge"})),
    Operation("GET", "/v1/disputes/<id>", retrieve_dispute, Shape(P.DisputeRetrieveParams, EXPAND)),
    Operation("POST", "/v1/disputes/<id>", update_dispute, Shape(P.DisputeUpdateParams, DISPUTE)),
    Operation("POST", "/v1/disputes/<id>/close", close_dispute, Shape(P.DisputeCloseParams, EXPAND)),
    Operation("POST", "/v1/checkout/sessions", create_session, Shape(checkout_params.SessionCreateParams, SESSION)),
    Operation(
        "GET",
        "/v1/checkout/sessions",
        list_sessions,
        Shape(checkout_params.SessionListParams, PAGING | {"payment_intent", "status", "customer_details.email"}),
    ),
    Operation(
        "GET", "/v1/checkout/sessions/<id>", retrieve_session, Shape(checkout_params.SessionRetrieveParams, EXPAND)
    ),
    Operation(
        "POST",
        "/v1/checkout/sessions/<id>",
        update_session,
        Shape(checkout_params.SessionUpdateParams, EXPAND | {"metadata"}),
    ),
    Operation(
        "GET",
        "/v1/checkout/sessions/<id>/line_items",
        session_items,
        Shape(checkout_params.SessionListLineItemsParams, EXPAND | {"limit"}),
    ),
    Operation(
        "POST", "/v1/checkout/sessions/<id>/expire", expire_session, Shape(checkout_params.SessionExpireParams, EXPAND)
    ),
    Operation(
        "GET", "/v1/events", list_events, Shape(P.EventListParams, PAGING | {"type", "types", "delivery_success"})
    ),
    Operation("GET", "/v1/events/<id>", retrieve_event, Shape(P.EventRetrieveParams, EXPAND)),
    Operation(
        "POST",
        "/v1/payment_methods",
        create_method,
        Shape(
            P.PaymentMethodCreateParams,
            frozenset({"type", "card", "billing_details", "metadata", "expand"}),
            FROM_BROWSER,
        ),
        is_public=True,
    ),
    Operation("GET", "/v1/payment_methods/<id>", retrieve_method, Shape(P.PaymentMethodRetrieveParams, EXPAND)),
    Operation(
        "GET",
        "/v1/balance_transactions",
        list_transactions,
        Shape(P.BalanceTransactionListParams, PAGING | {"source", "type", "currency"}),
    ),
    Operation(
        "GET", "/v1/balance_transactions/<id>", retrieve_transaction, Shape(P.BalanceTransactionRetrieveParams, EXPAND)
    ),
)
