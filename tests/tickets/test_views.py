import re
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from payments import rate_limits, refunds, retrying
from payments.models import Email, Order, Refund
from tests.buying import buy, come_back, hold, pay
from tests.factories.tickets import EventFactory, TicketTypeFactory
from tests.fakes import FakeProvider
from tickets.models import Event, TicketType

pytestmark = pytest.mark.django_db(transaction=True)


def typed(type_: TicketType, *, quantity: str = "2", **changes: str) -> dict[str, str]:
    return {"name": "Ana Ruiz", "email": "ana@example.com", f"quantity_{type_.slug}": quantity, **changes}


def test_whats_on_shows_the_all_in_price_first() -> None:
    TicketTypeFactory.create()
    EventFactory.create(status="draft", title="Secreta")

    page = Client().get("/").content.decode()

    assert "from $28.00" in page
    assert "every fee included" in page
    assert "Secreta" not in page


def test_a_night_shows_prices_with_every_fee_and_what_is_left() -> None:
    type_ = TicketTypeFactory.create(capacity=3)

    page = Client().get(f"/nights/{type_.event.slug}/").content.decode()

    assert "$28.00" in page
    assert "$25.00 ticket + $3.00 fee" in page
    assert "3 left" in page


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"status": Event.Status.CANCELLED}, "This night is cancelled"), ({"status": Event.Status.CLOSED}, "not on sale")],
)
def test_a_night_that_sells_nothing_says_why(changes: dict[str, str], words: str) -> None:
    type_ = TicketTypeFactory.create(event=EventFactory.create(**changes))

    assert words in Client().get(f"/nights/{type_.event.slug}/").content.decode()


def test_a_sold_out_night_says_so() -> None:
    type_ = TicketTypeFactory.create(capacity=0)

    assert "Sold out" in Client().get(f"/nights/{type_.event.slug}/").content.decode()


def test_buying_holds_places_and_leads_to_paying() -> None:
    type_ = TicketTypeFactory.create()

    answer = Client().post(f"/nights/{type_.event.slug}/buy/", typed(type_))

    order = Order.objects.get()
    assert answer.headers["Location"] == reverse("payments:pay", args=[order.reference])
    assert (order.total_cents, order.name, order.language) == (5600, "Ana Ruiz", "en")


def test_one_browser_is_one_wish_until_it_has_paid(provider: FakeProvider) -> None:
    type_ = TicketTypeFactory.create()
    page, guest = f"/nights/{type_.event.slug}/", Client()
    mark = guest.get(page).cookies["press"].value

    guest.post(f"{page}buy/", typed(type_, press=mark))
    assert guest.get(page).cookies["press"].value == mark
    order = Order.objects.get()
    pay(provider, order)
    come_back(order)
    guest.get(f"/orders/{order.reference}/")

    assert guest.get(page).cookies["press"].value != mark


@pytest.mark.parametrize("mark", ["x" * 65, "a\nb", ""])
def test_a_mark_that_is_not_ours_is_replaced(mark: str) -> None:
    type_ = TicketTypeFactory.create()

    page = Client().post(f"/nights/{type_.event.slug}/buy/", typed(type_, press=mark, name=""))

    assert len(page.cookies["press"].value) == 36


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"email": "nobody"}, "id_email_error", "It looks like name@example.com."),
        ({"email": ""}, "id_email_error", "your tickets are sent there"),
        ({"name": ""}, "id_name_error", "it is on your tickets"),
        ({"name": "A\x00B"}, "id_name_error", "Null characters are not allowed."),
        ({"quantity": "99"}, "id_quantity_general-error", "At most 8 in one order."),
        ({"quantity": "-1"}, "id_quantity_general-error", "Not fewer than none."),
        ({"quantity": "many"}, "id_quantity_general-error", "Type a number."),
    ],
)
def test_what_is_mistyped_is_said_beside_it_and_kept(changes: dict[str, str], field: str, words: str) -> None:
    type_ = TicketTypeFactory.create(slug="general")

    answer = Client().post(f"/nights/{type_.event.slug}/buy/", typed(type_, **changes))

    page = answer.content.decode()
    said = re.search(rf'<p class="field-error" id="{field}">([^<]*)</p>', page)
    assert answer.status_code == 422
    assert said
    assert words in said[1]
    assert re.search(rf'aria-describedby="[^"]*{field}"', page)
    assert (page.count("autofocus"), page.count('aria-invalid="true"')) == (1, 1)
    assert "<title>Please look again" in page
    assert not Order.objects.exists()


def test_choosing_nothing_is_said_above_the_form() -> None:
    type_ = TicketTypeFactory.create()

    answer = Client().post(f"/nights/{type_.event.slug}/buy/", typed(type_, quantity="0"))

    assert answer.status_code == 422
    assert 'role="alert">Choose at least one ticket.</p>' in answer.content.decode()
    assert not Order.objects.exists()


def test_the_last_places_gone_meanwhile_is_said_kindly() -> None:
    type_ = TicketTypeFactory.create(capacity=2)
    hold(type_, quantity=1)

    answer = Client().post(f"/nights/{type_.event.slug}/buy/", typed(type_))

    assert answer.status_code == 409
    assert "You have not been charged" in answer.content.decode()
    assert 'value="Ana Ruiz"' in answer.content.decode()


def test_too_many_holds_are_asked_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: str) -> None:
        raise rate_limits.RateLimited

    type_ = TicketTypeFactory.create()
    monkeypatch.setattr(rate_limits, "check", refuse)

    assert Client().post(f"/nights/{type_.event.slug}/buy/", typed(type_)).status_code == 429
    assert Client().post("/find/", {"email": "ana@example.com"}).status_code == 429


def test_an_orders_page_has_its_tickets(provider: FakeProvider) -> None:
    order = buy(provider, quantity=2)
    base = f"/orders/{order.reference}/"
    code = order.tickets.get(position=1).code

    page = Client().get(base).content.decode()
    svg, png = Client().get(f"{base}tickets/1.svg"), Client().get(f"{base}tickets/1.png")
    pdf, calendar = Client().get(f"{base}tickets.pdf"), Client().get(f"{base}calendar.ics")

    assert "Ticket 2 of 2" in page
    assert code not in page
    assert svg.headers["Content-Type"] == "image/svg+xml"
    assert png.content[:8] == b"\x89PNG\r\n\x1a\n"
    assert pdf.content[:5] == b"%PDF-"
    assert b"BEGIN:VEVENT" in calendar.content
    assert Client().get(f"{base}tickets/3.svg").status_code == 404


def test_a_pending_order_leads_to_paying(provider: FakeProvider) -> None:
    order = hold()

    assert Client().get(f"/orders/{order.reference}/").headers["Location"].endswith("/pay/")
    assert Client().get(f"/orders/{order.reference}/tickets.pdf").status_code == 404


def test_an_expired_order_offers_the_same_places(provider: FakeProvider, now: datetime) -> None:
    order = hold(now=now - timedelta(minutes=20))

    page = Client().get(f"/orders/{order.reference}/").content.decode()

    type_ = order.ticket_reservations.get().ticket_type
    assert "You have not been charged." in page
    assert f'name="quantity_{type_.slug}" value="2"' in page
    assert 'name="email" value="ana@example.com"' in page


def test_a_refunded_order_says_when_the_money_arrives(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider)
    refunds.refund_order(order.pk, reason=Refund.Reason.OWNER, cause="c", now=now)
    retrying.run_due(now=now + timedelta(seconds=1))

    assert "5 to 10 days" in Client().get(f"/orders/{order.reference}/").content.decode()


def test_finding_tickets_answers_the_same_for_everybody(provider: FakeProvider) -> None:
    order = buy(provider)

    known = Client().post("/find/", {"email": "ANA@example.com"}, follow=True)
    again = Client().post("/find/", {"email": "ana@example.com"}, follow=True)
    unknown = Client().post("/find/", {"email": "nobody@example.com"}, follow=True)

    assert "an email is on its way" in known.content.decode()
    assert "an email is on its way" in unknown.content.decode()
    assert again.status_code == 200
    assert Email.objects.filter(kind="find_my_tickets", order=order).count() == 1


def test_finding_needs_an_address() -> None:
    assert Client().get("/find/").status_code == 200
    assert Client().post("/find/", {"email": "nobody"}).status_code == 422


def test_a_page_that_is_not_there_is_said_in_the_house_style() -> None:
    answer = Client().get("/nights/nowhere/")

    assert answer.status_code == 404
    assert "This page is not here" in answer.content.decode()
