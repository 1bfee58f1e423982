"""One good row of every table, for trying what the database refuses."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.contrib.auth import get_user_model
from django.db.models import Model

from owners.models import Alert, ErrorCount, ErrorLog, FailedSignIn, OwnerAssignment
from payments.models import (
    Email,
    Fulfilment,
    IdempotencyKey,
    Order,
    Payment,
    PaymentFailure,
    ProviderCall,
    Refund,
    RefundItem,
    WebhookEvent,
)
from tickets.models import (
    Event,
    NightChange,
    NightRefund,
    OrderTerms,
    PromoCode,
    PromoUse,
    RefundPolicy,
    Scan,
    Ticket,
    TicketReservation,
    TicketTransfer,
    TicketType,
    WaitingGuest,
)
from vip.models import GuestPass, Table, TableChange, VipReservation, WaitingParty

Fields = dict[str, Any]  # Any: a row's values


class Samples:
    """Rows that the database accepts; each call makes one more, with what is asked for changed."""

    def __init__(self) -> None:
        self.now = datetime.now(tz=UTC)
        users = get_user_model()
        self.user = users.objects.create(username=f"sample-{uuid4()}")
        self.night = self.row(Event)
        self.type = self.row(TicketType)
        self.order = self.row(Order)
        self.paid_payment = self.row(
            Payment, status="succeeded", processed_at=self.now, received_cents=1000, external_payment_id=f"pi_{uuid4()}"
        )
        self.ticket = self.row(Ticket)

    def row(self, model: type[Model], **changes: Any) -> Any:  # Any: a row of that model
        """Insert one row."""
        return model._default_manager.create(**{**self.defaults(model), **changes})

    def defaults(self, model: type[Model]) -> Fields:
        """Return what makes a good row of a model."""
        if tracked := getattr(model, "pgh_tracked_model", None):
            return self.record_of(model, tracked)
        return MAKERS[model](self)

    def record_of(self, model: type[Model], tracked: type[Model]) -> Fields:
        """Return what makes a good record of a row."""
        row = self.row(tracked)
        kept = {field.attname for field in model._meta.fields} & {field.attname for field in tracked._meta.fields}
        return {"pgh_obj": row, "pgh_label": "sample", **{name: getattr(row, name) for name in kept}}


def word() -> str:
    """Return a word nobody has used."""
    return uuid4().hex


MAKERS: dict[type[Model], Callable[[Samples], Fields]] = {
    Event: lambda s: {
        "slug": word(),
        "title": "Sample",
        "doors_at": s.now,
        "status": "published",
        "starts_at": s.now + timedelta(hours=1),
        "ends_at": s.now + timedelta(hours=6),
        "sales_start_at": s.now,
        "sales_end_at": s.now + timedelta(hours=5),
    },
    TicketType: lambda s: {"event": s.night, "slug": word(), "name": "Sample", "price_cents": 900, "capacity": 10},
    NightChange: lambda s: {
        "event": s.night,
        "kind": "postponed",
        "note": "Sample",
        "doors_were_at": s.now,
        "at": s.now,
    },
    NightRefund: lambda s: {"event": s.night, "order": s.row(Order), "created_at": s.now},
    PromoCode: lambda s: {"code": word().upper(), "percent": 10, "capacity": 10},
    RefundPolicy: lambda s: {"event": s.row(Event)},
    OrderTerms: lambda s: {"order": s.row(Order)},
    TicketTransfer: lambda s: {
        "ticket": s.ticket,
        "old_code": word(),
        "to_name": "Sample",
        "to_email": "sample@example.com",
        "created_at": s.now,
    },
    WaitingGuest: lambda s: {
        "ticket_type": s.type,
        "name": "Sample",
        "email": f"{word()}@example.com",
        "quantity": 1,
        "joined_at": s.now,
    },
    PromoUse: lambda s: {
        "order": s.row(Order),
        "promo": s.row(PromoCode),
        "email": "sample@example.com",
        "discount_cents": 100,
    },
    Order: lambda s: {
        "kind": "ga_ticket",
        "event": s.night,
        "name": "Sample",
        "email": "sample@example.com",
        "lines": [],
        "subtotal_cents": 900,
        "fees_cents": 100,
        "total_cents": 1000,
        "created_at": s.now,
        "expires_at": s.now,
    },
    Payment: lambda s: {
        "order": s.order,
        "provider": "stripe",
        "status": "cancelled",
        "idempotency_key": word(),
        "amount_cents": 1000,
        "currency": "usd",
        "created_at": s.now,
    },
    Refund: lambda s: {
        "payment": s.paid_payment,
        "amount_cents": 10,
        "reason": "owner",
        "cause": word(),
        "created_at": s.now,
    },
    RefundItem: lambda s: {"refund": s.row(Refund), "item": uuid4(), "amount_cents": 10},
    Fulfilment: lambda s: {"order": s.row(Order), "created_at": s.now},
    Email: lambda s: {"kind": "sample", "cause": word(), "recipient": "sample@example.com", "created_at": s.now},
    WebhookEvent: lambda s: {
        "provider": "stripe",
        "event_id": word(),
        "type": "sample",
        "payload": {},
        "received_at": s.now,
    },
    PaymentFailure: lambda s: {
        "cause": word(),
        "category": "declined",
        "severity": "info",
        "payment_type": "ga_ticket",
        "created_at": s.now,
    },
    IdempotencyKey: lambda s: {
        "scope": "sample",
        "key": word(),
        "method": "POST",
        "path": "/",
        "fingerprint": word(),
        "created_at": s.now,
    },
    ProviderCall: lambda s: {
        "operation_type": "sample",
        "operation_id": word(),
        "key": word(),
        "created_at": s.now,
        "last_used_at": s.now,
    },
    TicketReservation: lambda s: {
        "order": s.row(Order),
        "ticket_type": s.type,
        "quantity": 1,
        "expires_at": s.now,
    },
    Ticket: lambda s: {
        "order": s.row(Order),
        "event": s.night,
        "ticket_type": s.type,
        "position": 1,
        "created_at": s.now,
    },
    Scan: lambda s: {
        "code": word(),
        "kind": "first",
        "result": "sample",
        "device_scan_id": word(),
        "scanned_at": s.now,
    },
    Table: lambda s: {
        "event": s.night,
        "code": word()[:8],
        "tier": "premium",
        "section": "Sample",
        "shape": "round",
        "x": 1,
        "y": 1,
        "capacity_max": 4,
        "mode": "deposit",
        "price_cents": 1000,
    },
    VipReservation: lambda s: {
        "order": s.row(Order),
        "table": s.row(Table),
        "event": s.night,
        "party_size": 2,
        "host_name": "Sample",
        "host_email": "sample@example.com",
        "terms": {},
        "expires_at": s.now,
        "created_at": s.now,
    },
    WaitingParty: lambda s: {
        "event": s.night,
        "name": "Sample",
        "email": f"{word()}@example.com",
        "phone": "1",
        "party_size": 2,
        "joined_at": s.now,
    },
    GuestPass: lambda s: {"reservation": s.row(VipReservation), "number": 1, "created_at": s.now},
    TableChange: lambda s: {"kind": "blocked", "event": s.night, "table": s.row(Table), "at": s.now},
    FailedSignIn: lambda s: {"name_digest": word(), "step": "password", "address": "127.0.0.1", "failed_at": s.now},
    OwnerAssignment: lambda s: {"user": s.user, "role": "owner", "event": s.row(Event)},
    Alert: lambda s: {"cause": word(), "channel": "console", "title": "Sample", "created_at": s.now},
    ErrorLog: lambda s: {
        "fingerprint": word(),
        "message": "Sample",
        "function": "sample",
        "severity": "error",
        "logger": "sample",
        "count": 1,
        "first_seen_at": s.now,
        "last_seen_at": s.now,
    },
    ErrorCount: lambda s: {"error": s.row(ErrorLog), "day": s.now.date(), "count": 1},
}
