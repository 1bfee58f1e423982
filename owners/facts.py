"""What the database knows of one order, from whichever table, read in one round trip.

Records say what was done, when and by whom. Rows say it too, less exactly: so that an order from before the
recording has a story, and so that what is a row of its own (a scan, an event) has its place in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db.models import (
    BooleanField,
    Case,
    CharField,
    DateTimeField,
    F,
    IntegerField,
    JSONField,
    Model,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    UUIDField,
    Value,
    When,
)
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, JSONObject

from owners.models import Alert
from payments.models import Email, Fulfilment, Order, Payment, PaymentFailure, Refund, WebhookEvent
from payments.models.email import WRITTEN
from tickets.models import NightChange, Scan, Ticket, TicketReservation, TicketTransfer
from vip.models import GuestPass, TableChange, VipReservation

Told = dict[str, Any]  # Any: JSON
Rows = QuerySet[Any, Any]  # Any: rows of any of these tables
REPLAYED = "Replayed."
AT_ONCE = timedelta(minutes=1)
KINDS = (
    *("night", "change", "event", "payment", "order", "failure", "refund", "fulfilment"),
    *("hold", "party", "ticket", "pass", "scan", "email", "alert"),
)
# Letters that are owed together with the goods.
WITH_GOODS = ("tickets_ready", "table_confirmed", "table_sold")


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known: `kind` of row, which `row`, what was done to it, when and by whom; `told` beside it."""

    kind: str
    label: str
    row: UUID
    at: datetime
    by: Told | None
    person: str | None
    told: Told
    is_record: bool


def of_order(order: Order, payments: list[Payment]) -> list[Fact]:
    """Read every fact of an order, oldest first; what a record says, no row says again."""
    first, *others = chain(records(order.pk), rows(order, payments))
    read = (Fact(*values) for values in first.union(*others, all=True))
    found = list(chain(of_payments(payments), of_the_order(order), of_party(order), read))
    recorded = {(fact.kind, fact.label, fact.row): fact.at for fact in found if fact.is_record}
    kept = [fact for fact in found if fact.is_record or not is_said(fact, recorded)]
    return sorted((after_its_cause(fact, order, recorded) for fact in kept), key=place)


def place(fact: Fact) -> tuple[datetime, int, str]:
    """Return where a fact stands in the story: where rows keep the same time, causes before what they led to."""
    return fact.at, KINDS.index(fact.kind), str(fact.told.get("kind"))


Recorded = dict[tuple[str, str, UUID], datetime]


def is_said(fact: Fact, recorded: Recorded) -> bool:
    """Say whether a record tells what a row tells."""
    same = SAID_BY.get((fact.kind, fact.label))
    if same:
        return any((kind, label) == same for kind, label, _ in recorded)
    return (fact.kind, fact.label, fact.row) in recorded


# What is written down twice: by hand, and by a trigger.
SAID_BY = {("change", "seated"): ("party", "seated"), ("change", "reissued"): ("pass", "renewed")}


def after_its_cause(fact: Fact, order: Order, recorded: Recorded) -> Fact:
    """Put what was owed together with its cause behind it: a row keeps when that began, a record when it was."""
    cause = None
    if fact.kind == "alert" and fact.told["failure"]:
        cause = recorded.get(("failure", "recorded", UUID(fact.told["failure"])))
    elif fact.kind == "email" and fact.told["kind"] in WITH_GOODS:
        cause = recorded.get(("order", "fulfilled", order.pk))
    elif (fact.kind, fact.label) == ("order", "paid"):  # one statement writes both, the order's row first
        came = (at for (kind, label, _), at in recorded.items() if (kind, label) == ("payment", "succeeded"))
        cause = min(came, default=None)
    return replace(fact, at=max(fact.at, cause)) if cause else fact


def facts(
    kind: str,
    found: Rows,
    label: Any,  # Any: a word, or an expression
    *,
    at: str,
    row: str = "pk",
    by: str = "",
    person: Any = "",  # Any: a name, or an expression
    told: dict[str, Any] | None = None,  # Any: names of columns, or expressions
    is_record: bool = False,
) -> Rows:
    """Ask for the facts of some rows, in the shape all are read in."""
    return found.order_by().values_list(
        Value(kind, CharField()),
        Cast(word(label), CharField()),
        Cast(row, UUIDField()),
        Cast(at, DateTimeField()),
        Cast(by, JSONField()) if by else Value({}, JSONField()),
        Cast(word(person), CharField()),
        JSONObject(**(told or {})),
        Value(is_record, BooleanField()),
    )


def word(said: Any) -> Any:  # Any: an expression
    """Write a plain word as an expression."""
    return Value(said) if isinstance(said, str) else said


def record_of(model: type[Model]) -> Any:  # Any: made by the library, one for each model
    """Return the model of another's records."""
    return model.pgh_event_model  # type: ignore[attr-defined]  # the library's own


def records(order_id: UUID) -> Iterator[Rows]:
    """Yield what was recorded: each move under the status it led to, with what its row says beside it."""
    for kind, model, found, told in (
        ("order", Order, Q(pgh_obj=order_id), {"until": "expires_at", "disputed_at": "disputed_at"}),
        ("payment", Payment, Q(order=order_id), of_row(PAYMENT) | {"received": "received_cents"}),
        ("refund", Refund, Q(payment__order=order_id), of_row(REFUND) | TRIES | {"error": "last_error"}),
        ("fulfilment", Fulfilment, Q(order=order_id), TRIES | {"error": "last_error"}),
        ("failure", PaymentFailure, Q(order=order_id), of_row(FAILURE)),
        ("email", Email, Q(order=order_id), of_row(EMAIL) | TRIES),
        ("hold", TicketReservation, Q(order=order_id), {"quantity": "quantity", "type": "ticket_type__name"}),
        ("ticket", Ticket, Q(order=order_id), {"number": "position"}),
        ("party", VipReservation, Q(order=order_id), {}),
        ("pass", GuestPass, Q(reservation__order=order_id), {"number": "number"}),
    ):
        record = record_of(model)
        yield facts(
            kind, record.objects.filter(found), label_of(record),
            at="pgh_created_at", row="pgh_obj_id", by="pgh_context", person=PERSON, told=told, is_record=True,
        )  # fmt: skip


def label_of(record: Any) -> Any:  # Any: the library's own model, and an expression
    """Call a move by the status it led to, and everything else by its label."""
    if "status" not in {field.name for field in record._meta.fields}:
        return F("pgh_label")
    return Case(When(pgh_label="moved", then=F("status")), default=F("pgh_label"), output_field=CharField())


def rows(order: Order, payments: list[Payment]) -> Iterator[Rows]:
    """Yield what rows beside the order know: those that are a fact each, and those that records may not cover."""
    yield from of_failures(order.pk)
    yield from of_emails(order.pk)
    yield from of_alerts(order.pk)
    yield from of_events([id_ for payment in payments for id_ in ids_of(payment)])
    yield from of_goods(order.pk)
    nights = NightChange.objects.filter(event=order.event_id, at__gte=order.created_at)
    yield facts("night", nights, F("kind"), at="at", person=F("by__username"), told={"note": "note"})


def of_failures(order_id: UUID) -> Iterator[Rows]:
    """Yield what went wrong, and how it was put right."""
    found = PaymentFailure.objects.filter(order=order_id)
    yield facts("failure", found, "recorded", at="created_at", told=FAILURE)
    resolved = found.filter(resolved=True)
    yield facts("failure", resolved, "resolved", at="resolved_at", person=F("resolved_by__username"), told=FAILURE)


def of_emails(order_id: UUID) -> Iterator[Rows]:
    """Yield what was owed to be sent, sent, and came back; one that goes at once is one fact, not two."""
    found = Email.objects.filter(order=order_id)
    waited = Q(kind=WRITTEN) | Q(sent_at=None) | Q(sent_at__gt=F("created_at") + AT_ONCE)
    label = Case(When(kind=WRITTEN, then=Value("written")), default=Value("queued"))
    yield facts("email", found.filter(waited), label, at="created_at", person=F("written_by__username"), told=EMAIL)
    yield facts("email", found.exclude(sent_at=None), "sent", at="sent_at", told=EMAIL)
    yield facts("email", found.exclude(bounced_at=None), "bounced", at="bounced_at", told=EMAIL)


def of_alerts(order_id: UUID) -> Iterator[Rows]:
    """Yield what owners were told, and who has seen it."""
    found = Alert.objects.filter(failure__order=order_id)
    yield facts("alert", found.exclude(sent_at=None), "sent", at="sent_at", told=ALERT)
    yield facts("alert", found.exclude(sent_again_at=None), "again", at="sent_again_at", told=ALERT)
    seen = found.exclude(acknowledged_at=None)
    yield facts("alert", seen, "seen", at="acknowledged_at", person=F("acknowledged_by__username"), told=ALERT)


def of_events(ids: list[str]) -> Iterator[Rows]:
    """Yield what providers told of payments, and who had it applied once more."""
    found = WebhookEvent.objects.filter(about__in=ids)
    told = {"type": "type", "provider": "provider"}
    yield facts("event", found, F("status"), at="received_at", told=told)
    named = found.annotate(name=Cast("pk", TextField())).values("name")
    about = Q(content_type__app_label="payments", content_type__model="webhookevent", object_id__in=named)
    replays = LogEntry.objects.filter(about, change_message=REPLAYED)
    yield facts("event", replays, "replayed", at="action_time", row="object_id", person=F("user__username"))


def of_goods(order_id: UUID) -> Iterator[Rows]:
    """Yield what became of tickets and tables, at the door too."""
    tickets = Ticket.objects.filter(order=order_id)
    yield facts("ticket", tickets.filter(status="void"), "void", at="voided_at", told={"number": "position"})
    transfers = TicketTransfer.objects.filter(ticket__order=order_id)
    yield facts("ticket", transfers, "given", at="created_at", row="ticket_id", told={"number": "ticket__position"})
    for thing, found in (("ticket", Q(ticket__order=order_id)), ("pass", Q(guest_pass__reservation__order=order_id))):
        number = "ticket__position" if thing == "ticket" else "guest_pass__number"
        told = {"thing": Value(thing), "number": number, "result": "result", "gate": "gate"}
        scans = Scan.objects.filter(found)
        yield facts("scan", scans, F("kind"), at="scanned_at", person=F("scanned_by__username"), told=told)
    changes = TableChange.objects.filter(reservation__order=order_id)
    yield facts("change", changes, F("kind"), at="at", person=F("by__username"), told={"note": "note"})


def ids_of(payment: Payment) -> list[str]:
    """Return the names by which its provider speaks of a payment."""
    return [id_ for id_ in (payment.external_payment_id, payment.external_session_id) if id_]


def of_the_order(order: Order) -> Iterator[Fact]:
    """Yield what the order's own row knows."""
    ended = Order.Status.CANCELLED if order.status == Order.Status.CANCELLED else Order.Status.EXPIRED
    stamps = {
        "placed": order.created_at, "extended": order.extended_at, "paid": order.paid_at,
        "fulfilled": order.fulfilled_at, ended: order.closed_at, "disputed": order.disputed_at,
    }  # fmt: skip
    told = {"until": order.expires_at.isoformat(), "disputed_at": order.disputed_at}
    yield from stamped("order", order.pk, stamps, told)


def of_payments(payments: list[Payment]) -> Iterator[Fact]:
    """Yield what the rows of payments and refunds know."""
    for payment in payments:
        told = {name: getattr(payment, field) for name, field in PAYMENT.items()}
        stamps = {"started": payment.created_at, "succeeded": payment.processed_at}
        yield from stamped("payment", payment.pk, stamps, told | {"received": payment.received_cents})
        for refund in payment.refunds.all():
            stamps = {"promised": refund.created_at, "succeeded": refund.succeeded_at, "failed": refund.failed_at}
            yield from stamped("refund", refund.pk, stamps, of_refund(payment, refund))


def of_refund(payment: Payment, refund: Refund) -> Told:
    """Return what is told beside a refund."""
    return {
        "cents": refund.amount_cents, "reason": refund.reason, "provider": payment.provider,
        "id": payment.external_payment_id, "error": refund.last_error, "attempts": refund.attempts, "next_at": None,
    }  # fmt: skip


def of_party(order: Order) -> Iterator[Fact]:
    """Yield what the row of a table's party knows."""
    party: VipReservation | None = getattr(order, "vip_reservation", None)
    if party is not None:
        stamps = {"arrived": party.arrived_at, "seated": party.seated_at}
        closed = {party.status: party.closed_at} if party.status in VipReservation.OVER else {}
        yield from stamped("party", party.pk, stamps | closed, {})


def stamped(kind: str, row: UUID, stamps: dict[str, datetime | None], told: Told) -> Iterator[Fact]:
    """Yield a fact for each moment a row has kept."""
    for label, at in stamps.items():
        if at is not None:
            yield Fact(kind, label, row, at, {}, "", told, is_record=False)


# What is told beside a fact, and the column it is in.
PAYMENT = {"provider": "provider", "mode": "mode", "cents": "amount_cents", "id": "external_payment_id"}
REFUND = {
    "cents": "amount_cents", "reason": "reason", "provider": "payment__provider", "id": "payment__external_payment_id",
}  # fmt: skip
TRIES = {"attempts": "attempts", "next_at": "next_attempt_at"}
FAILURE = {
    "category": "category", "code": "error_code", "severity": "severity", "cents": "amount_cents",
    "note": "resolution_note",
}  # fmt: skip
EMAIL = {"kind": "kind", "subject": "context__subject"}
ALERT = {"channel": "channel", "failure": "failure_id"}
PERSON = Subquery(
    User.objects.filter(pk=Cast(KeyTextTransform("user", OuterRef("pgh_context")), IntegerField())).values("username")[
        :1
    ]
)


def of_row(columns: dict[str, str]) -> dict[str, str]:
    """Read the same from a record: in the row it is of."""
    return {name: f"pgh_obj__{column}" for name, column in columns.items()}
