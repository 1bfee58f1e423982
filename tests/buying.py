"""A guest's steps, one call each, through the product."""

import json
import re
from datetime import UTC, datetime
from uuid import UUID

from django.test import Client

from payments import checkout, fulfilment, orders
from payments.models import Order, Payment
from payments.orders import Beside, Buyer
from tests.factories.tickets import TicketTypeFactory
from tests.fakes import FakeProvider, dispute_object, event_body, intent_object, sign
from tickets import checkout as ticket_checkout
from tickets.models import TicketType

GUEST = Buyer(name="Ana Ruiz", email="ana@example.com")
DOOR = "/webhooks/stripe/"


def clock() -> datetime:
    """Return this moment."""
    return datetime.now(tz=UTC)


def hold(
    type_: TicketType | None = None,
    *,
    quantity: int = 2,
    now: datetime | None = None,
    beside: Beside = orders.nothing,
) -> Order:
    """Hold places of a type for a guest."""
    chosen = type_ or TicketTypeFactory.create()
    return ticket_checkout.buy_tickets(
        chosen.event, quantities={chosen.slug: quantity}, buyer=GUEST, now=now or clock(), beside=beside
    )


def start(order: Order, *, mode: str = "elements", now: datetime | None = None) -> Payment:
    """Open the way to pay for an order."""
    begun = checkout.start_payment(order.pk, provider="stripe", mode=mode, now=now or clock())
    return Payment.objects.get(pk=begun.payment_id)


def intent_of(payment: Payment) -> str:
    """Return the provider's id of a payment."""
    assert payment.external_payment_id
    return payment.external_payment_id


def pay(provider: FakeProvider, order: Order, *, now: datetime | None = None) -> Payment:
    """Start a payment and give a good card; nobody has told us of it yet."""
    payment = start(order, now=now)
    provider.pay(intent_of(payment))
    return payment


def come_back(order: Order, *, now: datetime | None = None) -> Order:
    """Take the guest's return road: ask the provider, deliver at once."""
    moment = now or clock()
    checkout.ask_provider(order, now=moment)
    fulfilment.try_now(order, now=moment)
    return Order.objects.get(pk=order.pk)


def buy(provider: FakeProvider, type_: TicketType | None = None, *, quantity: int = 2) -> Order:
    """Buy tickets, from hold to tickets, by the return road."""
    order = hold(type_, quantity=quantity)
    pay(provider, order)
    return come_back(order)


def knock(body: bytes, *, signature: str | None = None) -> int:
    """Deliver a body at the webhook's door, signed now unless told otherwise."""
    response = Client().post(
        DOOR,
        data=body,
        content_type="application/json",
        headers={"Stripe-Signature": sign(body) if signature is None else signature},
    )
    return response.status_code


def tell(provider: FakeProvider, payment: Payment, type_: str, *, event_id: str = "") -> int:
    """Deliver an event about a payment's intent as it stands now."""
    intent = provider.intents[intent_of(payment)]
    return knock(event_body(type_, intent_object(intent), event_id=event_id))


def tell_refund(payment: Payment, *, event_id: str = "") -> int:
    """Deliver an event that says the refunds of a payment have changed."""
    data = {"id": "ch_1", "object": "charge", "payment_intent": payment.external_payment_id}
    return knock(event_body("charge.refunded", data, event_id=event_id))


def tell_dispute(provider: FakeProvider, dispute_id: str, type_: str = "charge.dispute.created") -> int:
    """Deliver an event about a dispute."""
    return knock(event_body(type_, dispute_object(provider.disputes[dispute_id])))


def mark_on(page: str, action: str = "") -> str:
    """Return the mark by which the second press of a page's form is known."""
    form = f' action="{action}"' if action else ""
    words = Client().get(page).content.decode()
    return re.findall(rf'<form method="post"{form}[^>]*>.*?name="press" value="([^"]+)"', words, re.DOTALL)[0]


def fresh(order: Order | UUID) -> Order:
    """Read an order again."""
    return Order.objects.get(pk=order.pk if isinstance(order, Order) else order)


def lines_of(order: Order) -> str:
    """Return an order's lines as text, to compare."""
    return json.dumps(order.lines, sort_keys=True)
