from datetime import datetime, timedelta

import pytest

from payments import checkout, expiry, orders, refunds, retrying
from payments.gateways.types import IntentStatus
from payments.models import Order, Refund
from tests.buying import buy, fresh, hold, intent_of, pay, start
from tests.fakes import FakeProvider
from tickets import telling

pytestmark = pytest.mark.django_db(transaction=True)


def test_money_before_tickets_needs_nothing_of_the_guest(provider: FakeProvider, now: datetime) -> None:
    order = hold()
    pay(provider, order)
    checkout.ask_provider(order, now=now)

    told = telling.tell(fresh(order), now=now)

    assert told.headline == "Paid. Your tickets are on the way"
    assert (told.is_moving, told.can_have_again) == (True, False)


def test_a_bank_that_is_deciding_is_never_called_not_charged(provider: FakeProvider, now: datetime) -> None:
    order = hold()
    provider.set_status(intent_of(start(order)), IntentStatus.PROCESSING)
    checkout.ask_provider(order, now=now)

    told = telling.tell(fresh(order), now=now + timedelta(minutes=20))

    assert orders.is_deciding(order)
    assert told.headline == "Your bank is still deciding"
    assert "charged" not in told.explanation
    assert (told.is_moving, told.can_have_again) == (True, False)


def test_a_hold_whose_money_is_not_known_yet_promises_nothing(provider: FakeProvider, now: datetime) -> None:
    order = hold(now=now - timedelta(minutes=16))
    start(order, now=now - timedelta(minutes=10))

    told = telling.tell(fresh(order), now=now)

    assert told.explanation.startswith("We are making sure that nothing was charged.")
    assert (told.is_moving, told.can_have_again) == (True, False)


@pytest.mark.parametrize(
    ("status", "headline"),
    [(Order.Status.EXPIRED, "Your time ran out"), (Order.Status.CANCELLED, "You let these places go")],
)
def test_an_end_without_money_offers_the_places_again(
    provider: FakeProvider, now: datetime, status: Order.Status, headline: str
) -> None:
    order = hold(now=now - timedelta(minutes=16))
    end = expiry.cancel_order if status == Order.Status.CANCELLED else expiry.expire_order
    end(order.pk, now=now)

    told = telling.tell(fresh(order), now=now)

    assert fresh(order).status == status
    assert told.headline == headline
    assert told.explanation.startswith("You have not been charged.")
    assert (told.is_moving, told.can_have_again) == (False, True)


def test_a_refund_is_told_with_its_amount_and_day(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)
    refunds.refund_order(order.pk, reason=Refund.Reason.OWNER, cause="c", now=now)
    retrying.run_due(now=now + timedelta(seconds=1))
    Refund.objects.update(created_at="2026-12-05T02:00Z")

    told = telling.tell(fresh(order), now=now)

    assert told.explanation == "$56.00, refunded on December 4, 2026. Banks take 5 to 10 days to show it."
    assert (told.is_moving, told.can_have_again) == (False, False)
