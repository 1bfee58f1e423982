"""Pages that are kept as they were rendered: the same for whoever is shown the same, and each guest's own."""

import re
from typing import Any

import pytest
from django.test import Client
from django.test.utils import override_settings

from payments import kept
from tests.buying import buy, hold
from tests.factories.tickets import EventFactory, TicketTypeFactory
from tests.fakes import FakeProvider
from tickets.models import Event, RefundPolicy, TicketType

pytestmark = pytest.mark.django_db(transaction=True)


def words_of(page: str) -> str:
    """Return a page without what is each guest's own."""
    return re.sub(r'name="(csrfmiddlewaretoken|press)" value="[^"]+"', r'name="\1"', page)


def own_words(page: str, name: str) -> set[str]:
    """Return what a page's forms send back of one guest's own."""
    return set(re.findall(rf'name="{name}" value="([^"]+)"', page))


def page_of(type_: TicketType, client: Client | None = None, **headers: Any) -> str:
    """Return a night's page as a guest sees it."""
    return (client or Client()).get(f"/nights/{type_.event.slug}/", headers=headers).content.decode()


def test_two_guests_see_the_same_page_and_each_has_words_of_their_own() -> None:
    type_ = TicketTypeFactory.create(capacity=100)

    first, second = page_of(type_), page_of(type_)

    assert len(kept._pages) == 1
    assert words_of(first) == words_of(second)
    for name in ("csrfmiddlewaretoken", "press"):
        assert len(own_words(first, name)) == len(own_words(second, name)) == 1
        assert own_words(first, name) != own_words(second, name)
    assert kept.MARK not in first + second


def test_a_form_of_a_kept_page_is_taken() -> None:
    type_ = TicketTypeFactory.create(capacity=100)
    page_of(type_)
    guest = Client(enforce_csrf_checks=True)
    page = page_of(type_, guest)
    ((token,), (press,)) = (own_words(page, name) for name in ("csrfmiddlewaretoken", "press"))

    wish = {f"quantity_{type_.slug}": "1", "name": "Ana Ruiz", "email": "ana@example.com"}
    words = {**wish, "csrfmiddlewaretoken": token, "press": press}
    answer = guest.post(f"/nights/{type_.event.slug}/buy/", words)

    assert (answer.status_code, answer["Location"].startswith("/orders/")) == (302, True)


def end_sales(night: Event) -> None:
    """Let the sales of a night be over."""
    began = night.sales_start_at
    Event.objects.update(sales_start_at=began.replace(year=2000), sales_end_at=began.replace(year=2001))


@pytest.mark.parametrize(
    "change",
    [
        lambda type_: TicketType.objects.update(price_cents=9900),
        lambda type_: TicketType.objects.update(capacity=7),
        lambda type_: TicketType.objects.update(on_sale=False),
        lambda type_: Event.objects.update(title="Another night"),
        lambda type_: Event.objects.update(status=Event.Status.CLOSED),
        lambda type_: end_sales(type_.event),
        lambda type_: RefundPolicy.objects.create(event=type_.event),
        lambda type_: TicketTypeFactory.create(event=type_.event, slug="late"),
        lambda type_: hold(type_, quantity=92),
        lambda type_: hold(type_, quantity=100),
    ],
    ids=["price", "few", "stopped", "title", "closed", "over", "terms", "another type", "few left", "sold out"],
)  # fmt: skip
def test_whatever_changes_is_shown_at_once(change: Any) -> None:
    type_ = TicketTypeFactory.create(capacity=100, max_per_order=100)
    before, home = page_of(type_), Client().get("/").content.decode()

    change(type_)

    assert words_of(page_of(type_)) != words_of(before)
    assert words_of(page_of(type_)) == words_of(page_of(type_))
    assert "night-card" in home


def test_a_sale_of_one_of_many_changes_no_page(provider: FakeProvider) -> None:
    type_ = TicketTypeFactory.create(capacity=100)
    page_of(type_)

    buy(provider, type_)
    page_of(type_)

    assert len(kept._pages) == 1


def test_another_language_and_another_host_are_other_pages() -> None:
    type_ = TicketTypeFactory.create(capacity=100)

    pages = {page_of(type_), page_of(type_, accept_language="es"), page_of(type_, host="club.example")}

    assert len(kept._pages) == len({words_of(page) for page in pages}) == 3


def test_what_somebody_sent_or_is_to_be_told_is_nobody_elses() -> None:
    type_ = TicketTypeFactory.create(capacity=100)
    guest = Client()
    guest.post("/find/", {"email": "ana@example.com"})

    told = page_of(type_, guest)
    Client().get(f"/nights/{type_.event.slug}/", {"code": "WRONG"})
    with override_settings(DEBUG=True):
        page_of(type_)

    assert "an email is on its way" in told
    assert kept._pages == {}


def test_a_mark_from_a_cookie_is_written_as_text() -> None:
    type_ = TicketTypeFactory.create(capacity=100)
    guest = Client()
    guest.cookies["press"] = "a'><script>"

    assert "a'><script>" not in page_of(type_, guest)


def test_no_more_pages_are_kept_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 2)
    nights = [TicketTypeFactory.create(event=EventFactory.create(slug=f"night-{number}")) for number in range(4)]

    for night in nights:
        page_of(night)

    assert [key[2].rpartition("night-")[2] for key in kept._pages] == ["2/", "3/"]  # type: ignore[index]  # a tuple
