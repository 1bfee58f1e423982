"""Tables, and reservations in every state they can be in."""

from datetime import datetime

from factory.declarations import Sequence, SubFactory
from factory.django import DjangoModelFactory

from payments.models import Order
from tests.buying import GUEST, clock, come_back, pay
from tests.factories.tickets import EventFactory
from tests.fakes import FakeProvider
from vip import booking
from vip.booking import Party
from vip.models import Table, VipReservation

Status = VipReservation.Status
# The way from a confirmed table to each later state.
WAYS: dict[str, tuple[str, ...]] = {
    Status.CONFIRMED: (),
    Status.ARRIVED: (Status.ARRIVED,),
    Status.SEATED: (Status.ARRIVED, Status.SEATED),
    Status.COMPLETED: (Status.ARRIVED, Status.COMPLETED),
    Status.NO_SHOW: (Status.NO_SHOW,),
    Status.RELEASED: (Status.RELEASED,),
    Status.CANCELLED_BY_GUEST: (Status.CANCELLED_BY_GUEST,),
    Status.CANCELLED_BY_VENUE: (Status.CANCELLED_BY_VENUE,),
}


class TableFactory(DjangoModelFactory[Table]):
    """A front-row table for four to eight: 240 dollars' deposit, 800 at least."""

    class Meta:
        model = Table

    event = SubFactory(EventFactory)
    code = Sequence(lambda n: f"F{n}")
    tier = Table.Tier.FRONT_ROW
    section = "Front row"
    shape = Table.Shape.RECTANGLE
    x = 330
    y = 200
    capacity_min = 2
    capacity_max = 8
    mode = Table.Mode.DEPOSIT
    price_cents = 80_000
    minimum_spend_cents = 80_000
    deposit_cents = 24_000
    bottles = ["Tequila reposado 750 ml"]


def hold_table(table: Table | None = None, *, size: int = 4, now: datetime | None = None, **party: object) -> Order:
    """Hold a table for a guest."""
    chosen = table or TableFactory.create()
    return booking.book_table(
        chosen.event,
        code=chosen.code,
        party=Party(size, **party),
        buyer=GUEST,
        now=now or clock(),  # type: ignore[arg-type]  # named by the caller
    )


def buy_table(provider: FakeProvider, table: Table | None = None, *, size: int = 4, **party: object) -> VipReservation:
    """Buy a table, from hold to passes, by the return road."""
    order = hold_table(table, size=size, **party)
    if order.total_cents:
        pay(provider, order)
    come_back(order)
    return VipReservation.objects.get(order=order)


def reservation_in(provider: FakeProvider, status: str, table: Table | None = None) -> VipReservation:
    """Bring a reservation to any state it can be in, by legal moves."""
    if status in (Status.HELD, Status.EXPIRED):
        reservation = VipReservation.objects.get(order=hold_table(table))
        if status == Status.EXPIRED:
            reservation.move_to(status, now=clock())
        return reservation
    reservation = buy_table(provider, table)
    for step in WAYS[status]:
        reservation.move_to(step, now=clock())
    return reservation
