"""What a guest sees first is what their bank is asked for: for every kind of ticket, table, code and currency."""

import json
import re

import pytest
from django.test import Client

from payments.models import Order
from payments.money import format_cents
from tests.buying import intent_of, start
from tests.factories.tickets import EventFactory, PromoCodeFactory, TicketTypeFactory
from tests.factories.vip import TableFactory
from tests.fakes import FakeProvider
from tickets.models import Event, PromoCode, TicketType
from vip.forms import arrivals
from vip.models import Table

pytestmark = pytest.mark.django_db(transaction=True)

CURRENCIES = ("usd", "mxn", "jpy")
PRICES = [(1500, 250), (2500, 0), (3501, 449)]
CODES: list[dict[str, int | None]] = [{"percent": 15}, {"percent": None, "amount_cents": 333}]


def read(path: str, **asked: str) -> str:
    return Client().get(path, asked).content.decode()


def find(pattern: str, page: str) -> str:
    found = re.search(pattern, page, re.DOTALL)
    assert found, pattern
    return found[1].strip()


def charged_for(provider: FakeProvider, path: str, form: dict[str, str]) -> tuple[int, str]:
    """Buy in a browser of its own; return what the bank is asked for, and the total on the page of paying."""
    page = Client().post(path, form, follow=True).content.decode()
    order = Order.objects.latest("created_at")
    assert f"/orders/{order.reference}/pay/" in page
    total = find(r"<span>Total</span> <strong>([^<]+)<", page)
    return provider.intents[intent_of(start(order))].amount_cents, total


def buy_one(provider: FakeProvider, type_: TicketType, code: str = "") -> tuple[int, str]:
    form = {"name": "Ana", "email": "ana@example.com", f"quantity_{type_.slug}": "1", "code": code}
    return charged_for(provider, f"/nights/{type_.event.slug}/buy/", form)


@pytest.mark.parametrize("currency", CURRENCIES)
@pytest.mark.parametrize(("price", "fee"), PRICES)
def test_a_ticket_costs_what_every_first_look_says(provider: FakeProvider, currency: str, price: int, fee: int) -> None:
    event = EventFactory.create(currency=currency)
    type_ = TicketTypeFactory.create(event=event, name="Early", price_cents=price, fee_cents=fee)
    dearer = TicketTypeFactory.create(event=event, price_cents=price * 2, fee_cents=fee)
    path = f"/nights/{event.slug}/"
    night = read(path)
    data = json.loads(find(r'<script type="application/ld\+json">(.+?)</script>', night))
    offered = {offer["name"]: offer["price"] for offer in data["offers"]}
    api = {one["slug"]: one for one in Client().get(f"/api/v1/events/{event.slug}/").json()["ticket_types"]}

    charged, total = buy_one(provider, type_)

    assert (charged, total) == (price + fee, format_cents(price + fee, currency))
    assert f"<strong>from {total}</strong>" in read("/")
    assert night.count(f'<span class="amount">{total}</span>') == 1
    assert float(offered[type_.name]) == charged / (1 if currency == "jpy" else 100)
    assert api[type_.slug]["all_in_cents"] == charged
    assert api[dearer.slug]["all_in_cents"] == buy_one(provider, dearer)[0]


@pytest.mark.parametrize("currency", CURRENCIES)
@pytest.mark.parametrize("terms", CODES)
def test_a_ticket_with_a_code_costs_what_the_code_shows(
    provider: FakeProvider, currency: str, terms: dict[str, int | None]
) -> None:
    event = EventFactory.create(currency=currency)
    promo: PromoCode = PromoCodeFactory.create(event=event, **terms)
    for price, fee in PRICES:
        type_ = TicketTypeFactory.create(event=event, price_cents=price, fee_cents=fee)
        night = read(f"/nights/{event.slug}/", code=promo.code)
        row = night.partition(f'<label for="id_quantity_{type_.slug}">')[2]
        shown = find(r'<span class="amount">([^<]+)</span>', row)

        charged, total = buy_one(provider, type_, promo.code)

        assert shown == total == format_cents(charged, currency)
        assert charged < price + fee


@pytest.mark.parametrize("currency", CURRENCIES)
@pytest.mark.parametrize("mode", Table.Mode.values)
def test_a_table_costs_what_every_first_look_says(provider: FakeProvider, currency: str, mode: str) -> None:
    event: Event = EventFactory.create(currency=currency)
    table = TableFactory.create(
        event=event, code="F2", mode=mode, price_cents=80_001, minimum_spend_cents=80_001, deposit_cents=24_001,
        service_bps=1_750, tax_bps=625, gratuity_bps=2_000,
    )  # fmt: skip
    path = f"/nights/{event.slug}/tables/"
    room, page = read(path), read(f"{path}{table.code}/")
    [api] = Client().get(f"/api/v1/events/{event.slug}/").json()["tables"]
    form = {
        "party_size": "4", "arrives_at": arrivals(event)[0].isoformat(), "accepts_terms": "on", "name": "Ana",
        "email": "ana@example.com", "phone": "1",
    }  # fmt: skip

    charged, total = charged_for(provider, f"{path}{table.code}/", form)

    assert total == format_cents(charged, currency)
    assert find(r'aria-label="Table F2, [^"]* people, ([^"]+) now:', room) == total
    assert find(r'<p class="price">([^<]+)<span', room) == total
    assert find(r'<p class="total"><span>[^<]+</span> <strong>([^<]+)</strong>', page) == total
    assert api["all_in_cents"] == charged
