from datetime import datetime, timedelta

import pytest
from django.test import Client

from payments import checkout as checkout_of_payments
from payments import expiry, fulfilment, refunds, retrying
from payments.exceptions import PaymentsError
from payments.models import Order, Refund
from payments.orders import Buyer
from tests.buying import GUEST, buy, clock, come_back, fresh, hold, intent_of, pay, start
from tests.factories.tickets import EventFactory, PromoCodeFactory, TicketTypeFactory
from tests.fakes import FakeProvider
from tests.threads import all_at_once
from tickets import checkout, promos
from tickets.exceptions import CodeNotForThese, CodeUsedByGuest, CodeUsedUp, NotOnSale, UnknownCode
from tickets.models import PromoCode, PromoUse, TicketType

pytestmark = pytest.mark.django_db(transaction=True)


def hold_with(
    type_: TicketType, code: str, *, quantity: int = 2, buyer: Buyer = GUEST, now: datetime | None = None
) -> Order:
    return checkout.buy_tickets(
        type_.event, quantities={type_.slug: quantity}, buyer=buyer, now=now or clock(), code=code
    )


def counts(promo: PromoCode) -> tuple[int, int]:
    promo.refresh_from_db()
    return promo.held, promo.used


@pytest.mark.parametrize(
    ("price", "fee", "terms", "expected"),
    [
        (2500, 300, {"percent": 10}, (2250, 270, 280)),
        (2500, 350, {"percent": 15}, (2124, 298, 428)),  # half a cent is rounded up
        (999, 0, {"percent": 33}, (669, 0, 330)),
        (2500, 300, {"percent": None, "amount_cents": 500}, (2053, 247, 500)),
        (300, 0, {"percent": None, "amount_cents": 500}, (100, 0, 200)),  # never below a dollar
        (80, 0, {"percent": 50}, (80, 0, 0)),
    ],
)
def test_a_price_with_a_code(
    price: int, fee: int, terms: dict[str, int | None], expected: tuple[int, int, int]
) -> None:
    type_ = TicketTypeFactory.build(price_cents=price, fee_cents=fee)
    promo = PromoCodeFactory.create(**terms)

    made = promos.price(type_, promo)

    assert (made.price_cents, made.fee_cents, made.discount_cents) == expected
    assert made.list_cents == price + fee


def test_a_use_is_counted_with_the_places_and_goes_back_with_them(provider: FakeProvider, now: datetime) -> None:
    promo, type_ = PromoCodeFactory.create(), TicketTypeFactory.create()
    order = hold_with(type_, promo.code.lower())
    assert counts(promo) == (1, 0)
    assert PromoUse.objects.get().discount_cents == 560

    expiry.cancel_order(order.pk, now=now)

    assert counts(promo) == (0, 0)
    assert PromoUse.objects.get().status == "released"


def test_a_paid_order_has_used_its_code_until_it_is_refunded(provider: FakeProvider, now: datetime) -> None:
    promo = PromoCodeFactory.create()
    order = hold_with(TicketTypeFactory.create(), promo.code)
    pay(provider, order)
    assert come_back(order).status == Order.Status.FULFILLED
    assert counts(promo) == (0, 1)

    refunds.refund_order(order.pk, reason=Refund.Reason.OWNER, cause="c", now=now)
    retrying.run_due(now=now + timedelta(seconds=1))

    assert counts(promo) == (0, 0)


def test_twenty_guests_for_the_last_five_uses(provider: FakeProvider) -> None:
    promo, type_ = PromoCodeFactory.create(capacity=5), TicketTypeFactory.create()

    answers = all_at_once(20, lambda n: hold_with(type_, promo.code, buyer=Buyer("Ana", f"ana{n}@example.com")))

    assert sum(isinstance(answer, Order) for answer in answers) == 5
    assert sum(isinstance(answer, CodeUsedUp) for answer in answers) == 15
    assert counts(promo) == (5, 0)
    type_.refresh_from_db()
    assert type_.held == 10


def test_one_guest_ten_times_at_once_has_one_use(provider: FakeProvider) -> None:
    promo, type_ = PromoCodeFactory.create(per_guest=1), TicketTypeFactory.create()

    answers = all_at_once(10, lambda n: hold_with(type_, promo.code, buyer=Buyer("Ana", "Ana@example.com")))

    assert sum(isinstance(answer, Order) for answer in answers) == 1
    assert sum(isinstance(answer, CodeUsedByGuest) for answer in answers) == 9
    assert counts(promo) == (1, 0)


def test_who_buys_with_a_code_and_who_gets_tickets_for_one_do_not_lock_each_other_out(provider: FakeProvider) -> None:
    promo, type_ = PromoCodeFactory.create(), TicketTypeFactory.create(capacity=500)
    paid = [hold_with(type_, promo.code) for _ in range(40)]
    for order in paid:
        pay(provider, order)
        checkout_of_payments.ask_provider(order, now=clock())
    lots = [paid[first::4] for first in range(4)]

    def act(number: int) -> None:
        for order in lots[number // 2]:
            if number % 2:
                assert fulfilment.try_now(order, now=clock())
            else:
                hold_with(type_, promo.code)

    assert all_at_once(8, act) == [None] * 8
    assert counts(promo) == (40, 40)


def test_a_guest_may_use_a_code_again_once_they_let_it_go(provider: FakeProvider, now: datetime) -> None:
    promo, type_ = PromoCodeFactory.create(per_guest=1), TicketTypeFactory.create()
    expiry.cancel_order(hold_with(type_, promo.code).pk, now=now)

    assert hold_with(type_, promo.code).status == Order.Status.PENDING


def test_a_dead_hold_never_keeps_a_code_from_a_living_guest(provider: FakeProvider, now: datetime) -> None:
    promo, type_, other = PromoCodeFactory.create(capacity=1), TicketTypeFactory.create(), TicketTypeFactory.create()
    dead = hold_with(other, promo.code, now=now - timedelta(minutes=16))

    assert hold_with(type_, promo.code, now=now).status == Order.Status.PENDING

    assert fresh(dead).status == Order.Status.EXPIRED
    assert counts(promo) == (1, 0)


@pytest.mark.parametrize("code_left", [True, False])
def test_late_money_finds_its_code_again_or_goes_back(provider: FakeProvider, now: datetime, code_left: bool) -> None:
    promo = PromoCodeFactory.create(capacity=1)
    type_ = TicketTypeFactory.create()
    order = hold_with(type_, promo.code)
    payment = start(order)
    provider.fail_next("cancel_intent")
    assert expiry.expire_order(order.pk, now=order.expires_at + timedelta(minutes=21))
    assert counts(promo) == (0, 0)
    if not code_left:
        hold_with(type_, promo.code, buyer=Buyer("Eva", "eva@example.com"))
    provider.pay(intent_of(payment))

    come_back(order)
    retrying.run_due(now=now + timedelta(seconds=1))

    type_.refresh_from_db()
    assert fresh(order).status == ("fulfilled" if code_left else "refunded")
    assert counts(promo) == ((0, 1) if code_left else (1, 0))
    assert (type_.held, type_.sold) == ((0, 2) if code_left else (2, 0))


@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        ({"is_active": False}, UnknownCode),
        ({"starts_at": "2100-01-01T00:00Z"}, UnknownCode),
        ({"ends_at": "2020-01-01T00:00Z"}, UnknownCode),
        ({"capacity": 1, "used": 1}, CodeUsedUp),
        ({"capacity": 1, "held": 1}, CodeUsedUp),
    ],
)
def test_a_code_that_cannot_be_used_is_refused_and_nothing_is_kept(
    provider: FakeProvider, terms: dict[str, object], refusal: type[PaymentsError]
) -> None:
    promo, type_ = PromoCodeFactory.create(**terms), TicketTypeFactory.create()

    with pytest.raises(refusal):
        hold_with(type_, promo.code)

    type_.refresh_from_db()
    assert (type_.held, Order.objects.count(), PromoUse.objects.count()) == (0, 0, 0)


def test_a_code_of_another_night_is_unknown_and_the_nights_own_comes_first(provider: FakeProvider) -> None:
    type_ = TicketTypeFactory.create()
    PromoCodeFactory.create(code="FIESTA", percent=10)
    PromoCodeFactory.create(code="FIESTA", percent=20, event=type_.event)
    PromoCodeFactory.create(code="OTRA", event=EventFactory.create())

    assert hold_with(type_, "FIESTA").total_cents == 4480
    with pytest.raises(UnknownCode):
        hold_with(type_, "OTRA")


def test_a_code_for_other_tickets_takes_nothing_off(provider: FakeProvider) -> None:
    type_ = TicketTypeFactory.create()
    early = TicketTypeFactory.create(event=type_.event)
    promo = PromoCodeFactory.create()
    promo.types.add(early)

    with pytest.raises(CodeNotForThese):
        hold_with(type_, promo.code)

    assert hold_with(early, promo.code).total_cents == 5040


def test_the_page_shows_what_a_code_does() -> None:
    type_ = TicketTypeFactory.create()
    promo = PromoCodeFactory.create(code="CUMBIA")

    page = Client().get(f"/nights/{type_.event.slug}/?code=cumbia").content.decode()
    wrong = Client().get(f"/nights/{type_.event.slug}/?code=nada%00").content.decode()

    assert "CUMBIA is in the prices below." in page
    assert '</span>$28.00</s> <span class="amount">$25.20</span>' in page
    assert f'name="code" value="{promo.code}"' in page
    assert "That code is not valid for this night." in wrong
    assert 'value="NADA"' in wrong


def test_the_summary_says_what_a_code_took_off(provider: FakeProvider) -> None:
    order = hold_with(TicketTypeFactory.create(), PromoCodeFactory.create().code)

    page = Client().get(f"/orders/{order.reference}/pay/").content.decode()

    assert "Your code takes $5.60 off." in page
    assert "$50.40" in page


def test_a_code_refused_at_the_last_moment_shows_the_prices_without_it(provider: FakeProvider) -> None:
    type_, promo = TicketTypeFactory.create(), PromoCodeFactory.create(capacity=1, used=1)
    typed = {"name": "Ana", "email": "ana@example.com", f"quantity_{type_.slug}": "1", "code": promo.code}

    answer = Client().post(f"/nights/{type_.event.slug}/buy/", typed)

    assert answer.status_code == 409
    assert "That code has been used up." in answer.content.decode()
    assert 'data-cents="2800"' in answer.content.decode()
    assert not Order.objects.exists()


def test_the_same_places_again_come_with_the_same_code(provider: FakeProvider, now: datetime) -> None:
    promo = PromoCodeFactory.create()
    order = hold_with(TicketTypeFactory.create(), promo.code, now=now - timedelta(minutes=20))

    page = Client().get(f"/orders/{order.reference}/").content.decode()

    assert f'name="code" value="{promo.code}"' in page


def test_an_order_without_a_code_knows_of_none(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)

    assert order.lines[0]["unit_discount_cents"] == 0
    assert not PromoUse.objects.exists()


# --- tiers: early, standard, door ---


def test_a_tier_is_sold_in_its_own_time(provider: FakeProvider, now: datetime) -> None:
    event = EventFactory.create()
    early = TicketTypeFactory.create(event=event, name="Early", sales_end_at=now + timedelta(hours=1))
    door = TicketTypeFactory.create(event=event, name="Door", sales_start_at=now + timedelta(hours=1))

    page = Client().get(f"/nights/{event.slug}/").content.decode()
    assert "At this price until" in page
    assert f"quantity_{early.slug}" in page
    assert f"quantity_{door.slug}" not in page
    assert hold(early, now=now).status == "pending"
    with pytest.raises(NotOnSale):
        hold(door, now=now)

    later = now + timedelta(hours=2)
    assert hold(door, now=later).status == "pending"
    with pytest.raises(NotOnSale):
        hold(early, now=later)


def test_a_night_whose_next_tier_is_to_come_is_not_sold_out(now: datetime) -> None:
    event = EventFactory.create()
    TicketTypeFactory.create(event=event, capacity=0)
    TicketTypeFactory.create(event=event, sales_start_at=now + timedelta(hours=1))
    TicketTypeFactory.create(event=event, sales_end_at=now - timedelta(hours=1))

    page = Client().get(f"/nights/{event.slug}/").content.decode()

    assert "From " in page
    assert "No longer sold" in page
    assert 'class="stamp"' not in page
    assert "Hold my places" not in page
