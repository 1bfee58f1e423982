"""Every named rule of the database, tried: what must fail, and what must pass."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

import pgtrigger
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.db.models import Model
from pghistory.trigger import Event as Recorder

from maguey import rows
from maguey.samples import Fields, Samples
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
    PromoCode,
    PromoUse,
    RefundPolicy,
    Scan,
    Ticket,
    TicketReservation,
    TicketType,
    WaitingGuest,
)
from vip.models import GuestPass, Table, VipReservation, WaitingParty

OUR_APPS = ("payments", "tickets", "vip", "owners")


@dataclass(frozen=True)
class Case:
    """One rule: a row with these values (`twice`: two equal ones) is refused by it, by name."""

    rule: str
    model: type[Model]
    values: Fields = field(default_factory=dict)
    twice: bool = False


@dataclass(frozen=True)
class Verdict:
    """Whether one rule held."""

    rule: str
    held: bool
    said: str


NOW = "2026-01-01T00:00Z"

CASES = (
    Case("unique_order_stripe_session", Order, {"stripe_session_id": "cs_twice"}, twice=True),
    Case("payments_order_total_is_the_sum", Order, {"total_cents": 1}),
    Case("payments_order_paid_exactly_with_paid_at", Order, {"status": "paid"}),
    Case("payments_order_fulfilled_with_fulfilled_at", Order, {"status": "fulfilled", "paid_at": NOW}),
    Case("payments_order_closed_with_closed_at", Order, {"status": "expired"}),
    Case("payments_order_known_kind", Order, {"kind": "raffle"}),
    Case("payments_order_known_status", Order, {"status": "odd"}),
    Case("payments_email_sent_owes_nothing", Email, {"sent_at": NOW, "next_attempt_at": NOW}),
    Case("payments_email_written_exactly_by_somebody", Email, {"kind": "written"}),
    Case("payments_failure_known_payment_type", PaymentFailure, {"payment_type": "raffle"}),
    Case("payments_failure_resolved_with_who_and_when", PaymentFailure, {"resolved": True, "resolved_at": NOW}),
    Case("payments_failure_known_severity", PaymentFailure, {"severity": "odd"}),
    Case("payments_fulfilment_done_owes_nothing", Fulfilment, {"done_at": NOW, "next_attempt_at": NOW}),
    Case("unique_idempotency_key", IdempotencyKey, {"key": "twice"}, twice=True),
    Case("payments_idempotency_key_never_keeps_our_own_error", IdempotencyKey, {"response_status": 500}),
    Case("unique_provider_operation", ProviderCall, {"operation_id": "twice"}, twice=True),
    Case("unique_provider_key", ProviderCall, {"key": "twice"}, twice=True),
    Case("payments_payment_provider_id_once", Payment, {"external_payment_id": "pi_twice"}, twice=True),
    Case("payments_payment_provider_session_once", Payment, {"external_session_id": "cs_twice"}, twice=True),
    Case("payments_payment_one_live_per_order", Payment, {"status": "open"}, twice=True),
    Case("payments_payment_succeeded_exactly_with_processed_at", Payment, {"status": "succeeded"}),
    Case(
        "payments_payment_never_refunds_more_than_paid",
        Payment,
        {"status": "succeeded", "processed_at": NOW, "received_cents": 10, "refunded_cents": 11},
    ),
    Case("payments_payment_refunds_only_what_came", Payment, {"received_cents": 10, "refunded_cents": 1}),
    Case("payments_payment_known_provider", Payment, {"provider": "barter"}),
    Case("payments_payment_amount_positive", Payment, {"amount_cents": 0}),
    Case("payments_refund_provider_id_once", Refund, {"external_refund_id": "re_twice"}, twice=True),
    Case("payments_refund_amount_positive", Refund, {"amount_cents": 0}),
    Case("payments_refund_succeeded_with_succeeded_at", Refund, {"status": "succeeded"}),
    Case("payments_refund_item_refunded_once", RefundItem, {"item": UUID(int=1)}, twice=True),
    Case("payments_refund_item_amount_positive", RefundItem, {"amount_cents": 0}),
    Case("unique_webhook_event", WebhookEvent, {"event_id": "evt_twice"}, twice=True),
    Case("payments_webhook_event_finished_exactly_with_processed_at", WebhookEvent, {"status": "processed"}),
    Case("payments_webhook_event_known_status", WebhookEvent, {"status": "odd"}),
    Case("unique_event_idempotency_key", Event, {"idempotency_key": "twice"}, twice=True),
    Case("tickets_event_ends_after_it_starts", Event, {"ends_at": "2020-01-01T00:00Z"}),
    Case("tickets_event_doors_open_before_it_starts", Event, {"starts_at": "2020-01-01T00:00Z"}),
    Case("tickets_event_sales_end_after_they_start", Event, {"sales_end_at": "2020-01-01T00:00Z"}),
    Case("tickets_event_known_status", Event, {"status": "odd"}),
    Case("tickets_event_postponed_with_a_refund_window", Event, {"postponed_at": NOW}),
    Case("tickets_night_known_change", NightChange, {"kind": "odd"}),
    Case("tickets_night_changed_with_a_reason", NightChange, {"note": ""}),
    Case("tickets_night_refund_done_owes_nothing", NightRefund, {"done_at": NOW, "next_attempt_at": NOW}),
    Case("unique_ticket_type_slug", TicketType, {"slug": "twice"}, twice=True),
    Case("tickets_type_never_above_capacity", TicketType, {"held": 6, "sold": 5}),
    Case("tickets_type_counts_never_negative", TicketType, {"held": -1}),
    Case("tickets_type_sells_at_least_one", TicketType, {"max_per_order": 0}),
    Case(
        "tickets_type_sales_end_after_they_start",
        TicketType,
        {"sales_start_at": NOW, "sales_end_at": "2020-01-01T00:00Z"},
    ),
    Case("tickets_promo_code_once", PromoCode, {"code": "TWICE"}, twice=True),
    Case("tickets_promo_code_upper_case", PromoCode, {"code": "small"}),
    Case("tickets_promo_percent_or_amount", PromoCode, {"amount_cents": 100}),
    Case("tickets_promo_never_above_capacity", PromoCode, {"held": 6, "used": 5}),
    Case("tickets_promo_counts_never_negative", PromoCode, {"used": -1}),
    Case("tickets_promo_ends_after_it_starts", PromoCode, {"starts_at": NOW, "ends_at": "2020-01-01T00:00Z"}),
    Case("tickets_promo_use_known_status", PromoUse, {"status": "odd"}),
    Case("tickets_promo_use_takes_something_off", PromoUse, {"discount_cents": 0}),
    Case("tickets_ticket_given_exactly_with_address", Ticket, {"holder_reference": "x"}),
    Case("tickets_policy_percent_to_hundred", RefundPolicy, {"part_percent": 101}),
    Case("tickets_policy_all_ends_before_part", RefundPolicy, {"all_until_hours": 1}),
    Case("tickets_waiting_once_per_guest", WaitingGuest, {"email": "twice@example.com"}, twice=True),
    Case("tickets_waiting_quantity_positive", WaitingGuest, {"quantity": 0}),
    Case("tickets_waiting_offered_exactly_with_order", WaitingGuest, {"status": "offered"}),
    Case("tickets_waiting_known_status", WaitingGuest, {"status": "odd"}),
    Case("tickets_hold_one_per_order_and_type", TicketReservation, {"order": "the same"}, twice=True),
    Case("tickets_hold_quantity_positive", TicketReservation, {"quantity": 0}),
    Case("tickets_hold_known_status", TicketReservation, {"status": "odd"}),
    Case("unique_ticket_stripe_payment", Ticket, {"stripe_payment_intent_id": "pi_twice"}, twice=True),
    Case("tickets_ticket_one_per_order_position", Ticket, {"order": "the same"}, twice=True),
    Case("tickets_ticket_positions_start_at_one", Ticket, {"position": 0}),
    Case("tickets_ticket_admitted_with_admitted_at", Ticket, {"status": "admitted"}),
    Case("tickets_ticket_void_exactly_with_voided_at", Ticket, {"status": "void"}),
    Case("tickets_ticket_known_status", Ticket, {"status": "odd"}),
    Case("unique_scan_device_scan_id", Scan, {"device_scan_id": "twice"}, twice=True),
    Case("tickets_scan_one_first_per_code", Scan, {"code": "twice"}, twice=True),
    Case("tickets_scan_of_one_thing", Scan, {"ticket": "the same", "guest_pass": "the same"}),
    Case("tickets_scan_known_kind", Scan, {"kind": "odd"}),
    Case("unique_vip_table_code", Table, {"code": "twice"}, twice=True),
    Case("vip_table_deposit_never_above_price", Table, {"deposit_cents": 1001}),
    Case("vip_table_capacity_min_to_max", Table, {"capacity_min": 5}),
    Case("vip_table_stands_on_the_plan", Table, {"x": 1001}),
    Case("vip_table_blocked_with_a_reason", Table, {"blocked": True}),
    Case("vip_table_known_mode", Table, {"mode": "odd"}),
    Case("vip_table_known_tier", Table, {"tier": "odd"}),
    Case("vip_table_joined_is_blocked", Table, {"joined_to": "the same"}),
    Case("vip_table_charges_at_most_whole", Table, {"tax_bps": 10_001}),
    Case("vip_waiting_once_per_night", WaitingParty, {"email": "twice@example.com"}, twice=True),
    Case("vip_waiting_party_positive", WaitingParty, {"party_size": 0}),
    Case("vip_waiting_offered_exactly_with_order", WaitingParty, {"status": "offered"}),
    Case("vip_waiting_known_status", WaitingParty, {"status": "odd"}),
    Case("unique_vip_stripe_payment", VipReservation, {"stripe_payment_intent_id": "pi_twice"}, twice=True),
    Case(
        "vip_reservation_provider_id_once",
        VipReservation,
        {"payment_provider": "stripe", "external_payment_id": "pi_twice"},
        twice=True,
    ),
    Case("idx_one_active_reservation_per_table", VipReservation, {"table": "the same"}, twice=True),
    Case("vip_reservation_party_positive", VipReservation, {"party_size": 0}),
    Case(
        "vip_reservation_provider_id_well_formed",
        VipReservation,
        {"payment_provider": "paypal", "external_payment_id": "pi_not_of_paypal"},
    ),
    Case("vip_reservation_stripe_id_well_formed", VipReservation, {"stripe_payment_intent_id": "cs_no_intent"}),
    Case("vip_reservation_known_provider", VipReservation, {"payment_provider": "barter"}),
    Case("vip_reservation_sold_with_confirmed_at", VipReservation, {"status": "confirmed"}),
    Case("vip_reservation_known_status", VipReservation, {"status": "odd"}),
    Case("vip_pass_one_per_seat", GuestPass, {"reservation": "the same"}, twice=True),
    Case("vip_pass_seats_start_at_one", GuestPass, {"number": 0}),
    Case("vip_pass_admitted_with_admitted_at", GuestPass, {"status": "admitted"}),
    Case("vip_pass_void_with_voided_at", GuestPass, {"status": "void"}),
    Case("vip_pass_known_status", GuestPass, {"status": "odd"}),
    Case("unique_owner_assignment", OwnerAssignment, {"event": None}, twice=True),
    Case("owners_assignment_known_role", OwnerAssignment, {"role": "odd"}),
    Case("unique_alert_cause", Alert, {"cause": "twice"}, twice=True),
    Case("owners_failedsignin_known_step", FailedSignIn, {"step": "odd"}),
    Case("owners_alert_acknowledged_by_whom_and_when", Alert, {"acknowledged_at": NOW}),
    Case("unique_error_fingerprint", ErrorLog, {"fingerprint": "twice"}, twice=True),
    Case("owners_error_resolved_with_who_and_when", ErrorLog, {"resolved": True, "resolved_at": NOW}),
    Case("owners_error_known_severity", ErrorLog, {"severity": "odd"}),
    Case("owners_error_counted", ErrorLog, {"count": 0}),
    Case("unique_error_day", ErrorCount, {"error": "the same"}, twice=True),
    Case("owners_error_day_counted", ErrorCount, {"count": 0}),
)
# What each kind of trigger refuses, tried on a good row of its table.
FROZEN = {
    "order_terms": "part_percent = 1",
    "orders": "total_cents = total_cents + 1",
    "payments": "amount_cents = 1",
    "refunds": "amount_cents = 1",
    "refund_items": "amount_cents = 1",
}
# Columns whose two rows are to point at one and the same row.
SAME: dict[str, type[Model]] = {
    "order": Order,
    "table": Table,
    "reservation": VipReservation,
    "joined_to": VipReservation,
    "ticket": Ticket,
    "guest_pass": GuestPass,
    "error": ErrorLog,
}


def rules() -> set[str]:
    """Name every rule the models declare, and those of rows that not everybody sees."""
    ours = [model for model in apps.get_models() if model._meta.app_label in OUR_APPS]
    named = {constraint.name for model in ours for constraint in model._meta.constraints}
    triggers = {f"{model._meta.db_table}.{trigger.name}" for model, trigger in refusing()}
    return named | triggers | rows.rules()


def refusing() -> list[tuple[type[Model], pgtrigger.Trigger]]:
    """Return every trigger that refuses something: not those that keep records."""
    found = [(cast("type[Model]", model), trigger) for model, trigger in pgtrigger.registered()]
    refuse = [pair for pair in found if not isinstance(pair[1], Recorder)]
    return sorted(refuse, key=lambda pair: (pair[0]._meta.db_table, str(pair[1].name)))


def verify() -> Iterator[Verdict]:
    """Try every rule, in a transaction that is rolled back; yield whether each held."""
    with transaction.atomic():
        samples = Samples()
        for table in {case.model for case in CASES}:
            samples.row(table)  # what must pass: raises where it does not
        for case in CASES:
            yield try_case(case, samples)
        for model, trigger in refusing():
            yield try_trigger(model, str(trigger.name), samples)
        for rule, held, said in rows.verify(samples):
            yield Verdict(rule, held, said)
        transaction.set_rollback(True)


def try_case(case: Case, samples: Samples) -> Verdict:
    """Insert what a constraint must refuse."""
    values = {**case.values}
    for name, same in SAME.items():
        if values.get(name) == "the same":
            values[name] = samples.row(same)
    try:
        with transaction.atomic():
            for _ in range(2 if case.twice else 1):
                samples.row(case.model, **values)
    except DatabaseError as error:
        diagnosis: Any = getattr(error.__cause__, "diag", None)  # Any: psycopg's own
        named = diagnosis.constraint_name if diagnosis else ""
        return Verdict(case.rule, named == case.rule, f"refused by {named or error}")
    return Verdict(case.rule, held=False, said="accepted")


def try_trigger(model: type[Model], name: str, samples: Samples) -> Verdict:
    """Do to a good row what a trigger must refuse."""
    table = model._meta.db_table
    row = samples.row(model)
    statement = {
        "never_deleted": f"DELETE FROM {table} WHERE id = %s",  # noqa: S608 (our own table names)
        "append_only": f"DELETE FROM {table} WHERE pgh_id = %s",  # noqa: S608
        "legal_moves_only": f"UPDATE {table} SET status = 'nowhere' WHERE id = %s",  # noqa: S608
        "kept_thirty_days": f"DELETE FROM {table} WHERE id = %s",  # noqa: S608
        "frozen": f"UPDATE {table} SET {FROZEN.get(table, '')} WHERE id = %s",  # noqa: S608
        "may_be_taken": f"UPDATE {table} SET party_size = 99 WHERE id = %s",  # noqa: S608
        "joined_when_free": f"UPDATE {table} SET blocked = true, blocked_reason = 'x', "  # noqa: S608
        "joined_to_id = (SELECT id FROM vip_reservations WHERE status = 'held' LIMIT 1) WHERE id = %s",
        "never_parked": f"UPDATE {table} SET parked = true WHERE id = %s",  # noqa: S608
        "within_party": f"UPDATE {table} SET number = 99 WHERE id = %s",  # noqa: S608
    }[name]
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(statement, [row.pk])
    except DatabaseError as error:
        said = str(error).splitlines()[0]
        return Verdict(f"{table}.{name}", said.startswith(("pgtrigger:", "vip_")), f"refused: {said}")
    return Verdict(f"{table}.{name}", held=False, said="accepted")
