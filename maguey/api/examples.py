"""What goes in and out, shown once: in the schema, and so on its pages."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer

from maguey.api.problems import CONTENT_TYPE, INVALID, problem
from payments.exceptions import GatewayUnavailable, PaymentsError
from payments.idempotency import KeyInUse, KeyMissing, KeyReused
from payments.rate_limits import RateLimited
from tickets.exceptions import SoldOut

EVENT = {
    "slug": "noche-de-cumbia",
    "title": "Noche de Cumbia",
    "tagline": "Sonideros till four",
    "venue_name": "Maguey",
    "venue_address": "3 Market Street, Wilmington, DE 19801",
    "time_zone": "America/New_York",
    "minimum_age": 21,
    "doors_at": "2027-01-16T21:00:00-05:00",
    "starts_at": "2027-01-16T22:00:00-05:00",
    "ends_at": "2027-01-17T02:00:00-05:00",
    "status": "published",
    "currency": "usd",
}
TICKET_TYPE = {
    "slug": "general",
    "name": "General",
    "description": "In at any time",
    "price_cents": 2500,
    "fee_cents": 350,
    "all_in_cents": 2850,
    "available": 250,
    "max_per_order": 8,
    "on_sale": True,
}
TABLE = {
    "code": "F1",
    "tier": "front_row",
    "section": "Before the stage",
    "shape": "rectangle",
    "x": 330,
    "y": 200,
    "capacity_min": 4,
    "capacity_max": 8,
    "mode": "deposit",
    "price_cents": 80_000,
    "minimum_spend_cents": 80_000,
    "deposit_cents": 24_000,
    "service_bps": 0,
    "tax_bps": 0,
    "gratuity_bps": 1800,
    "all_in_cents": 24_000,
    "bottles": ["Tequila reposado 750 ml", "8 mixers"],
    "status": "free",
}
NIGHT = {**EVENT, "ticket_types": [TICKET_TYPE], "tables": [TABLE]}
NEW_NIGHT = {
    "slug": "noche-de-salsa",
    "title": "Noche de Salsa",
    "status": "published",
    "doors_at": "2027-01-16T21:00:00-05:00",
    "starts_at": "2027-01-16T22:00:00-05:00",
    "ends_at": "2027-01-17T02:00:00-05:00",
    "sales_start_at": "2026-12-01T12:00:00-05:00",
    "sales_end_at": "2027-01-17T01:00:00-05:00",
    "ticket_types": [
        {"slug": "general", "name": "General", "price_cents": 2500, "fee_cents": 300, "capacity": 300},
    ],
    "with_tables": True,
}

GUEST = {"name": "Ana Ruiz", "email": "ana@example.com"}
WANTED_TICKETS = {"event": "noche-de-cumbia", "items": [{"ticket_type": "general", "quantity": 2}], **GUEST}
WANTED_TABLE = {"event": "noche-de-cumbia", "table": "F1", "party_size": 2, "guests": [{"name": "Beto"}], **GUEST}

REFERENCE = "Zk3vQ8mT1xYb7LwRnC5pAg"
HELD_TICKETS = {
    "reference": REFERENCE,
    "event": "noche-de-cumbia",
    "kind": "ga_ticket",
    "status": "pending",
    "truth": "not_charged",
    "expires_at": "2026-12-05T20:15:00-05:00",
    "lines": [
        {
            "item": "6f0c1a52-7f0e-4a1e-9d57-0c4f1b2f7a11",
            "name": "General",
            "quantity": 2,
            "unit_price_cents": 2500,
            "unit_fee_cents": 350,
            "unit_discount_cents": 0,
        }
    ],
    "subtotal_cents": 5000,
    "fees_cents": 700,
    "total_cents": 5700,
    "currency": "usd",
    "tickets": [],
    "reservation": None,
}
TICKETS = [
    {"position": 1, "ticket_type": "general", "code": "q7Rk2mX0vTn9LbYw4ZsCdA", "status": "valid"},
    {"position": 2, "ticket_type": "general", "code": "Hf3uJ8pWe1KxGt6QzNvB5g", "status": "valid"},
]
BOUGHT_TICKETS = {
    **HELD_TICKETS,
    "status": "fulfilled",
    "truth": "delivered",
    "tickets": [{**ticket, "admitted_at": None} for ticket in TICKETS],
}
PASS = {"number": 1, "name": "Ana Ruiz", "code": "yM4oVc7SlDi2RhUa9EqXtw", "version": 1, "status": "valid"}
BOUGHT_TABLE = {
    **HELD_TICKETS,
    "kind": "vip_reservation",
    "status": "fulfilled",
    "truth": "delivered",
    "lines": [
        {
            "item": "b3d7f3de-94a2-4a0d-8f6a-6a5f3f0d9c42",
            "name": "Table F1 (deposit)",
            "quantity": 1,
            "unit_price_cents": 24_000,
            "unit_fee_cents": 0,
            "unit_discount_cents": 0,
        }
    ],
    "subtotal_cents": 24_000,
    "fees_cents": 0,
    "total_cents": 24_000,
    "reservation": {
        "table": "F1",
        "status": "confirmed",
        "party_size": 2,
        "deposit_cents": 24_000,
        "balance_cents": 70_400,
        "passes": [
            {**PASS, "admitted_at": None},
            {**PASS, "number": 2, "name": "Beto", "code": "bP6nKz1FwJg8OsLr3TmYvQ", "admitted_at": None},
        ],
    },
}
STAFF_ORDER = {
    **{name: value for name, value in BOUGHT_TICKETS.items() if name != "truth"},
    **GUEST,
    "created_at": "2026-12-05T20:00:00-05:00",
    "paid_at": "2026-12-05T20:03:12-05:00",
    "disputed_at": None,
}

PAYMENT = {"payment_id": "2f1f36f0-7a4c-4b1c-9d0a-53f1c2f6d0ab"}
ELEMENTS = {**PAYMENT, "client_secret": "pi_3QeXample_secret_Kb2v"}
CHECKOUT = {**PAYMENT, "redirect_url": "https://checkout.stripe.com/c/pay/cs_test_a1B2c3"}

REFUND = {
    "id": "a0b1e8a4-4c0f-4f9d-8c55-7a3f8d8e2b10",
    "order": REFERENCE,
    "amount_cents": 2850,
    "currency": "usd",
    "reason": "owner",
    "status": "pending",
    "created_at": "2026-12-06T10:00:00-05:00",
    "succeeded_at": None,
}
FAILURE = {
    "id": "d5c0f5fb-6e0d-4a39-a5a0-1f2f4bb2a7f3",
    "category": "fulfilment",
    "severity": "critical",
    "error_code": "fulfilment_failed",
    "error_message": "OperationalError: the database did not answer",
    "payment_type": "ga_ticket",
    "order": REFERENCE,
    "event": "noche-de-cumbia",
    "customer_email": "ana@example.com",
    "amount_cents": 5700,
    "currency": "usd",
    "stripe_payment_intent_id": "pi_3QeXample",
    "stripe_event_id": "evt_1QeXample",
    "created_at": "2026-12-05T20:24:00-05:00",
    "resolved": False,
    "resolved_at": None,
    "resolution_note": "",
}
SUMS = {"revenue_cents": 24_000, "deposit_cents": 24_000, "balance_due_cents": 70_400}
TABLES = {
    **SUMS,
    "arrived": 1,
    "expected": 2,
    "tables": [
        {"table": "F1", "status": "arrived", "host": "Ana Ruiz", "party_size": 2, "arrived": 1, **SUMS},
        {"table": "F2", "status": None, "host": None, "party_size": 0, "arrived": 0, **dict.fromkeys(SUMS, 0)},
    ],
}


def shown(**values: Any) -> Any:  # Any: JSON, and drf-spectacular's own decorator
    """Show a shape by these values, each under its name."""
    return extend_schema_serializer(examples=[OpenApiExample(name_of(key), value) for key, value in values.items()])


def name_of(key: str) -> str:
    """Write a name as people read it."""
    return key.replace("_", " ").capitalize()


def refusal(error: type[PaymentsError]) -> OpenApiExample:
    """Show a no of ours as a problem document."""
    return no(error.status, error.code, error().sentence)


def no(status: int, code: str, detail: str, *, errors: Any = None) -> OpenApiExample:  # Any: JSON
    """Show a problem document as one status brings it."""
    body = problem(status, code, detail, errors=errors).data
    return OpenApiExample(code, body, status_codes=[status], media_type=CONTENT_TYPE)


PROBLEMS = [
    refusal(KeyMissing),
    no(400, "bad_filter", "What is asked for cannot be looked for."),
    no(401, "not_authenticated", "Authentication credentials were not provided."),
    no(403, "permission_denied", "This key does not run any night."),
    no(404, "not_found", "There is nothing here."),
    refusal(SoldOut),
    refusal(KeyInUse),
    no(422, "invalid", INVALID, errors={"email": ["Enter a valid email address."]}),
    refusal(KeyReused),
    no(429, "too_many_requests", RateLimited().sentence),
    refusal(GatewayUnavailable),
]
