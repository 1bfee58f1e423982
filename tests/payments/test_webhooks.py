import time
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from payments import charges, messenger, purging, retrying, webhooks
from payments.gateways.types import Decline, DisputeStatus, IntentStatus
from payments.models import Fulfilment, Order, Payment, PaymentFailure, Refund, WebhookEvent
from tests.buying import (
    buy,
    clock,
    come_back,
    fresh,
    hold,
    intent_of,
    knock,
    pay,
    start,
    tell,
    tell_dispute,
    tell_refund,
)
from tests.fakes import FakeProvider, event_body, intent_object, session_object, sign
from tickets.models import Ticket

pytestmark = pytest.mark.django_db(transaction=True)

Status = WebhookEvent.Status
SOME_EVENTS = (
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "charge.refunded",
)
HOSTED_EVENTS = (
    "checkout.session.completed",  # complete, and not yet paid
    "checkout.session.async_payment_succeeded",
    "payment_intent.succeeded",
)


def test_an_event_applied_is_kept_once(provider: FakeProvider) -> None:
    payment = pay(provider, hold())

    answers = [tell(provider, payment, "payment_intent.succeeded", event_id="evt_1") for _ in range(3)]

    assert answers == [200, 200, 200]
    event = WebhookEvent.objects.get()
    assert (event.event_id, event.status) == ("evt_1", Status.PROCESSED)
    assert Fulfilment.objects.count() == 1


def test_a_type_we_do_not_use_is_kept_as_ignored(provider: FakeProvider) -> None:
    assert knock(event_body("customer.created", {"id": "cus_1"}, event_id="evt_1")) == 200

    event = WebhookEvent.objects.get()
    assert (event.type, event.status) == ("customer.created", Status.IGNORED)
    assert event.payload["id"] == "evt_1"


# Made when they are sent: a signature of when the tests were collected is stale by then, and names its test anew.
WRONG: dict[str, Callable[[], str]] = {
    "none": lambda: "",
    "nonsense": lambda: "nonsense",
    "empty": lambda: "t=1,v1=",
    "no time": lambda: "t=abc,v1=00",
    "another secret": lambda: sign(b"{}", secret="whsec_other"),
    "stale": lambda: sign(b"{}", at=int(time.time()) - 301),
    "another body": lambda: sign(b'{"other": 1}'),
}


@pytest.mark.parametrize("signature", WRONG.values(), ids=WRONG.keys())
def test_an_unsigned_delivery_is_refused_and_leaves_nothing(
    provider: FakeProvider, signature: Callable[[], str]
) -> None:
    assert knock(b"{}", signature=signature()) == 400

    assert not WebhookEvent.objects.exists()


def test_a_signature_is_good_for_300_seconds(provider: FakeProvider) -> None:
    body = event_body("customer.created", {"id": "cus_1"})

    assert knock(body, signature=sign(body, at=int(time.time()) - 295)) == 200


def test_both_secrets_are_in_force_while_one_is_rolled(settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new", "whsec_old"]
    for secret in ("whsec_new", "whsec_old"):
        body = event_body("customer.created", {"id": "cus_1"}, event_id=f"evt_{secret}")
        assert knock(body, signature=sign(body, secret=secret)) == 200

    body = event_body("customer.created", {"id": "cus_1"})
    assert knock(body, signature=sign(body, secret="whsec_older")) == 400


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b'"text"', b"{}", b'{"id": 1, "type": "a"}', b"[" * 100_000, b'{"id": "evt_1"', b"12"],
)
def test_signed_garbage_is_refused(provider: FakeProvider, body: bytes) -> None:
    assert knock(body, signature=sign(body)) == 400
    assert not WebhookEvent.objects.exists()


def test_a_body_that_is_not_utf8_is_refused(provider: FakeProvider) -> None:
    assert knock(b"\xff\xfe", signature="t=1,v1=00") == 400


def test_a_body_that_claims_to_be_larger_than_a_megabyte_is_too_large() -> None:
    response = Client().generic(
        "POST", "/webhooks/stripe/", b"{}", content_type="application/json", CONTENT_LENGTH="2000000"
    )

    assert response.status_code == 413


def test_a_length_that_is_no_number_is_no_traceback() -> None:
    response = Client().generic("POST", "/webhooks/stripe/", b"{}", CONTENT_LENGTH="many")

    assert response.status_code == 400


def test_only_a_post_is_taken() -> None:
    assert Client().get("/webhooks/stripe/").status_code == 405


def test_a_failed_event_that_is_kept_meanwhile_is_met_again(provider: FakeProvider, now: datetime) -> None:
    payment = pay(provider, hold())
    tell(provider, payment, "payment_intent.succeeded", event_id="evt_1")
    hint = provider.reread_event(WebhookEvent.objects.get().payload)

    assert webhooks.keep_failed("stripe", hint, "the answer was lost", now=now) == Status.PROCESSED

    assert WebhookEvent.objects.get().attempts == 0


def test_a_repeat_of_an_event_finished_meanwhile_wakes_nobody(provider: FakeProvider, now: datetime) -> None:
    tell(provider, pay(provider, hold()), "payment_intent.succeeded", event_id="evt_1")
    as_it_was_read = WebhookEvent(pk=WebhookEvent.objects.get().pk, status=Status.PENDING)

    with transaction.atomic():
        assert webhooks.meet_again(as_it_was_read, now=now) == Status.PROCESSED

    assert WebhookEvent.objects.get().next_attempt_at is None


def test_a_repeat_of_an_event_in_hand_leaves_its_next_try(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)
    payment = order.payments.get()
    provider.add_refund(intent_of(payment), 100)

    assert [tell_refund(payment, event_id="evt_r") for _ in range(2)] == [200, 200]

    event = WebhookEvent.objects.get()
    assert event.status == Status.PENDING
    assert event.next_attempt_at is not None
    assert event.next_attempt_at >= now


def test_an_event_is_found_by_its_own_id_while_the_server_knows_nothing_of_its_table() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN SELECT webhook_events.status {webhooks.KNOWN}", [uuid4(), "stripe", "evt_1"])
        plan = " ".join(line for (line,) in cursor.fetchall())

    assert "using unique_webhook_event on webhook_events" in plan


def test_a_success_costs_few_statements(provider: FakeProvider) -> None:
    payment = pay(provider, hold())
    hint = provider.reread_event(
        {"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": intent_object(provider.intents["pi_1"])}}
    )

    with CaptureQueriesContext(connection) as first:
        webhooks.take_in("stripe", hint, now=payment.created_at)
    with CaptureQueriesContext(connection) as repeat:
        webhooks.take_in("stripe", hint, now=payment.created_at)

    assert [len(spent) for spent in (first, repeat)] == [2, 1], first.captured_queries


def while_read(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Have something happen, once, between the reading of an event's rows and their writing."""
    look = webhooks.look

    def look_and_act(*read: Any) -> Any:
        found = look(*read)
        monkeypatch.setattr(webhooks, "look", look)
        act()
        return found

    monkeypatch.setattr(webhooks, "look", look_and_act)


def test_a_twin_that_comes_while_an_event_is_read_changes_nothing(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = pay(provider, hold())
    while_read(monkeypatch, lambda: tell(provider, payment, "payment_intent.succeeded", event_id="evt_1"))

    assert tell(provider, payment, "payment_intent.succeeded", event_id="evt_1") == 200

    assert WebhookEvent.objects.get().status == Status.PROCESSED
    assert Fulfilment.objects.count() == 1
    assert not Refund.objects.exists()


def test_a_guest_who_comes_back_while_an_event_is_read_is_no_second_payment(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = pay(provider, hold())
    while_read(monkeypatch, lambda: come_back(payment.order))

    assert tell(provider, payment, "payment_intent.succeeded", event_id="evt_1") == 200

    assert fresh(payment.order).status == Order.Status.FULFILLED
    assert WebhookEvent.objects.get().status == Status.PROCESSED
    assert not Refund.objects.exists()


def test_a_hold_that_ends_while_its_money_is_read_is_late_money(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = pay(provider, hold())
    ended = {"status": Order.Status.EXPIRED, "closed_at": clock()}
    while_read(monkeypatch, lambda: Order.objects.update(**ended))

    assert tell(provider, payment, "payment_intent.succeeded", event_id="evt_1") == 200

    assert fresh(payment.order).status == Order.Status.PAID
    assert PaymentFailure.objects.get().category == "late_payment"


def test_a_decline_that_comes_while_the_money_is_read_is_resolved_too(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = pay(provider, hold())
    decline = Decline("ch_1", "card_declined", "No.")
    while_read(monkeypatch, lambda: charges.record_decline(payment.pk, decline, now=clock()))

    assert tell(provider, payment, "payment_intent.succeeded", event_id="evt_1") == 200

    assert PaymentFailure.objects.get().resolved_at is not None


def test_a_worker_is_woken_only_for_goods_that_are_owed(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = pay(provider, hold())
    woken: list[int] = []
    monkeypatch.setattr(messenger, "take", lambda errand: woken.append(Fulfilment.objects.filter(pk=errand.pk).count()))
    while_read(monkeypatch, lambda: tell(provider, payment, "payment_intent.succeeded", event_id="evt_1"))

    tell(provider, payment, "payment_intent.succeeded", event_id="evt_2")

    assert woken == [1]


def test_a_body_over_a_megabyte_is_too_large(provider: FakeProvider) -> None:
    assert knock(b" " * (1024 * 1024 + 1), signature="t=1,v1=00") == 413


def test_a_nul_in_an_event_is_left_out(provider: FakeProvider) -> None:
    body = event_body("customer.created", {"id": "cus_1", "name": "A\x00B"}, event_id="evt_nul")

    assert knock(body) == 200

    assert WebhookEvent.objects.get().payload["data"]["object"]["name"] == "AB"


def refuse_to_apply(patched: pytest.MonkeyPatch, refuse: Callable[..., object]) -> None:
    """Have every road refuse by which an event of a payment is applied."""
    for road in ("confirm_as_read", "converge"):
        patched.setattr(charges, road, refuse)


def test_an_event_that_cannot_be_applied_is_kept_and_tried_again(
    provider: FakeProvider, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = pay(provider, hold())

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patched:
        refuse_to_apply(patched, refuse)
        assert tell(provider, payment, "payment_intent.succeeded", event_id="evt_1") == 200
    event = WebhookEvent.objects.get()
    assert (event.status, event.attempts, event.last_error) == (Status.FAILED, 1, "RuntimeError: the disk is full")
    assert fresh(payment.order).status == Order.Status.PENDING

    assert retrying.attempt("webhook_event", event.pk, now=now + timedelta(minutes=1))

    event.refresh_from_db()
    assert (event.status, event.next_attempt_at) == (Status.PROCESSED, None)
    assert fresh(payment.order).status == Order.Status.PAID


def test_a_repeat_of_an_unfinished_event_takes_the_work_up_again(
    provider: FakeProvider, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = pay(provider, hold())

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("no")

    with monkeypatch.context() as patched:
        refuse_to_apply(patched, refuse)
        tell(provider, payment, "payment_intent.succeeded", event_id="evt_1")
        event = WebhookEvent.objects.get()
        for minute in range(1, 6):
            retrying.attempt("webhook_event", event.pk, now=now + timedelta(hours=minute))
    event.refresh_from_db()
    assert (event.status, event.next_attempt_at) == (Status.FAILED, None)
    assert PaymentFailure.objects.get().category == "webhook"

    assert tell(provider, payment, "payment_intent.succeeded", event_id="evt_1") == 200
    assert retrying.attempt("webhook_event", event.pk, now=now + timedelta(hours=9))

    assert fresh(payment.order).status == Order.Status.PAID


def test_an_event_that_cannot_be_kept_is_not_answered_with_success(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = pay(provider, hold())

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("no database")

    monkeypatch.setattr(webhooks, "new_event", refuse)

    with pytest.raises(RuntimeError, match="no database"):
        tell(provider, payment, "payment_intent.succeeded")
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize(
    "types",
    list(permutations(SOME_EVENTS)),
)
def test_events_in_any_order_end_in_the_same_state(
    provider: FakeProvider, now: datetime, types: tuple[str, ...]
) -> None:
    order = hold()
    payment = start(order)
    bodies = {}
    provider.set_status(intent_of(payment), IntentStatus.PROCESSING)
    bodies["payment_intent.processing"] = intent_object(provider.intents["pi_1"])
    provider.set_status(intent_of(payment), IntentStatus.OPEN)
    bodies["payment_intent.payment_failed"] = intent_object(provider.decline("pi_1"))
    bodies["payment_intent.succeeded"] = intent_object(provider.pay("pi_1"))
    provider.add_refund("pi_1", order.total_cents)
    bodies["charge.refunded"] = {"id": "ch_1", "payment_intent": "pi_1"}

    for type_ in types:
        assert knock(event_body(type_, bodies[type_], event_id=f"evt_{type_}")) == 200
    for hour in range(1, 4):
        retrying.run_due(now=now + timedelta(hours=hour))

    assert fresh(order).status == Order.Status.REFUNDED
    assert not WebhookEvent.objects.exclude(status=Status.PROCESSED).exists()
    assert not Ticket.objects.exclude(status=Ticket.Status.VOID).exists()
    type_row = order.ticket_reservations.get().ticket_type
    assert (type_row.held, type_row.sold) == (0, 0)
    assert PaymentFailure.objects.get(category="declined").resolved


def test_a_hosted_pages_own_events_confirm_once(provider: FakeProvider) -> None:
    order = hold()
    start(order, mode="checkout")
    session = provider.pay_session("cs_1")
    intent = provider.intents[session.intent_id]

    assert knock(event_body("checkout.session.completed", session_object(session))) == 200
    assert knock(event_body("payment_intent.succeeded", intent_object(intent))) == 200

    assert fresh(order).status == Order.Status.PAID
    assert Payment.objects.get().external_payment_id == "pi_of_cs_1"


def test_a_complete_but_unpaid_page_waits_for_its_money(provider: FakeProvider) -> None:
    order = hold()
    start(order, mode="checkout")
    unpaid = session_object(provider.sessions["cs_1"]) | {"status": "complete"}

    assert knock(event_body("checkout.session.completed", unpaid)) == 200
    assert Payment.objects.get().status == Payment.Status.PROCESSING
    session = provider.pay_session("cs_1")
    assert knock(event_body("checkout.session.async_payment_succeeded", session_object(session))) == 200

    assert fresh(order).status == Order.Status.PAID


@pytest.mark.parametrize("types", list(permutations(HOSTED_EVENTS)))
def test_sibling_events_in_any_order_and_again_under_other_ids_converge(
    provider: FakeProvider, now: datetime, types: tuple[str, ...]
) -> None:
    order = hold()
    start(order, mode="checkout")
    unpaid = session_object(provider.sessions["cs_1"]) | {"status": "complete"}
    session = provider.pay_session("cs_1")
    objects = [unpaid, session_object(session), intent_object(provider.intents[session.intent_id])]
    bodies = dict(zip(HOSTED_EVENTS, objects, strict=True))

    for delivery in range(2):
        for type_ in types:
            assert knock(event_body(type_, bodies[type_], event_id=f"evt_{type_}_{delivery}")) == 200
        retrying.run_due(now=now + timedelta(seconds=5 + delivery))

    assert fresh(order).status == Order.Status.FULFILLED
    assert Payment.objects.get().status == Payment.Status.SUCCEEDED
    assert Ticket.objects.filter(order=order).count() == 2
    assert not WebhookEvent.objects.exclude(status=Status.PROCESSED).exists()
    assert not PaymentFailure.objects.exists()
    assert not Refund.objects.exists()


def test_a_failed_event_replayed_twice_delivers_once(
    provider: FakeProvider, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = pay(provider, hold())
    with monkeypatch.context() as patched:
        refuse_to_apply(patched, lambda *_, **__: 1 / 0)
        tell(provider, payment, "payment_intent.succeeded", event_id="evt_1")
    assert WebhookEvent.objects.get().status == Status.FAILED

    for second in (1, 2):
        webhooks.replay(WebhookEvent.objects.get(), now=now + timedelta(seconds=second))
        retrying.run_due(now=now + timedelta(seconds=second))

    assert WebhookEvent.objects.get().status == Status.PROCESSED
    assert Ticket.objects.filter(order=payment.order).count() == 2
    assert Fulfilment.objects.count() == 1


def test_a_sibling_of_a_purged_event_changes_nothing(provider: FakeProvider, now: datetime) -> None:
    payment = pay(provider, hold())
    tell(provider, payment, "payment_intent.succeeded", event_id="evt_1")
    retrying.run_due(now=now + timedelta(seconds=5))
    WebhookEvent.objects.update(processed_at=now - timedelta(days=31))
    purging.purge(now=now)

    assert tell(provider, payment, "payment_intent.succeeded", event_id="evt_2") == 200
    retrying.run_due(now=now + timedelta(seconds=10))

    assert Ticket.objects.filter(order=payment.order).count() == 2
    assert (Payment.objects.count(), Fulfilment.objects.count(), Refund.objects.count()) == (1, 1, 0)


def test_an_expired_page_closes_its_payment(provider: FakeProvider) -> None:
    start(hold(), mode="checkout")
    expired = session_object(provider.sessions["cs_1"]) | {"status": "expired"}

    assert knock(event_body("checkout.session.expired", expired)) == 200

    assert Payment.objects.get().status == Payment.Status.CANCELLED


def test_a_cancelled_intent_closes_its_payment_and_success_stays(provider: FakeProvider) -> None:
    order = hold()
    payment = start(order)
    cancelled = intent_object(provider.intents["pi_1"]) | {"status": "canceled"}
    provider.pay("pi_1")
    come_back(order)

    assert knock(event_body("payment_intent.canceled", cancelled)) == 200
    payment.refresh_from_db()
    assert payment.status == Payment.Status.SUCCEEDED


def test_money_for_a_payment_we_do_not_know_calls_for_a_person(provider: FakeProvider) -> None:
    pay(provider, hold())
    stray = intent_object(provider.intents["pi_1"])
    stray["metadata"] = {"payment_id": "2f1f36f0-7a4c-4b1c-9d0a-000000000000"}
    stray["id"] = "pi_stray"

    assert knock(event_body("payment_intent.succeeded", stray)) == 200

    assert PaymentFailure.objects.get().category == "unknown_payment"


@pytest.mark.parametrize("metadata", [{}, {"payment_id": ""}])
def test_money_that_is_not_ours_is_left_alone(provider: FakeProvider, metadata: dict[str, str]) -> None:
    pay(provider, hold())
    stray = intent_object(provider.intents["pi_1"]) | {"metadata": metadata, "id": "pi_stray"}

    assert knock(event_body("payment_intent.succeeded", stray)) == 200

    assert not PaymentFailure.objects.exists()


def test_a_mark_that_is_no_id_is_unknown_money(provider: FakeProvider) -> None:
    pay(provider, hold())
    stray = intent_object(provider.intents["pi_1"]) | {"metadata": {"payment_id": "oops"}, "id": "pi_stray"}

    assert knock(event_body("payment_intent.succeeded", stray)) == 200

    assert PaymentFailure.objects.get().stripe_payment_intent_id == "pi_stray"


def test_a_refund_in_the_dashboard_ends_in_the_same_state(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)
    payment = order.payments.get()
    provider.add_refund(intent_of(payment), order.total_cents)

    assert tell_refund(payment, event_id="evt_r") == 200
    assert WebhookEvent.objects.get(event_id="evt_r").status == Status.PENDING
    retrying.run_due(now=now + timedelta(seconds=5))

    refund = Refund.objects.get()
    assert (refund.reason, refund.status) == ("provider", "succeeded")
    assert fresh(order).status == Order.Status.REFUNDED
    assert set(order.tickets.values_list("status", flat=True)) == {"void"}


def test_a_refund_event_for_other_peoples_money_changes_nothing(provider: FakeProvider, now: datetime) -> None:
    data = {"id": "ch_1", "object": "charge", "payment_intent": "pi_elsewhere"}

    assert knock(event_body("charge.refunded", data)) == 200
    retrying.run_due(now=now + timedelta(seconds=5))

    assert WebhookEvent.objects.get().status == Status.PROCESSED
    assert not Refund.objects.exists()


@pytest.mark.parametrize(("decision", "resolved"), [(DisputeStatus.WON, True), (DisputeStatus.LOST, True)])
def test_a_dispute_marks_the_order_and_is_settled_either_way(
    provider: FakeProvider, now: datetime, decision: DisputeStatus, resolved: bool
) -> None:
    order = buy(provider)
    payment = order.payments.get()
    dispute_id = provider.dispute(intent_of(payment))

    assert tell_dispute(provider, dispute_id) == 200
    retrying.run_due(now=now + timedelta(seconds=5))
    assert fresh(order).disputed_at is not None
    assert PaymentFailure.objects.get().severity == "critical"

    provider.dispute(intent_of(payment), status=decision)
    assert tell_dispute(provider, dispute_id, "charge.dispute.closed") == 200
    retrying.run_due(now=now + timedelta(seconds=10))

    assert PaymentFailure.objects.get().resolved is resolved
    assert (fresh(order).disputed_at is None) == (decision is DisputeStatus.WON)


def test_a_dispute_of_other_peoples_money_changes_nothing(provider: FakeProvider, now: datetime) -> None:
    data = {"id": "dp_x", "status": "needs_response", "amount": 1, "payment_intent": "pi_elsewhere"}

    assert knock(event_body("charge.dispute.created", data)) == 200
    retrying.run_due(now=now + timedelta(seconds=5))

    assert not PaymentFailure.objects.exists()


def test_replaying_a_processed_event_changes_nothing(provider: FakeProvider, now: datetime) -> None:
    order = hold()
    payment = pay(provider, order)
    tell(provider, payment, "payment_intent.succeeded", event_id="evt_1")
    retrying.run_due(now=now + timedelta(seconds=5))
    tickets = set(Ticket.objects.values_list("pk", flat=True))

    webhooks.replay(WebhookEvent.objects.get(), now=now + timedelta(seconds=6))
    retrying.run_due(now=now + timedelta(seconds=10))

    assert WebhookEvent.objects.get().status == Status.PROCESSED
    assert set(Ticket.objects.values_list("pk", flat=True)) == tickets


def test_a_purged_event_that_comes_again_changes_nothing(provider: FakeProvider, now: datetime) -> None:
    order = hold()
    payment = pay(provider, order)
    tell(provider, payment, "payment_intent.succeeded", event_id="evt_1")
    retrying.run_due(now=now + timedelta(seconds=5))
    WebhookEvent.objects.update(processed_at=now - timedelta(days=31))
    assert dict(purging.purge(now=now)) == {"webhook_events": 1}

    assert tell(provider, payment, "payment_intent.succeeded", event_id="evt_1") == 200
    retrying.run_due(now=now + timedelta(seconds=10))

    assert Ticket.objects.filter(order=order).count() == 2
    assert Fulfilment.objects.count() == 1


def test_a_replayed_event_finished_meanwhile_is_left_alone(provider: FakeProvider, now: datetime) -> None:
    knock(event_body("customer.created", {"id": "cus_1"}))
    event = WebhookEvent.objects.get()
    hint = provider.reread_event(event.payload)

    webhooks.finish_event(event.pk, hint, now=now + timedelta(days=1))

    event.refresh_from_db()
    assert event.processed_at is not None
    assert event.processed_at < now + timedelta(hours=1)


def test_an_ignored_event_stays_ignored_when_replayed(provider: FakeProvider, now: datetime) -> None:
    knock(event_body("customer.created", {"id": "cus_1"}))

    webhooks.replay(WebhookEvent.objects.get(), now=now + timedelta(seconds=1))
    retrying.run_due(now=now + timedelta(seconds=5))

    assert WebhookEvent.objects.get().status == Status.IGNORED
