"""What can be sold: each product says how its goods are delivered and taken back."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from payments.models import Email, Order, Payment
from payments.models.rows import Write

Step = Callable[[Order, datetime], None]


@dataclass(frozen=True, slots=True)
class Goods:
    """What delivers an order, and the letters owed with it: written in one statement that commits itself.

    Nothing is locked to read what it is made of: each part writes where its row is still as it was read. What everybody
    waits for is last.
    """

    writes: list[Write]
    letters: list[Email]


Fulfil = Callable[[Order, Payment | None, datetime], Goods]


def no_prices(order: Order, goods: Collection[UUID]) -> dict[UUID, int]:
    """Sell nothing singly."""
    return {}


def take_nothing_back(order: Order, goods: Collection[UUID], now: datetime) -> None:
    """Take nothing back singly."""


@dataclass(frozen=True, slots=True)
class Product:
    """What payments asks of a kind of goods; each but the first is a step inside the caller's transaction.

    - `fulfil` says how the order's holds become goods, paid by the first payment that came: None where there was none.
    - `release` gives back whatever the order has: holds or goods.
    - `regain` takes the places again for money that came late; False where they are gone.
    - `extend` moves the holds' end to the order's.
    - `page` names the url of the order's own page.
    - `prices` says what each of these goods cost with every fee, in cents, leaving out what is no longer living.
    - `take_back` takes back single goods whose money is on its way back.

    A product whose goods are refunded only as a whole leaves out the last two.
    """

    kind: str
    fulfil: Fulfil
    release: Step
    regain: Callable[[Order, datetime], bool]
    extend: Step
    page: str
    prices: Callable[[Order, Collection[UUID]], dict[UUID, int]] = no_prices
    take_back: Callable[[Order, Collection[UUID], datetime], None] = take_nothing_back


_products: dict[str, Product] = {}


def register(product: Product) -> None:
    """Make a product known; called once by its app when Django starts."""
    _products[product.kind] = product


def of(order: Order) -> Product:
    """Return the product an order is for."""
    return _products[order.kind]


def named(kind: str) -> Product:
    """Return the product of a kind."""
    return _products[kind]
