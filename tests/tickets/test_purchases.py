from datetime import datetime, timedelta

import pytest

from payments import idempotency
from payments.idempotency import Answer, Request
from payments.models import IdempotencyKey, Order
from tests.buying import GUEST, come_back, fresh, pay, start
from tests.factories.tickets import TicketTypeFactory
from tests.fakes import FakeProvider
from tests.threads import all_at_once
from tickets import purchases
from tickets.exceptions import SoldOut
from tickets.models import TicketType

pytestmark = pytest.mark.django_db(transaction=True)


def press(type_: TicketType, *, quantity: int = 2, now: datetime, mark: str = "form") -> Order:
    return purchases.buy_once(type_.event, press=mark, quantities={type_.slug: quantity}, buyer=GUEST, now=now)


def held(type_: TicketType) -> int:
    type_.refresh_from_db()
    return type_.held


def test_a_form_pressed_twice_is_one_order(provider: FakeProvider, now: datetime) -> None:
    type_ = TicketTypeFactory.create()

    orders = {press(type_, now=now).pk, press(type_, now=now).pk}

    assert len(orders) == 1
    assert held(type_) == 2


def test_a_form_pressed_ten_times_at_once_is_one_order(provider: FakeProvider, now: datetime) -> None:
    type_ = TicketTypeFactory.create()

    answers = all_at_once(10, lambda _: press(type_, now=now).pk)

    assert set(answers) == {Order.objects.get().pk}
    assert held(type_) == 2


def test_two_forms_are_two_orders(provider: FakeProvider, now: datetime) -> None:
    type_ = TicketTypeFactory.create()

    press(type_, now=now)
    press(type_, now=now, mark="form of another tab")

    assert Order.objects.count() == 2
    assert held(type_) == 4


def test_one_form_mark_on_two_nights_is_two_orders(provider: FakeProvider, now: datetime) -> None:
    one, other = TicketTypeFactory.create(slug="general"), TicketTypeFactory.create(slug="general")

    press(one, now=now)
    press(other, now=now)

    assert list(Order.objects.values_list("status", flat=True)) == ["pending", "pending"]


def test_another_choice_of_the_same_form_lets_the_earlier_one_go(provider: FakeProvider, now: datetime) -> None:
    type_ = TicketTypeFactory.create(capacity=4)

    first = press(type_, quantity=3, now=now)
    second = press(type_, quantity=4, now=now)

    assert fresh(first).status == Order.Status.CANCELLED
    assert second.status == Order.Status.PENDING
    assert held(type_) == 4


def test_an_earlier_choice_that_was_paid_meanwhile_stays(provider: FakeProvider, now: datetime) -> None:
    type_ = TicketTypeFactory.create()
    first = press(type_, now=now)
    pay(provider, first, now=now)

    press(type_, quantity=1, now=now)

    assert come_back(first).status == Order.Status.FULFILLED
    assert Order.objects.filter(status=Order.Status.PENDING).count() == 1


def test_an_earlier_choice_stays_while_the_provider_is_silent(provider: FakeProvider, now: datetime) -> None:
    type_ = TicketTypeFactory.create()
    first = press(type_, now=now)
    start(first, now=now)
    provider.fail_next("cancel_intent")

    press(type_, quantity=1, now=now)

    assert fresh(first).status == Order.Status.PENDING
    assert held(type_) == 3


def test_places_that_ran_out_are_taken_anew_and_once(provider: FakeProvider, now: datetime) -> None:
    type_ = TicketTypeFactory.create(capacity=2)
    first = press(type_, now=now)
    later = now + timedelta(minutes=16)

    second, third = press(type_, now=later), press(type_, now=later)

    assert second.pk == third.pk != first.pk
    assert fresh(first).status == Order.Status.EXPIRED
    assert held(type_) == 2


def test_a_paid_order_is_found_again_and_not_bought_twice(provider: FakeProvider, now: datetime) -> None:
    type_ = TicketTypeFactory.create()
    first = press(type_, now=now)
    pay(provider, first, now=now)
    come_back(first)

    assert press(type_, now=now).pk == first.pk
    assert Order.objects.count() == 1


def test_a_refusal_leaves_the_form_free_to_try_again(provider: FakeProvider, now: datetime) -> None:
    type_ = TicketTypeFactory.create(capacity=1)

    with pytest.raises(SoldOut):
        press(type_, now=now)
    TicketType.objects.update(capacity=2)

    assert press(type_, now=now).status == Order.Status.PENDING
    assert Order.objects.count() == 1


def test_a_press_is_kept_apart_from_a_programs_keys(provider: FakeProvider, now: datetime) -> None:
    type_ = TicketTypeFactory.create()
    press(type_, now=now)
    key = IdempotencyKey.objects.get().key

    answer = idempotency.answer_once(Request(key, "somebody", "POST", "/", {}), lambda _: Answer(200, "mine"), now=now)

    assert (answer.body, answer.is_replay) == ("mine", False)
