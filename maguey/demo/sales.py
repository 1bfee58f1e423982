"""The demo's sales: guests, cards and faults, through the product's own doors and the sandbox's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta

import stripe

from maguey.demo import people
from payments import actors, checkout, fulfilment, products, refunds, retrying, webhooks
from payments.exceptions import FulfilmentFailed
from payments.gateways import stripe as stripe_gateway
from payments.models import Fulfilment, Order, Payment, Refund
from payments.products import Goods
from tickets import checkout as ticket_checkout
from tickets import nights as whole_nights
from tickets.models import Event
from vip import booking
from vip.booking import Party
from vip.exceptions import TableTaken

GOOD_CARD = "pm_card_visa"
DECLINED_CARD = "pm_card_visa_chargeDeclined"
DISPUTED_CARD = "pm_card_createDispute"
SOME_TIME = timedelta(hours=1)


@actors.acting(actors.GUEST)
def hold(event: Event, number: int, *, slug: str, quantity: int, now: datetime) -> Order:
    """Hold places for one of the guests."""
    return ticket_checkout.buy_tickets(event, quantities={slug: quantity}, buyer=people.buyer(number), now=now)


@actors.acting(actors.GUEST)
def give_card(order: Order, card: str, *, now: datetime) -> Payment:
    """Open the way to pay and give a card; a declined one raises at the provider, as it should."""
    begun = checkout.start_payment(order.pk, provider="stripe", mode="elements", now=now)
    payment = Payment.objects.get(pk=begun.payment_id)
    confirm = stripe_gateway.client().v1.payment_intents.confirm
    try:
        confirm(payment.external_payment_id or "", {"payment_method": card})
    except stripe.CardError:
        checkout.ask_provider(order, now=now)
    return payment


@actors.acting(actors.GUEST)
def buy(event: Event, number: int, *, slug: str, quantity: int, now: datetime, card: str = GOOD_CARD) -> Order:
    """Buy tickets for one of the guests, by the return road."""
    order = hold(event, number, slug=slug, quantity=quantity, now=now)
    give_card(order, card, now=now)
    checkout.ask_provider(order, now=now)
    fulfilment.try_now(order, now=now)
    return Order.objects.get(pk=order.pk)


@actors.acting(actors.GUEST)
def buy_table(event: Event, number: int, *, code: str, size: int, now: datetime) -> Order:
    """Buy a table for one of the guests and some friends, by the return road."""
    friends = tuple(people.buyer(number + step).name for step in range(1, size // 2))
    party = Party(size, guests=friends, occasion="birthday" if number % 2 else "", accepts_terms=True)
    order = booking.book_table(event, code=code, party=party, buyer=people.buyer(number), now=now)
    give_card(order, GOOD_CARD, now=now)
    checkout.ask_provider(order, now=now)
    fulfilment.try_now(order, now=now)
    return Order.objects.get(pk=order.pk)


def sell_tables(event: Event, *, now: datetime) -> None:
    """Sell a few tables of each kind, leave one held, block one; the club is open, and a visitor may be faster."""
    for number, (code, size) in enumerate((("P1", 8), ("P3", 10), ("F2", 6), ("S4", 4), ("S11", 2))):
        with suppress(TableTaken):
            buy_table(event, number + 2, code=code, size=size, now=now)
    with suppress(TableTaken):
        booking.book_table(event, code="F3", party=Party(5), buyer=people.buyer(12), now=now)
    event.tables.filter(code="S18").update(blocked=True, blocked_reason="The lamp above it is being mended.")


def sell_out(event: Event, *, now: datetime) -> None:
    """Sell every place of a night, four at a time."""
    type_ = event.ticket_types.get()
    for number in range(type_.capacity // 4):
        buy(event, number, slug=type_.slug, quantity=4, now=now)


def sell_and_cancel(event: Event, *, now: datetime) -> None:
    """Sell a few places of a night, then call it off with everybody's money back."""
    for number in range(5):
        buy(event, number + 3, slug="general", quantity=2, now=now)
    whole_nights.cancel_night(event.pk, reason="The roof leaks.", now=now + SOME_TIME)
    retrying.run_due(now=now + SOME_TIME)


def decline(event: Event, *, now: datetime) -> None:
    """Leave a guest whose card was declined."""
    give_card(hold(event, 1, slug="general", quantity=2, now=now), DECLINED_CARD, now=now)


def refund(event: Event, *, now: datetime) -> None:
    """Send one order's money back."""
    order = buy(event, 6, slug="early", quantity=1, now=now)
    refunds.refund_order(order.pk, reason=Refund.Reason.REQUESTED, cause="demo", now=now)
    retrying.run_due(now=now)


def dispute(event: Event, *, now: datetime) -> None:
    """Leave an order whose cardholder disputes it; the sandbox tells by webhook, reconciliation too."""
    buy(event, 9, slug="general", quantity=1, now=now, card=DISPUTED_CARD)


def leave_overdue(event: Event, *, now: datetime) -> None:
    """Leave a hold whose time is up."""
    hold(event, 4, slug="ultima-hora", quantity=2, now=now - timedelta(minutes=17))


def leave_without_tickets(event: Event, *, now: datetime) -> None:
    """Leave a paid order whose six tries have all failed: the ticket press was out of ink."""
    paid_at = now - timedelta(minutes=50)  # the six tries take 43 minutes at most
    order = hold(event, 10, slug="general", quantity=3, now=paid_at)
    give_card(order, GOOD_CARD, now=paid_at)
    with failing(order.kind):
        checkout.ask_provider(order, now=paid_at)
        while due := Fulfilment.objects.get(order=order).next_attempt_at:
            fulfilment.try_now(order, now=due)


@contextmanager
def failing(kind: str) -> Iterator[None]:
    """Let a product fail to deliver, in this process only."""
    good = products.named(kind)

    def refuse(order: Order, payment: Payment | None, now: datetime) -> Goods:
        raise FulfilmentFailed("the ticket press is out of ink")

    products.register(replace(good, fulfil=refuse))
    try:
        yield
    finally:
        products.register(good)


def repeat_an_event(now: datetime) -> bool:
    """Take in one of the provider's events twice, as it may be delivered."""
    events = stripe_gateway.client().v1.events.list({"type": "payment_intent.succeeded", "limit": 1})
    for event in events.data:
        hint = stripe_gateway.StripeGateway().reread_event(event.to_dict())
        for _ in range(2):
            webhooks.take_in("stripe", hint, now=now)
    return bool(events.data)


EXHIBITS: tuple[Callable[..., None], ...] = (
    decline, refund, dispute, leave_without_tickets, leave_overdue, sell_tables,
)  # fmt: skip
