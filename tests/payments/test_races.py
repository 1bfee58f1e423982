from datetime import datetime, timedelta

import pytest

from payments import checkout, expiry, fulfilment, refunds, retrying
from payments.exceptions import GatewayRefused
from payments.models import Email, Fulfilment, Order, Payment, ProviderCall, Refund, WebhookEvent
from tests.buying import buy, clock, come_back, fresh, hold, intent_of, knock, pay, start
from tests.factories.tickets import TicketTypeFactory
from tests.fakes import FakeProvider, event_body, intent_object
from tests.threads import all_at_once
from tickets.exceptions import SoldOut
from tickets.models import Ticket, TicketType

pytestmark = pytest.mark.django_db(transaction=True)


def test_fifty_buyers_for_the_last_ten_places(provider: FakeProvider) -> None:
    type_ = TicketTypeFactory.create(capacity=10)

    answers = all_at_once(50, lambda _: hold(type_, quantity=1))

    won = [answer for answer in answers if isinstance(answer, Order)]
    assert len(won) == 10
    assert sum(isinstance(answer, SoldOut) for answer in answers) == 40
    assert Order.objects.count() == 10
    type_.refresh_from_db()
    assert (type_.held, type_.sold) == (10, 0)
    assert [come_back_paid(provider, order).status for order in won] == ["fulfilled"] * 10
    assert Ticket.objects.count() == 10


def come_back_paid(provider: FakeProvider, order: Order) -> Order:
    pay(provider, order)
    return come_back(order)


def test_the_guard_is_what_keeps_fifty_buyers_honest(provider: FakeProvider) -> None:
    """The positive control: looking first and taking afterwards sells too many or is refused by the database."""
    type_ = TicketTypeFactory.create(capacity=10)

    def look_then_take(_: int) -> bool:
        seen = TicketType.objects.get(pk=type_.pk)
        if seen.held >= seen.capacity:
            return False
        seen.held += 1
        seen.save(update_fields=["held"])
        return True

    taken = sum(answer is True for answer in all_at_once(50, look_then_take))

    assert taken > 10


def test_the_same_event_fifty_times_at_once_makes_one_set_of_tickets(provider: FakeProvider) -> None:
    order = hold(quantity=3)
    pay(provider, order)
    body = event_body("payment_intent.succeeded", intent_object(provider.intents["pi_1"]), event_id="evt_1")

    answers = all_at_once(50, lambda _: knock(body))
    retrying.run_due(now=clock() + timedelta(seconds=5))

    assert answers == [200] * 50
    assert WebhookEvent.objects.count() == 1
    assert Ticket.objects.count() == 3
    assert Fulfilment.objects.count() == 1
    assert Email.objects.count() == 1


def test_the_same_money_in_fifty_events_at_once_makes_one_set_of_tickets(provider: FakeProvider) -> None:
    order = hold(quantity=3)
    pay(provider, order)
    paid = intent_object(provider.intents["pi_1"])

    answers = all_at_once(50, lambda n: knock(event_body("payment_intent.succeeded", paid, event_id=f"evt_{n}")))
    retrying.run_due(now=clock() + timedelta(seconds=5))

    assert answers == [200] * 50
    assert Ticket.objects.filter(order=order).count() == 3
    assert not Refund.objects.exists()


def test_paying_pressed_twenty_times_at_once_opens_one_intent(provider: FakeProvider) -> None:
    order = hold()

    answers = all_at_once(20, lambda _: start(order))

    assert {answer.external_payment_id for answer in answers if isinstance(answer, Payment)} == {"pi_1"}
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert ProviderCall.objects.count() == 1


def test_twenty_workers_fulfil_one_order_once(provider: FakeProvider) -> None:
    order = hold(quantity=4)
    pay(provider, order)
    checkout.ask_provider(order, now=clock())

    answers = all_at_once(20, lambda _: fulfilment.try_now(order, now=clock()))

    assert answers.count(True) == 1
    assert Ticket.objects.count() == 4


def test_expiry_and_payment_at_once_end_in_places_or_in_a_refund(provider: FakeProvider, now: datetime) -> None:
    late = now + timedelta(minutes=16)
    orders = [hold(TicketTypeFactory.create(capacity=2)) for _ in range(10)]
    payments = [start(order) for order in orders]

    def race(number: int) -> object:
        order, payment = orders[number // 2], payments[number // 2]
        if number % 2:
            return expiry.expire_order(order.pk, now=late)
        try:
            provider.pay(intent_of(payment))
        except GatewayRefused:
            return False
        return knock(event_body("payment_intent.succeeded", intent_object(provider.intents[intent_of(payment)])))

    answers = all_at_once(20, race)
    retrying.run_due(now=late)

    assert not [answer for answer in answers if isinstance(answer, Exception)]
    for order, payment in zip(orders, payments, strict=True):
        paid = provider.intents[intent_of(payment)].received_cents > 0
        assert fresh(order).status == (Order.Status.FULFILLED if paid else Order.Status.EXPIRED)
        assert Ticket.objects.filter(order=order).count() == (2 if paid else 0)


def test_ten_refunds_of_one_order_at_once_send_its_money_back_once(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)

    def refund(number: int) -> list[Refund]:
        return refunds.refund_order(order.pk, reason=Refund.Reason.OWNER, cause=f"click:{number}", now=now)

    answers = all_at_once(10, refund)
    retrying.run_due(now=now + timedelta(seconds=5))

    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert sum(refund.amount_cents for refund in provider.refunds.values()) == order.total_cents
    assert fresh(order).status == Order.Status.REFUNDED


def test_two_types_taken_in_opposite_order_never_lock_each_other_out(provider: FakeProvider) -> None:
    from tests.buying import GUEST
    from tickets import checkout as ticket_checkout

    first = TicketTypeFactory.create(slug="a", capacity=200)
    TicketTypeFactory.create(event=first.event, slug="b", capacity=200)

    def take(number: int) -> Order:
        slugs = ("a", "b") if number % 2 else ("b", "a")
        return ticket_checkout.buy_tickets(first.event, quantities=dict.fromkeys(slugs, 1), buyer=GUEST, now=clock())

    answers = all_at_once(50, take)

    assert all(isinstance(answer, Order) for answer in answers)


def test_guests_come_back_while_events_arrive_and_never_lock_each_other_out(provider: FakeProvider) -> None:
    order = hold()
    payment = start(order)
    declined = intent_object(provider.decline(intent_of(payment)))

    def arrive(number: int) -> object:
        if number % 2:
            return come_back(order)
        return knock(event_body("payment_intent.payment_failed", declined, event_id=f"evt_{number}"))

    answers = all_at_once(40, arrive)

    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert WebhookEvent.objects.count() == 20
    assert not WebhookEvent.objects.exclude(status=WebhookEvent.Status.PROCESSED).exists()
