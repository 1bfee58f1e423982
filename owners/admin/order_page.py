"""What an order's own page shows beside its story: its facts, what was bought, its money, its goods."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from owners import provider_pages, story
from owners.admin import marks
from payments.models import Order, Payment
from payments.money import format_cents
from vip.models import VipReservation

Cell = SafeString | str
Context = dict[str, Any]  # Any: a template's context holds anything


@dataclass(frozen=True, slots=True)
class Table:
    """Rows to be read: the first cell of each names it."""

    title: str
    heads: Sequence[str]
    rows: list[Sequence[Cell]]
    empty: str = ""


def gather(order: Order, *, sees_events: bool) -> Context:
    """Gather what the page shows, in four round trips."""
    payments = list(order.payments.order_by("created_at").prefetch_related("refunds"))
    return {
        "order": order,
        "state": state_of(order),
        "facts": facts_of(order),
        "tables": [items_of(order), goods_of(order), payments_of(order, payments), refunds_of(order, payments)],
        "story": story.tell(order, payments, sees_events=sees_events),
    }


def state_of(order: Order) -> SafeString:
    """Write how an order stands; one that is disputed above all."""
    if order.disputed_at:
        return marks.badge("Disputed", "bad")
    return marks.status(order.status)


def facts_of(order: Order) -> list[tuple[str, Cell]]:
    """Return what is known of an order, each by its name."""
    promo, party = getattr(order, "promo_use", None), party_of(order)
    facts: list[tuple[str, Cell]] = [
        ("Guest", order.name),
        ("Email", order.email),
        ("Telephone", order.phone),
        ("Language", {"es": "Spanish", "en": "English"}.get(order.language, order.language)),
        ("Night", marks.link_to("tickets_event", order.event_id, order.event.title)),
        ("Total", money(order.total_cents, order)),
        ("Ordered", marks.moment(order.created_at)),
        ("Held until", marks.moment(order.expires_at) if order.is_payable else ""),
        ("Paid", marks.moment(order.paid_at) if order.paid_at else ""),
        ("Delivered", marks.moment(order.fulfilled_at) if order.fulfilled_at else ""),
        ("Disputed", marks.moment(order.disputed_at) if order.disputed_at else ""),
        ("Promo code", f"{promo.promo}: {money(promo.discount_cents, order)} off" if promo else ""),
    ]
    if party:
        facts += [
            ("Table", marks.link_to("vip_vipreservation", party.pk, f"{party.table} for {party.party_size}")),
            ("Host", party.host_name),
            ("Due on the night", money(party.balance_cents, order)),
        ]
    return [(name, said) for name, said in facts if said]


def party_of(order: Order) -> VipReservation | None:
    """Return the party of an order for a table."""
    party: VipReservation | None = getattr(order, "vip_reservation", None)
    return party


def items_of(order: Order) -> Table:
    """List what was bought, as it was shown and priced."""
    rows = [
        (
            line["name"], str(line["quantity"]), money(line["unit_price_cents"], order),
            money(line["unit_fee_cents"], order),
            money(line["quantity"] * (line["unit_price_cents"] + line["unit_fee_cents"]), order),
        )
        for line in order.lines
    ]  # fmt: skip
    return Table("What was bought", ("What", "How many", "Each", "Fee each", "Together"), list(rows))


def goods_of(order: Order) -> Table:
    """List an order's tickets, or the passes of its table."""
    if party := party_of(order):
        passes = [
            (
                f"Seat {seat.number}",
                seat.name or marks.NOTHING,
                marks.status(seat.status),
                marks.moment(seat.admitted_at),
            )
            for seat in party.passes_in_order
        ]
        return Table("Passes", ("Seat", "Guest", "State", "Came in"), list(passes), "No passes yet.")
    tickets = [
        (
            marks.link_to("tickets_ticket", ticket.pk, f"Ticket {ticket.position}"), ticket.ticket_type.name,
            ticket.holder_name or order.name, marks.status(ticket.status), marks.moment(ticket.admitted_at),
        )
        for ticket in order.tickets.select_related("ticket_type").order_by("position")
    ]  # fmt: skip
    return Table("Tickets", ("Ticket", "Type", "Whose", "State", "Came in"), list(tickets), "No tickets yet.")


def payments_of(order: Order, payments: list[Payment]) -> Table:
    """List every way by which money came or might have come."""
    rows = [
        (
            marks.link_out(provider_pages.of_payment(id_of(payment)), id_of(payment) or "not at the provider yet"),
            payment.get_provider_display(), marks.status(payment.status), money(payment.amount_cents, order),
            money(payment.received_cents, order), money(payment.refunded_cents, order),
            marks.moment(payment.processed_at or payment.created_at),
        )
        for payment in payments
    ]  # fmt: skip
    heads = ("Payment", "By", "State", "Asked", "Came", "Back", "When")
    return Table("Payments", heads, list(rows), "No payment was begun.")


def refunds_of(order: Order, payments: list[Payment]) -> Table:
    """List the money that went back, or is on its way."""
    rows = [
        (
            marks.link_to("payments_refund", refund.pk, money(refund.amount_cents, order)), refund.get_reason_display(),
            marks.status(refund.status), marks.moment(refund.succeeded_at or refund.failed_at or refund.created_at),
        )
        for payment in payments
        for refund in payment.refunds.all()
    ]  # fmt: skip
    return Table("Refunds", ("Amount", "Why", "State", "When"), list(rows), "Nothing went back.")


def id_of(payment: Payment) -> str:
    """Return a payment's name at its provider."""
    return payment.external_payment_id or payment.external_session_id or ""


def money(cents: int, order: Order) -> str:
    """Write an amount."""
    return format_cents(cents, order.currency)
