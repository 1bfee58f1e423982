import json
from typing import Any

import pytest

from tests.factories.tickets import EventFactory, TicketTypeFactory
from tickets import structured_data
from tickets.models import Event, TicketType

pytestmark = pytest.mark.django_db

ABOUT = {"page_url": "https://club.example/nights/noche/", "image_url": "https://club.example/noche.jpg"}


def read(event: Event, *types: TicketType) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(structured_data.describe(event, types, **ABOUT))
    return data


def test_a_night_offers_what_it_sells_all_in() -> None:
    type_ = TicketTypeFactory.create(name="General", price_cents=2500, fee_cents=350)
    type_.available = 3

    [offer] = read(type_.event, type_)["offers"]

    assert (offer["price"], offer["priceCurrency"], offer["name"]) == ("28.50", "USD", "General")
    assert offer["availability"] == "https://schema.org/InStock"


def test_a_currency_without_cents_is_written_whole() -> None:
    type_ = TicketTypeFactory.create(event=EventFactory.create(currency="jpy"), price_cents=2500, fee_cents=350)
    type_.available = 5

    [offer] = read(type_.event, type_)["offers"]

    assert (offer["price"], offer["priceCurrency"]) == ("2850", "JPY")


@pytest.mark.parametrize(("left", "on_sale"), [(0, True), (5, False)])
def test_what_cannot_be_had_is_sold_out(left: int, on_sale: bool) -> None:
    type_ = TicketTypeFactory.create(on_sale=on_sale)
    type_.available = left

    assert read(type_.event, type_)["offers"][0]["availability"] == "https://schema.org/SoldOut"


def test_a_cancelled_night_says_so() -> None:
    event = EventFactory.create(status="cancelled", line_up="Sonido Maguey, La Comadre, ", minimum_age=18)

    data = read(event)

    assert data["eventStatus"] == "https://schema.org/EventCancelled"
    assert data["typicalAgeRange"] == "18-"
    assert [act["name"] for act in data["performer"]] == ["Sonido Maguey", "La Comadre"]
    assert (data["url"], data["image"]) == (ABOUT["page_url"], [ABOUT["image_url"]])


def test_times_are_the_clubs_own() -> None:
    event = EventFactory.create(
        doors_at="2026-12-05T02:00Z", starts_at="2026-12-05T03:00Z", ends_at="2026-12-05T07:00Z"
    )
    event.refresh_from_db()

    data = read(event)

    assert data["doorTime"] == "2026-12-04T21:00:00-05:00"
    assert (data["startDate"], data["endDate"]) == ("2026-12-04T22:00:00-05:00", "2026-12-05T02:00:00-05:00")


def test_no_text_ends_the_element_it_stands_in() -> None:
    event = EventFactory.create(title="</script><script>alert(1)</script>", tagline="R&B <3")

    text = structured_data.describe(event, [], **ABOUT)

    assert not set("<>&") & set(text)
    assert read(event)["name"] == "</script><script>alert(1)</script>"
