from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from payments import expiry
from payments.models import Order
from tests.buying import GUEST, buy, clock, hold
from tests.factories.tickets import EventFactory, TicketTypeFactory
from tests.fakes import FakeProvider
from tickets import checkout, holds
from tickets.exceptions import NothingChosen, NotOnSale, SoldOut, TooMany, UnknownType
from tickets.models import Event, TicketReservation, TicketType

pytestmark = pytest.mark.django_db(transaction=True)


def buy_from(event: Event, quantities: dict[str, int], *, now: datetime | None = None) -> Order:
    return checkout.buy_tickets(event, quantities=quantities, buyer=GUEST, now=now or clock())


def test_an_order_is_priced_from_our_own_tables() -> None:
    event = EventFactory.create()
    TicketTypeFactory.create(event=event, slug="early", name="Early", price_cents=1500, fee_cents=200)
    TicketTypeFactory.create(event=event, slug="door", name="Door", price_cents=3000, fee_cents=350)

    order = buy_from(event, {"early": 2, "door": 1, "other": 0})

    assert (order.subtotal_cents, order.fees_cents, order.total_cents) == (6000, 750, 6750)
    assert sorted((line["name"], line["quantity"], line["unit_price_cents"]) for line in order.lines) == [
        ("Door", 1, 3000),
        ("Early", 2, 1500),
    ]
    assert TicketReservation.objects.filter(order=order).count() == 2


def test_a_price_that_changes_during_a_hold_does_not_reach_the_order() -> None:
    type_ = TicketTypeFactory.create()
    order = hold(type_)

    TicketType.objects.update(price_cents=9900)

    assert Order.objects.get(pk=order.pk).total_cents == 5600


@pytest.mark.parametrize("quantities", [{}, {"a": 0}, {"a": -1}, {"a": 2, "b": -1}])
def test_nothing_chosen_is_said_so(quantities: dict[str, int]) -> None:
    with pytest.raises(NothingChosen):
        buy_from(EventFactory.create(), quantities)


def test_a_type_of_another_night_is_unknown() -> None:
    other = TicketTypeFactory.create()

    with pytest.raises(UnknownType):
        buy_from(EventFactory.create(), {other.slug: 1})


def test_one_order_holds_no_more_than_its_limit() -> None:
    type_ = TicketTypeFactory.create(max_per_order=4)

    with pytest.raises(TooMany):
        buy_from(type_.event, {type_.slug: 5})
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"status": Event.Status.DRAFT},
        {"status": Event.Status.CLOSED},
        {"sales_start_at": clock() + timedelta(days=1)},
        {"sales_end_at": clock() - timedelta(days=1)},
    ],
)
def test_a_night_that_is_not_on_sale_sells_nothing(changes: dict[str, object]) -> None:
    type_ = TicketTypeFactory.create(event=EventFactory.create(**changes))

    with pytest.raises(NotOnSale):
        hold(type_)
    assert not Order.objects.exists()


def test_a_type_taken_off_sale_sells_nothing() -> None:
    with pytest.raises(NotOnSale):
        hold(TicketTypeFactory.create(on_sale=False))


def test_several_types_are_taken_all_or_nothing() -> None:
    event = EventFactory.create()
    TicketTypeFactory.create(event=event, slug="a", capacity=10)
    TicketTypeFactory.create(event=event, slug="b", capacity=1)

    with pytest.raises(SoldOut):
        buy_from(event, {"a": 2, "b": 2})

    assert set(TicketType.objects.values_list("held", flat=True)) == {0}
    assert not Order.objects.exists()


def test_a_night_called_off_while_dead_holds_were_ended_sells_nothing(
    provider: FakeProvider, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_ = TicketTypeFactory.create(capacity=1)
    hold(type_, quantity=1, now=now - timedelta(minutes=16))
    expire = expiry.expire_these

    def expire_slowly(orders: Iterable[UUID], *, now: datetime) -> int:
        Event.objects.update(status=Event.Status.CLOSED)
        return expire(orders, now=now)

    monkeypatch.setattr(expiry, "expire_these", expire_slowly)

    with pytest.raises(NotOnSale):
        buy_from(type_.event, {type_.slug: 1}, now=now)

    assert Order.objects.get().status == Order.Status.EXPIRED
    assert TicketType.objects.get().held == 0


def test_what_is_left_counts_an_overdue_hold_as_free(now: datetime) -> None:
    type_ = TicketTypeFactory.create(capacity=10)
    hold(type_, quantity=3)
    hold(type_, quantity=4, now=now - timedelta(minutes=20))

    (left,) = holds.with_available("true", now=now)

    assert (left.held, left.available) == (7, 7)


def test_the_database_never_holds_more_than_there_is() -> None:
    TicketTypeFactory.create(capacity=10)

    with pytest.raises(IntegrityError, match="tickets_type_never_above_capacity"), transaction.atomic():
        TicketType.objects.update(held=6, sold=5)


def test_the_database_never_deletes_an_order(provider: FakeProvider) -> None:
    order = buy(provider)
    order.tickets.all()

    with pytest.raises(ProgrammingError), transaction.atomic():
        Order.objects.filter(pk=order.pk)._raw_delete("default")


def test_the_database_refuses_an_illegal_move(provider: FakeProvider) -> None:
    order = buy(provider)

    with pytest.raises(ProgrammingError), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(status="pending", paid_at=None)


def test_the_database_keeps_an_orders_price(provider: FakeProvider) -> None:
    order = buy(provider)

    with pytest.raises(ProgrammingError), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(subtotal_cents=1, fees_cents=0, total_cents=1)
