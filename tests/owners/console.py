"""People at the console, and a night on which much has happened."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.test import Client

from owners import evening
from owners.models import OwnerAssignment
from payments import checkout, retrying
from payments.models import Order
from tests.buying import buy, clock, hold, pay
from tests.factories.tickets import EventFactory, TicketTypeFactory
from tests.factories.vip import buy_table, hold_table
from tests.fakes import FakeProvider
from tickets.models import Event, TicketType
from vip import tables


def hire(name: str, role: str = "owner", *, event: Event | None = None) -> User:
    """Return somebody with a role for one night, or for all."""
    user = User.objects.create_user(name, f"{name}@example.com")
    OwnerAssignment.objects.create(user=user, role=role, event=event)
    return User.objects.get(pk=user.pk)


def owner(name: str = "owner", *, event: Event | None = None) -> User:
    """Return an owner of one night, or of all."""
    return hire(name, event=event)


def client_of(user: User) -> Client:
    """Return a browser in which somebody has signed in."""
    client = Client()
    client.force_login(user)
    return client


def give_up(provider: FakeProvider, type_: TicketType, *, now: datetime) -> Order:
    """Pay for an order whose every try to deliver fails."""
    order = hold(type_)
    order.ticket_reservations.update(status="released")
    pay(provider, order)
    checkout.ask_provider(order, now=now)
    for hour in range(6):
        retrying.attempt("fulfilment", order.fulfilment.pk, now=now + timedelta(hours=hour))
    order.ticket_reservations.update(status="pending")
    return order


def decline(provider: FakeProvider, type_: TicketType, code: str) -> Order:
    """Leave a guest whose card was refused."""
    order = hold(type_)
    checkout.start_payment(order.pk, provider="stripe", mode="elements", now=clock())
    provider.decline(next(reversed(provider.intents)), code=code)
    checkout.ask_provider(order, now=clock())
    return order


def doors_tonight() -> datetime:
    """Return when a night's doors may open that is tonight's, whatever the hour."""
    doors, dawn = evening.hours(clock())
    last = dawn - timedelta(hours=1, minutes=1)  # a night starts an hour after its doors
    return min(max(doors, clock()) + timedelta(hours=1), last)


def busy_night(provider: FakeProvider, *, doors_at: datetime) -> Event:
    """Put on a night with tickets and tables sold and held, cards refused, and money without a ticket."""
    event = EventFactory.create(slug="noche", title="Noche de Cumbia", doors_at=doors_at)
    tables.lay_out(event)
    general = TicketTypeFactory.create(event=event, capacity=60, position=1)
    early = TicketTypeFactory.create(event=event, name="Early", capacity=12, price_cents=1500, position=0)
    for quantity in (2, 4, 4, 2):
        buy(provider, general, quantity=quantity)
    buy(provider, early, quantity=6)
    hold(early, quantity=3)
    buy_table(provider, event.tables.get(code="F1"))
    buy_table(provider, event.tables.get(code="P2"), size=8)
    hold_table(event.tables.get(code="S4"))
    give_up(provider, general, now=clock())
    for code in ("insufficient_funds", "generic_decline", "expired_card", "insufficient_funds"):
        decline(provider, general, code)
    return event
