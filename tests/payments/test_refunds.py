from datetime import datetime, timedelta

import pytest
from django.db import transaction

from payments import checkout, fulfilment, refunds, retrying
from payments.exceptions import GatewayRefused, NothingToRefund, RefundTooLarge
from payments.gateways.types import RefundStatus
from payments.models import Email, Fulfilment, Order, Payment, PaymentFailure, Refund, RefundItem
from tests.buying import buy, come_back, fresh, hold, intent_of, pay, tell_refund
from tests.fakes import FakeProvider
from tickets.models import Ticket

pytestmark = pytest.mark.django_db(transaction=True)


def ask_back(order: Order, now: datetime, *, cause: str = "owner") -> list[Refund]:
    return refunds.refund_order(order.pk, reason=Refund.Reason.OWNER, cause=cause, now=now)


def test_a_refund_sends_the_money_back_once_and_voids_the_tickets(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider, quantity=2)

    first, again = ask_back(order, now), ask_back(order, now)
    retrying.run_due(now=now + timedelta(seconds=1))
    retrying.run_due(now=now + timedelta(seconds=2))

    assert (len(first), again) == (1, [])
    assert [refund.amount_cents for refund in provider.refunds.values()] == [5600]
    assert fresh(order).status == Order.Status.REFUNDED
    assert set(order.tickets.values_list("status", flat=True)) == {Ticket.Status.VOID}
    held = order.ticket_reservations.get()
    assert (held.status, held.ticket_type.sold, held.ticket_type.held) == ("released", 0, 0)
    assert Email.objects.filter(kind="refunded").count() == 1


def test_a_refund_whose_answer_is_lost_is_the_same_refund(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)
    provider.fail_next("refund", after=True)
    [refund] = ask_back(order, now)

    retrying.run_due(now=now + timedelta(seconds=1))
    refund.refresh_from_db()
    assert (refund.status, refund.attempts) == (Refund.Status.PENDING, 1)
    retrying.run_due(now=now + timedelta(minutes=1))

    refund.refresh_from_db()
    assert refund.status == Refund.Status.SUCCEEDED
    assert len(provider.refunds) == 1


def test_a_pending_refund_voids_at_once_and_closes_the_order_when_done(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)
    provider.refunds_start_as = RefundStatus.PENDING
    ask_back(order, now)

    retrying.run_due(now=now + timedelta(seconds=1))
    assert fresh(order).status == Order.Status.FULFILLED
    assert set(order.tickets.values_list("status", flat=True)) == {Ticket.Status.VOID}
    provider.settle_refund("re_1", RefundStatus.SUCCEEDED)
    tell_refund(order.payments.get())
    retrying.run_due(now=now + timedelta(seconds=10))

    assert fresh(order).status == Order.Status.REFUNDED


def test_a_refund_that_fails_after_it_succeeded_calls_for_a_person(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)
    ask_back(order, now)
    retrying.run_due(now=now + timedelta(seconds=1))
    provider.settle_refund("re_1", RefundStatus.FAILED)

    tell_refund(order.payments.get())
    retrying.run_due(now=now + timedelta(seconds=10))

    assert Refund.objects.get().status == Refund.Status.FAILED
    assert Payment.objects.get().refunded_cents == 0
    assert fresh(order).status == Order.Status.PAID
    assert (PaymentFailure.objects.get().category, PaymentFailure.objects.get().severity) == ("refund", "critical")
    tell_refund(order.payments.get())
    retrying.run_due(now=now + timedelta(seconds=20))
    assert PaymentFailure.objects.count() == 1


def test_a_refund_the_provider_refuses_calls_for_a_person_at_once(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)
    provider.fail_next("refund", error=GatewayRefused("no funds", provider_code="balance_insufficient"))
    ask_back(order, now)

    retrying.run_due(now=now + timedelta(seconds=1))

    failure = PaymentFailure.objects.get()
    assert (failure.error_code, failure.category) == ("balance_insufficient", "refund")
    assert Refund.objects.get().status == Refund.Status.FAILED
    assert fresh(order).status == Order.Status.FULFILLED
    assert set(order.tickets.values_list("status", flat=True)) == {Ticket.Status.VALID}


def test_a_refund_no_provider_answers_is_tried_six_times_and_then_given_up(
    provider: FakeProvider, now: datetime
) -> None:
    order = buy(provider)
    for _ in range(6):
        provider.fail_next("refund")
    [refund] = ask_back(order, now)

    for hour in range(8):
        retrying.run_due(now=now + timedelta(hours=hour + 1))

    refund.refresh_from_db()
    assert (refund.attempts, refund.next_attempt_at) == (6, None)
    assert PaymentFailure.objects.get(category="refund").error_code == "provider_unavailable"


def test_a_partial_refund_in_the_dashboard_leaves_the_tickets(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)
    payment = order.payments.get()
    provider.add_refund(intent_of(payment), 1000)

    tell_refund(payment)
    retrying.run_due(now=now + timedelta(seconds=1))

    assert Payment.objects.get().refunded_cents == 1000
    assert fresh(order).status == Order.Status.FULFILLED
    assert set(order.tickets.values_list("status", flat=True)) == {Ticket.Status.VALID}


def test_a_refund_that_failed_in_the_dashboard_moves_nothing(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)
    payment = order.payments.get()
    provider.refunds_start_as = RefundStatus.FAILED
    provider.add_refund(intent_of(payment), 1000)

    tell_refund(payment)
    retrying.run_due(now=now + timedelta(seconds=1))

    assert not Refund.objects.exists()
    assert Payment.objects.get().refunded_cents == 0


def test_nothing_goes_back_beyond_what_came(provider: FakeProvider, now: datetime) -> None:
    payment = buy(provider).payments.get()

    with pytest.raises(RefundTooLarge), transaction.atomic():
        refunds.owe(
            payment, amount_cents=payment.received_cents + 1, reason=Refund.Reason.OWNER, cause="greed", now=now
        )

    assert not Refund.objects.exists()


def test_the_same_cause_owes_the_same_refund(provider: FakeProvider, now: datetime) -> None:
    payment = buy(provider).payments.get()

    with transaction.atomic():
        one = refunds.owe(payment, amount_cents=100, reason=Refund.Reason.OWNER, cause="c", now=now)
        two = refunds.owe(payment, amount_cents=100, reason=Refund.Reason.OWNER, cause="c", now=now)

    assert one == two


def test_an_order_that_is_refunded_before_its_tickets_gets_none(provider: FakeProvider, now: datetime) -> None:
    order = hold()
    pay(provider, order)
    checkout.ask_provider(order, now=now)
    ask_back(order, now)

    assert not fulfilment.try_now(order, now=now + timedelta(seconds=1))
    retrying.run_due(now=now + timedelta(seconds=1))

    assert fresh(order).status == Order.Status.REFUNDED
    assert not Ticket.objects.exists()
    assert Fulfilment.objects.get().next_attempt_at is None
    assert come_back(order).status == Order.Status.REFUNDED


def test_a_fulfilment_that_meets_a_refund_delivers_nothing(provider: FakeProvider, now: datetime) -> None:
    order = hold()
    pay(provider, order)
    checkout.ask_provider(order, now=now)
    ask_back(order, now)
    Fulfilment.objects.update(next_attempt_at=now)

    fulfilment.try_now(order, now=now + timedelta(seconds=1))

    assert not Ticket.objects.exists()


def test_a_late_answer_to_a_refund_that_failed_changes_nothing(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)
    provider.fail_next("refund", error=GatewayRefused("no", provider_code="x"))
    [refund] = ask_back(order, now)
    retrying.run_due(now=now + timedelta(seconds=1))

    refunds.keep_refusal(refund.pk, GatewayRefused("no"), now=now)

    assert PaymentFailure.objects.count() == 1


def refund_tickets(order: Order, positions: list[int], now: datetime) -> Refund:
    chosen = order.tickets.filter(position__in=positions).values_list("pk", flat=True)
    return refunds.refund_goods(order.pk, list(chosen), reason=Refund.Reason.OWNER, now=now)


def statuses(order: Order) -> list[str]:
    return list(order.tickets.order_by("position").values_list("status", flat=True))


def test_one_ticket_goes_back_with_its_fee_and_its_place(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider, quantity=3)

    owed = refund_tickets(order, [2], now)
    assert statuses(order) == ["valid", "valid", "valid"]
    retrying.run_due(now=now + timedelta(seconds=1))

    assert (owed.amount_cents, [refund.amount_cents for refund in provider.refunds.values()]) == (2800, [2800])
    assert statuses(order) == ["valid", "void", "valid"]
    assert fresh(order).status == Order.Status.FULFILLED
    assert order.ticket_reservations.get().ticket_type.sold == 2
    assert Email.objects.filter(kind="refunded").count() == 1


def test_a_ticket_is_refunded_once(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider, quantity=3)
    refund_tickets(order, [1], now)

    with pytest.raises(NothingToRefund):
        refund_tickets(order, [1], now)
    rest = refund_tickets(order, [1, 2], now)
    retrying.run_due(now=now + timedelta(seconds=1))

    assert rest.amount_cents == 2800
    assert Payment.objects.get().refunded_cents == 5600
    assert statuses(order) == ["void", "void", "valid"]


def test_another_orders_ticket_is_not_refunded_here(provider: FakeProvider, now: datetime) -> None:
    order, other = buy(provider), buy(provider)
    ticket = other.tickets.first()
    assert ticket

    with pytest.raises(NothingToRefund):
        refunds.refund_goods(order.pk, [ticket.pk], reason=Refund.Reason.OWNER, now=now)

    assert not Refund.objects.exists()


def test_the_last_ticket_that_goes_back_closes_the_order(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider, quantity=2)

    for position in (1, 2):
        refund_tickets(order, [position], now)
        retrying.run_due(now=now + timedelta(seconds=1))

    assert fresh(order).status == Order.Status.REFUNDED
    hold = order.ticket_reservations.get()
    assert (hold.status, hold.ticket_type.sold) == ("released", 0)


def test_the_rest_goes_back_after_one_ticket(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider, quantity=3)
    refund_tickets(order, [3], now)

    [rest] = ask_back(order, now)
    retrying.run_due(now=now + timedelta(seconds=1))

    assert rest.amount_cents == 5600
    assert fresh(order).status == Order.Status.REFUNDED
    assert statuses(order) == ["void", "void", "void"]
    assert set(RefundItem.objects.exclude(taken_back_at=None).values_list("amount_cents", flat=True)) == {2800}


def test_no_ticket_costs_more_than_is_left_of_the_payment(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider, quantity=2)
    payment = order.payments.get()
    provider.add_refund(intent_of(payment), 4000)
    tell_refund(payment)
    retrying.run_due(now=now + timedelta(seconds=1))

    with pytest.raises(RefundTooLarge):
        refund_tickets(order, [1], now)

    assert not RefundItem.objects.exists()


def test_a_ticket_whose_refund_is_refused_stays_good(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)
    provider.fail_next("refund", error=GatewayRefused("no", provider_code="x"))
    refund_tickets(order, [1], now)

    retrying.run_due(now=now + timedelta(seconds=1))

    assert statuses(order) == ["valid", "valid"]
    assert PaymentFailure.objects.get().category == "refund"


def test_a_failed_refund_is_tried_again_with_a_new_one(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)
    provider.refunds_start_as = RefundStatus.FAILED
    failed = refund_tickets(order, [1], now)
    retrying.run_due(now=now + timedelta(seconds=1))
    provider.refunds_start_as = RefundStatus.SUCCEEDED

    again, twice = refunds.retry(failed.pk, now=now), refunds.retry(failed.pk, now=now)
    retrying.run_due(now=now + timedelta(seconds=2))
    tell_refund(order.payments.get())
    retrying.run_due(now=now + timedelta(seconds=3))

    assert again == twice
    assert [(refund.status, refund.amount_cents) for refund in provider.refunds.values()] == [
        (RefundStatus.FAILED, 2800),
        (RefundStatus.SUCCEEDED, 2800),
    ]
    assert Payment.objects.get().refunded_cents == 2800
    assert statuses(order) == ["void", "valid"]
    assert PaymentFailure.objects.get().resolved
    assert again
    assert refunds.retry(again.pk, now=now) is None


def test_a_refund_that_was_given_up_is_tried_again_under_its_own_key(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)
    [refund] = ask_back(order, now)
    for attempt in range(6):
        provider.fail_next("refund", after=True)
        retrying.run_due(now=now + timedelta(hours=attempt + 1))
    assert PaymentFailure.objects.get(resolved=False).error_code == "provider_unavailable"

    assert refunds.retry(refund.pk, now=now + timedelta(hours=9)) == refund
    retrying.run_due(now=now + timedelta(hours=9))

    assert len(provider.refunds) == 1
    assert fresh(order).status == Order.Status.REFUNDED
    assert not PaymentFailure.objects.unresolved().exists()


def test_a_refund_that_fails_again_calls_again(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)
    provider.refunds_start_as = RefundStatus.FAILED
    [failed] = ask_back(order, now)
    retrying.run_due(now=now + timedelta(seconds=1))

    refunds.retry(failed.pk, now=now)
    retrying.run_due(now=now + timedelta(seconds=2))

    assert list(PaymentFailure.objects.order_by("created_at").values_list("resolved", flat=True)) == [True, False]

    provider.refunds_start_as = RefundStatus.SUCCEEDED
    third = refunds.retry(failed.pk, now=now)
    retrying.run_due(now=now + timedelta(seconds=3))
    assert third
    assert fresh(order).status == Order.Status.REFUNDED


def test_money_that_went_back_another_way_is_not_sent_twice(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)
    provider.refunds_start_as = RefundStatus.FAILED
    [failed] = ask_back(order, now)
    retrying.run_due(now=now + timedelta(seconds=1))
    provider.refunds_start_as = RefundStatus.SUCCEEDED
    ask_back(order, now, cause="by hand")
    retrying.run_due(now=now + timedelta(seconds=2))

    with pytest.raises(RefundTooLarge):
        refunds.retry(failed.pk, now=now)

    assert Payment.objects.get().refunded_cents == order.total_cents
