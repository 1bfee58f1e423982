from datetime import datetime, timedelta

import pytest

from payments import checkout, orders, refunds, retrying
from payments.exceptions import IllegalMove, PaymentDeclined
from payments.models import Order, PaymentFailure, Refund
from payments.orders import Truth
from tests.buying import buy, fresh, hold, pay, start
from tests.fakes import FakeProvider

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_four_truths(provider: FakeProvider, now: datetime) -> None:
    order = hold()
    assert orders.truth(order) is Truth.NOT_CHARGED

    pay(provider, order)
    checkout.ask_provider(order, now=now)
    assert orders.truth(fresh(order)) is Truth.ON_THE_WAY

    retrying.run_due(now=now + timedelta(seconds=1))
    assert orders.truth(fresh(order)) is Truth.DELIVERED

    refunds.refund_order(order.pk, reason=Refund.Reason.OWNER, cause="c", now=now)
    retrying.run_due(now=now + timedelta(seconds=1))
    assert orders.truth(fresh(order)) is Truth.REFUNDED


def test_money_that_is_going_back_is_told_as_refunded(provider: FakeProvider, now: datetime) -> None:
    order = hold()
    pay(provider, order)
    checkout.ask_provider(order, now=now)
    refunds.refund_order(order.pk, reason=Refund.Reason.OWNER, cause="c", now=now)

    assert orders.truth(fresh(order)) is Truth.REFUNDED


def test_money_that_differs_is_not_called_uncharged(provider: FakeProvider, now: datetime) -> None:
    order = hold()
    payment = start(order)
    provider.pay(payment.external_payment_id or "", cents=1)
    checkout.ask_provider(order, now=now)

    assert orders.truth(fresh(order)) is Truth.ON_THE_WAY


def test_a_move_is_made_once(provider: FakeProvider, now: datetime) -> None:
    order = hold()

    assert order.move_to(Order.Status.EXPIRED, now=now)
    assert not order.move_to(Order.Status.EXPIRED, now=now)
    with pytest.raises(IllegalMove):
        order.move_to(Order.Status.FULFILLED, now=now)


def test_a_move_without_a_moment_of_its_own_stamps_nothing(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)

    order.move_to(Order.Status.REFUNDED, now=now)

    assert fresh(order).status == Order.Status.REFUNDED


def test_an_exceptions_sentence_is_its_docstring() -> None:
    assert PaymentDeclined().sentence == "Payment failed. Please try again."


def test_rows_name_themselves(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)
    payment = order.payments.get()
    provider.decline(payment.external_payment_id or "")

    assert str(order) == order.reference
    assert str(payment) == "pi_1"
    assert str(order.fulfilment) == f"fulfilment of {order.pk}"
    assert str(order.emails.get()) == "tickets_ready to ana@example.com"
    failure = PaymentFailure(category="declined", customer_email="a@example.com", created_at=now)
    assert str(failure) == "Card declined: a@example.com"
    assert failure.age(now + timedelta(seconds=5)) == 5
