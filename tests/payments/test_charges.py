from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from payments import charges, checkout, expiry, fulfilment, orders, refunds
from payments.exceptions import AlreadyPaid, GatewayUnavailable, OrderExpired, PaymentInProgress, SavedServerError
from payments.gateways.types import IntentStatus
from payments.models import Email, Fulfilment, Order, Payment, PaymentFailure, ProviderCall, Refund
from tests.buying import buy, clock, come_back, fresh, hold, intent_of, knock, pay, start, tell
from tests.factories.tickets import TicketTypeFactory
from tests.fakes import FakeProvider, event_body, intent_object
from tickets.models import Ticket

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_paid_order_has_its_tickets_and_its_mail(provider: FakeProvider) -> None:
    type_ = TicketTypeFactory.create(capacity=10)

    order = buy(provider, type_, quantity=3)

    assert order.status == Order.Status.FULFILLED
    assert sorted(order.tickets.values_list("position", flat=True)) == [1, 2, 3]
    assert set(order.tickets.values_list("stripe_payment_intent_id", flat=True)) == {"pi_1"}
    type_.refresh_from_db()
    assert (type_.held, type_.sold) == (0, 3)
    assert Email.objects.filter(kind="tickets_ready", order=order).count() == 1


def test_starting_twice_gives_the_same_intent(provider: FakeProvider) -> None:
    order = hold()

    first, second = start(order), start(order)

    assert first == second
    assert len(provider.intents) == 1
    assert ProviderCall.objects.get(operation_type="intent_create").resource_id == "pi_1"


def test_a_lost_answer_gives_the_same_intent(provider: FakeProvider) -> None:
    order = hold()
    provider.fail_next("create_intent", after=True)

    with pytest.raises(GatewayUnavailable):
        start(order)
    assert ProviderCall.objects.get().state == ProviderCall.State.UNKNOWN
    payment = start(order)

    assert payment.external_payment_id == "pi_1"
    assert len(provider.intents) == 1


def test_a_server_error_saved_for_a_key_ends_the_attempt_and_the_next_has_a_new_key(provider: FakeProvider) -> None:
    order = hold()
    provider.fail_next("create_intent", error=SavedServerError("500, replayed"))

    with pytest.raises(GatewayUnavailable):
        start(order)
    payment = start(order)

    assert Payment.objects.filter(order=order, status=Payment.Status.CANCELLED).count() == 1
    assert payment.status == Payment.Status.OPEN
    assert ProviderCall.objects.filter(operation_type="intent_create").count() == 2


def test_both_roads_deliver_once(provider: FakeProvider) -> None:
    order = hold(quantity=2)
    payment = pay(provider, order)

    assert tell(provider, payment, "payment_intent.succeeded") == 200
    done = come_back(order)
    assert tell(provider, payment, "payment_intent.succeeded") == 200

    assert done.status == Order.Status.FULFILLED
    assert Ticket.objects.filter(order=order).count() == 2
    assert Fulfilment.objects.count() == 1


def test_a_declined_attempt_is_kept_once_and_resolves_itself(provider: FakeProvider) -> None:
    order = hold()
    payment = start(order)
    provider.decline(intent_of(payment), code="insufficient_funds")

    assert tell(provider, payment, "payment_intent.payment_failed", event_id="evt_1") == 200
    assert tell(provider, payment, "payment_intent.payment_failed", event_id="evt_2") == 200
    come_back(order)
    failure = PaymentFailure.objects.get()
    assert (failure.error_code, failure.category, failure.severity) == ("insufficient_funds", "declined", "info")
    assert (failure.resolved, failure.stripe_event_id) == (False, "evt_1")
    assert fresh(order).status == Order.Status.PENDING

    provider.pay(intent_of(payment))
    come_back(order)
    failure.refresh_from_db()

    assert failure.resolved
    assert (failure.resolved_by, failure.metadata) == (None, {"resolved_by": "payment"})
    assert failure.resolution_note == "The guest paid after all."


def test_a_decline_told_after_the_payment_resolves_itself_too(provider: FakeProvider) -> None:
    order = hold()
    payment = start(order)
    declined = provider.decline(intent_of(payment), code="authentication_required")
    provider.pay(intent_of(payment))
    come_back(order)
    provider.intents[intent_of(payment)] = declined

    assert tell(provider, payment, "payment_intent.payment_failed") == 200

    failure = PaymentFailure.objects.get()
    assert (failure.category, failure.resolved) == ("authentication", True)
    assert fresh(order).status == Order.Status.FULFILLED


def test_a_differing_amount_is_never_fulfilled(provider: FakeProvider) -> None:
    order = hold()
    payment = start(order)
    provider.pay(intent_of(payment), cents=100)

    assert tell(provider, payment, "payment_intent.succeeded", event_id="evt_9") == 200

    failure = PaymentFailure.objects.get()
    assert (failure.category, failure.severity, failure.amount_cents) == ("mismatch", "critical", 100)
    assert failure.stripe_event_id == "evt_9"
    assert fresh(order).status == Order.Status.PENDING
    assert not Ticket.objects.exists()
    with pytest.raises(AlreadyPaid):
        start(order)


def test_money_after_the_hold_regains_the_places(provider: FakeProvider, now: datetime) -> None:
    type_ = TicketTypeFactory.create(capacity=2)
    order = hold(type_, quantity=2)
    payment = start(order)
    provider.fail_next("cancel_intent")
    assert expiry.expire_order(order.pk, now=now + timedelta(minutes=36))
    provider.pay(intent_of(payment))

    done = come_back(order)

    assert done.status == Order.Status.FULFILLED
    assert Ticket.objects.filter(order=order).count() == 2
    assert PaymentFailure.objects.get().error_code == "regained"


def test_money_after_the_places_are_gone_goes_back(provider: FakeProvider, now: datetime) -> None:
    type_ = TicketTypeFactory.create(capacity=2)
    order = hold(type_, quantity=2)
    payment = start(order)
    provider.fail_next("cancel_intent")
    expiry.expire_order(order.pk, now=now + timedelta(minutes=36))
    buy(provider, type_, quantity=1)
    provider.pay(intent_of(payment))

    come_back(order)
    assert fresh(order).status == Order.Status.PAID
    refund = Refund.objects.get()
    assert (refund.amount_cents, refund.reason) == (5600, "late_payment")
    run_refund(refund, now)

    assert fresh(order).status == Order.Status.REFUNDED
    assert not Ticket.objects.filter(order=order).exists()
    assert {email.kind for email in Email.objects.filter(order=order)} == {"late_payment_refunded", "refunded"}
    type_.refresh_from_db()
    assert (type_.held, type_.sold) == (0, 1)


def run_refund(refund: Refund, now: datetime) -> None:
    from payments import retrying

    assert retrying.attempt("refund", refund.pk, now=now + timedelta(hours=1))


def test_the_second_payment_goes_back(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)
    twin = Payment.objects.create(
        order=order,
        provider="stripe",
        status=Payment.Status.OPEN,
        idempotency_key="twin",
        external_payment_id="pi_twin",
        amount_cents=order.total_cents,
        currency="usd",
        created_at=now,
    )
    provider.intents["pi_twin"] = provider.intents["pi_1"]
    provider.intents["pi_twin"] = type(provider.intents["pi_1"])(
        id="pi_twin",
        status=IntentStatus.SUCCEEDED,
        amount_cents=order.total_cents,
        received_cents=order.total_cents,
        currency="usd",
        payment_ref=str(twin.pk),
    )

    assert tell(provider, twin, "payment_intent.succeeded") == 200
    run_refund(Refund.objects.get(), now)

    assert Refund.objects.get().status == Refund.Status.SUCCEEDED
    assert PaymentFailure.objects.get().category == "double_payment"
    assert fresh(order).status == Order.Status.FULFILLED
    assert Ticket.objects.filter(order=order, status=Ticket.Status.VALID).count() == 2


def test_paying_by_another_road_closes_the_first(provider: FakeProvider) -> None:
    order = hold()
    first = start(order, mode="elements")

    second = start(order, mode="checkout")

    first.refresh_from_db()
    assert first.status == Payment.Status.CANCELLED
    assert provider.intents["pi_1"].status is IntentStatus.CANCELLED
    assert second.external_session_id == fresh(order).stripe_session_id == "cs_1"


def test_paying_by_another_road_when_the_first_was_paid_says_so(provider: FakeProvider) -> None:
    order = hold()
    pay(provider, order)

    with pytest.raises(AlreadyPaid):
        start(order, mode="checkout")

    assert fresh(order).status == Order.Status.PAID
    assert not provider.sessions


def test_a_hosted_page_that_was_paid_delivers(provider: FakeProvider) -> None:
    order = hold()
    payment = start(order, mode="checkout")
    provider.pay_session("cs_1")

    done = come_back(order)

    payment.refresh_from_db()
    assert done.status == Order.Status.FULFILLED
    assert payment.external_payment_id == "pi_of_cs_1"


def test_a_payment_the_bank_is_still_at_is_left_alone(provider: FakeProvider, now: datetime) -> None:
    order = hold()
    payment = start(order)
    provider.set_status(intent_of(payment), IntentStatus.PROCESSING)
    come_back(order)

    with pytest.raises(PaymentInProgress):
        start(order)
    assert not expiry.expire_order(order.pk, now=now + timedelta(minutes=16))

    assert fresh(order).status == Order.Status.PENDING


def test_an_overdue_order_takes_no_payment(provider: FakeProvider, now: datetime) -> None:
    order = hold(now=now - timedelta(minutes=16))

    with pytest.raises(OrderExpired):
        start(order)

    assert not provider.calls


def test_fulfilment_without_its_holds_is_tried_and_then_given_up(provider: FakeProvider, now: datetime) -> None:
    order = hold()
    order.ticket_reservations.update(status="released")
    pay(provider, order)
    checkout.ask_provider(order, now=now)

    moment = now
    for _ in range(6):
        assert not fulfilment.try_now(order, now=moment)
        moment += timedelta(hours=1)

    promised = Fulfilment.objects.get()
    assert (promised.attempts, promised.next_attempt_at) == (6, None)
    assert promised.given_up_at is not None
    failure = PaymentFailure.objects.get()
    assert (failure.category, failure.severity) == ("fulfilment", "critical")
    assert fresh(order).status == Order.Status.PAID

    order.ticket_reservations.update(status="pending")
    assert fulfilment.retry(fresh(order), now=moment)
    assert fulfilment.try_now(order, now=moment)
    assert fresh(order).status == Order.Status.FULFILLED


def test_a_late_word_on_the_way_does_not_move_a_paid_payment(provider: FakeProvider) -> None:
    payment = buy(provider, TicketTypeFactory.create(capacity=10)).payments.get()

    with transaction.atomic():
        known = charges.follow(payment.pk, Payment.Status.PROCESSING, now=clock())

    payment.refresh_from_db()
    assert (known, payment.status) == (True, Payment.Status.SUCCEEDED)


def test_a_word_on_the_way_about_no_payment_of_ours_says_so() -> None:
    with transaction.atomic():
        assert not charges.follow(uuid4(), Payment.Status.PROCESSING, now=clock())


def test_a_way_that_is_closed_while_its_answer_travels_is_not_shown(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = hold()
    open_at_provider = checkout.open_at_provider

    def closed_meanwhile(payment: Payment, *, now: datetime) -> object:
        seen = open_at_provider(payment, now=now)
        if seen.id == "pi_1":
            cancelled = replace(provider.intents["pi_1"], status=IntentStatus.CANCELLED)
            assert knock(event_body("payment_intent.canceled", intent_object(cancelled))) == 200
        return seen

    monkeypatch.setattr(checkout, "open_at_provider", closed_meanwhile)
    payment = start(order)

    assert (payment.status, payment.external_payment_id) == (Payment.Status.OPEN, "pi_2")
    assert order.payments.get(external_payment_id="pi_1").status == Payment.Status.CANCELLED


def test_asking_about_what_has_not_changed_writes_nothing(provider: FakeProvider, now: datetime) -> None:
    order = hold()
    start(order)

    with CaptureQueriesContext(connection) as captured:
        checkout.ask_provider(order, now=now)

    assert len(captured) == 1


def test_a_purchase_costs_few_statements(provider: FakeProvider, now: datetime) -> None:
    buy(provider)  # what is prepared once is prepared
    order = hold(TicketTypeFactory.create())

    with CaptureQueriesContext(connection) as started:
        checkout.start_payment(order.pk, provider="stripe", mode="elements", now=now)
    provider.pay("pi_2")
    with CaptureQueriesContext(connection) as settled:
        checkout.ask_provider(order, now=now)
    with CaptureQueriesContext(connection) as delivered:
        fulfilment.try_now(order, now=now)

    assert len(started) == 2 + 3 + 1 + 3  # begin, commit; lock, look, write; the fake's own look; key, note, keep
    assert len(settled) == 2  # look, write
    assert len(delivered) == 2 + 4  # look, take; look, money, holds, write
    assert fresh(order).status == Order.Status.FULFILLED


def test_a_refund_promised_while_the_goods_are_read_keeps_them(
    provider: FakeProvider, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = hold()
    pay(provider, order)
    checkout.ask_provider(order, now=now)
    money_of = orders.money_of

    def refunded_meanwhile(of: Order) -> list[Payment]:
        came = money_of(of)
        if not Refund.objects.exists():
            refunds.refund_order(of.pk, reason=Refund.Reason.OWNER, cause="c", now=now)
        return came

    monkeypatch.setattr(orders, "money_of", refunded_meanwhile)
    assert fulfilment.try_now(order, now=now)

    assert not Ticket.objects.exists()
    assert Fulfilment.objects.get().done_at == now


def test_a_row_that_keeps_changing_is_a_try_that_failed(
    provider: FakeProvider, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = hold()
    pay(provider, order)
    checkout.ask_provider(order, now=now)
    monkeypatch.setattr(orders, "money_of", lambda _: [as_if_refunded(payment) for payment in order.payments.all()])

    assert not fulfilment.try_now(order, now=now)

    promised = Fulfilment.objects.get()
    assert (promised.attempts, promised.last_error.partition(":")[0]) == (1, "RowMissing")
    assert not Ticket.objects.exists()


def as_if_refunded(payment: Payment) -> Payment:
    """Return a payment as if a part of it had gone back when it was read."""
    payment.refunded_cents += 1
    return payment


def test_a_bank_that_lets_the_guest_try_again_opens_the_payment_again(provider: FakeProvider, now: datetime) -> None:
    order = hold()
    payment = start(order)
    Payment.objects.update(status=Payment.Status.PROCESSING)

    checkout.ask_provider(order, now=now)

    assert Payment.objects.get(pk=payment.pk).status == Payment.Status.OPEN
