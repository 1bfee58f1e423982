from datetime import datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django_celery_beat.models import PeriodicTask

from payments import expiry, retrying
from payments.models import Email, Order
from payments.orders import Buyer
from tests.buying import come_back, fresh, hold, pay
from tests.factories.tickets import EventFactory, TicketTypeFactory
from tests.fakes import FakeProvider
from tests.threads import all_at_once
from tickets import holds, tasks, waiting
from tickets.exceptions import NotOnSale, SoldOut, StillThere, TooMany
from tickets.models import TicketType, WaitingGuest

pytestmark = pytest.mark.django_db(transaction=True)


def join(type_: TicketType, name: str, *, quantity: int = 1, now: datetime, language: str = "en") -> WaitingGuest:
    buyer = Buyer(name, f"{name.lower()}@example.com", language=language)
    return waiting.join(type_.pk, buyer=buyer, quantity=quantity, now=now)


def sold_out(now: datetime, *, capacity: int = 2, **changes: object) -> tuple[TicketType, Order]:
    type_ = TicketTypeFactory.create(capacity=capacity, **changes)
    return type_, hold(type_, quantity=capacity, now=now)


def statuses() -> dict[str, str]:
    return dict(WaitingGuest.objects.values_list("name", "status"))


def left(type_: TicketType, now: datetime) -> int:
    return holds.with_available("id = %s", type_.pk, now=now)[0].available


def test_places_that_return_are_held_for_the_first_in_the_line(
    provider: FakeProvider, now: datetime, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    type_, order = sold_out(now)
    join(type_, "Ana", now=now)
    join(type_, "Eva", quantity=2, now=now + timedelta(seconds=1))
    join(type_, "Isa", now=now + timedelta(seconds=2))
    assert waiting.offer_places(now=now) == 0

    expiry.cancel_order(order.pk, now=now)
    assert waiting.offer_places(now=now) == 2
    assert waiting.offer_places(now=now) == 0

    assert statuses() == {"Ana": "offered", "Eva": "waiting", "Isa": "offered"}
    offered = WaitingGuest.objects.get(name="Ana").order
    assert offered
    assert offered.expires_at == now + timedelta(minutes=60)
    assert (offered.total_cents, offered.status) == (2800, "pending")
    type_.refresh_from_db()
    assert type_.held == 2
    for seconds in (5, 10):
        retrying.run_due(now=now + timedelta(seconds=seconds))
    letter = next(letter for letter in mailoutbox if letter.subject.startswith("Places for") and "Ana" in letter.body)
    assert f"/orders/{offered.reference}/" in letter.body
    assert "$28.00 in all, every fee included." in letter.body


def test_an_offer_is_paid_like_any_order(provider: FakeProvider, now: datetime) -> None:
    type_, order = sold_out(now)
    guest = join(type_, "Ana", quantity=2, now=now)
    expiry.cancel_order(order.pk, now=now)
    waiting.offer_places(now=now)
    guest.refresh_from_db()
    assert guest.order

    pay(provider, guest.order)

    assert come_back(guest.order).status == Order.Status.FULFILLED
    type_.refresh_from_db()
    assert (type_.held, type_.sold) == (0, 2)


def test_an_offer_that_lapses_goes_to_the_next(provider: FakeProvider, now: datetime) -> None:
    type_, order = sold_out(now)
    first = join(type_, "Ana", quantity=2, now=now)
    join(type_, "Eva", quantity=2, now=now + timedelta(seconds=1))
    expiry.cancel_order(order.pk, now=now)
    waiting.offer_places(now=now)
    later = now + timedelta(minutes=61)
    first.refresh_from_db()
    assert first.order

    expiry.expire_order(first.order.pk, now=later)
    waiting.offer_places(now=later)

    assert fresh(first.order).status == Order.Status.EXPIRED
    assert statuses() == {"Ana": "offered", "Eva": "offered"}
    assert Order.objects.get(name="Eva").status == "pending"


def test_what_somebody_waits_for_is_not_sold_past_them(provider: FakeProvider, now: datetime) -> None:
    type_, order = sold_out(now)
    join(type_, "Ana", quantity=2, now=now)
    expiry.cancel_order(order.pk, now=now)

    assert left(type_, now) == 0
    with pytest.raises(SoldOut):
        hold(type_, quantity=1, now=now)

    assert waiting.offer_places(now=now) == 1


def test_places_too_few_for_those_who_wait_are_sold_to_others(provider: FakeProvider, now: datetime) -> None:
    type_ = TicketTypeFactory.create(capacity=3)
    hold(type_, quantity=2, now=now)
    join(type_, "Ana", quantity=2, now=now)

    assert left(type_, now) == 1
    assert waiting.offer_places(now=now) == 0
    assert hold(type_, quantity=1, now=now).status == "pending"
    assert statuses() == {"Ana": "waiting"}


def test_a_guest_is_in_the_line_once_and_keeps_their_place(now: datetime) -> None:
    type_, _ = sold_out(now)

    guests = all_at_once(5, lambda n: join(type_, "Ana", now=now + timedelta(seconds=n)).pk)

    assert len(set(guests)) == 1
    assert Email.objects.filter(kind=waiting.JOINED).count() == 1


def test_ten_workers_at_once_offer_each_place_once(provider: FakeProvider, now: datetime) -> None:
    type_, order = sold_out(now, capacity=3)
    for number, name in enumerate(("Ana", "Eva", "Isa", "Luz")):
        join(type_, name, now=now + timedelta(seconds=number))
    expiry.cancel_order(order.pk, now=now)

    made = all_at_once(10, lambda _: waiting.offer_places(now=now))

    assert sum(count for count in made if isinstance(count, int)) == 3
    assert statuses() == {"Ana": "offered", "Eva": "offered", "Isa": "offered", "Luz": "waiting"}
    type_.refresh_from_db()
    assert type_.held == 3


def test_whoever_leaves_is_offered_nothing(provider: FakeProvider, now: datetime) -> None:
    type_, order = sold_out(now)
    guest = join(type_, "Ana", now=now)
    page = f"/waiting/{guest.reference}/"
    assert "You are in the line" in Client().get(page).content.decode()

    answer = Client().post(page, follow=True).content.decode()
    expiry.cancel_order(order.pk, now=now)

    assert "You have left the line" in answer
    assert waiting.offer_places(now=now) == 0
    assert left(type_, now) == 2
    assert not waiting.leave(guest.reference)


def test_the_page_of_an_offer_is_its_order(provider: FakeProvider, now: datetime) -> None:
    type_, order = sold_out(now)
    guest = join(type_, "Ana", now=now)
    expiry.cancel_order(order.pk, now=now)
    waiting.offer_places(now=now)
    guest.refresh_from_db()
    assert guest.order

    answer = Client().get(f"/waiting/{guest.reference}/")

    assert answer.headers["Location"] == f"/orders/{guest.order.reference}/"


@pytest.mark.parametrize(
    ("changes", "quantity", "refusal"),
    [({}, 9, TooMany), ({"on_sale": False}, 1, NotOnSale), ({"event__status": "closed"}, 1, NotOnSale)],
)
def test_a_line_that_cannot_be_joined(
    now: datetime, changes: dict[str, object], quantity: int, refusal: type[Exception]
) -> None:
    type_ = TicketTypeFactory.create(capacity=0, **changes)

    with pytest.raises(refusal):
        join(type_, "Ana", quantity=quantity, now=now)

    assert not WaitingGuest.objects.exists()


def test_nobody_waits_for_what_is_still_there(now: datetime) -> None:
    type_ = TicketTypeFactory.create(capacity=2)

    with pytest.raises(StillThere):
        join(type_, "Ana", quantity=2, now=now)


def test_nothing_is_offered_once_sales_are_over(now: datetime) -> None:
    type_ = TicketTypeFactory.create(capacity=0)
    join(type_, "Ana", now=now)
    TicketType.objects.update(capacity=5)
    type_.event.status = "cancelled"
    type_.event.cancelled_at = now
    type_.event.save()

    assert waiting.offer_places(now=now) == 0
    assert statuses() == {"Ana": "waiting"}


def test_a_guest_joins_from_the_page_and_is_written_to_in_their_language(
    now: datetime, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    type_ = TicketTypeFactory.create(capacity=0, event=EventFactory.create(title="Perreo"))
    page = f"/nights/{type_.event.slug}/"
    typed = {"type": type_.slug, "quantity": "2", "name": "Ana", "email": "Ana@example.com"}
    guest = Client(headers={"accept-language": "es"})
    assert "Ponerme en la fila" in guest.get(page).content.decode()

    answer = guest.post(f"{page}wait/", typed, follow=True).content.decode()
    retrying.run_due(now=now + timedelta(seconds=60))

    waits = WaitingGuest.objects.get()
    assert (waits.email, waits.quantity, waits.language) == ("ana@example.com", 2, "es")
    assert "Ya estás en la fila." in answer
    assert mailoutbox[0].subject == "Estás en la fila para Perreo"
    assert f"/waiting/{waits.reference}/" in mailoutbox[0].body


@pytest.mark.parametrize(
    ("changes", "words", "status"),
    [
        ({"name": ""}, "Type your name", 422),
        ({"quantity": "0"}, "greater than or equal to 1", 422),
        ({"type": "other"}, "Select a valid choice", 422),
        ({"quantity": "9"}, "more than one order may hold", 422),
    ],
)
def test_what_is_mistyped_for_the_line_is_said_and_kept(changes: dict[str, str], words: str, status: int) -> None:
    type_ = TicketTypeFactory.create(capacity=0)
    typed = {"type": type_.slug, "quantity": "2", "name": "Ana", "email": "ana@example.com", **changes}

    answer = Client().post(f"/nights/{type_.event.slug}/wait/", typed)

    assert answer.status_code == status
    assert words in answer.content.decode()
    assert 'value="ana@example.com"' in answer.content.decode()
    assert not WaitingGuest.objects.exists()


def test_the_line_is_shown_for_what_is_sold_out_only() -> None:
    type_ = TicketTypeFactory.create(capacity=5)

    assert "Put me in the line" not in Client().get(f"/nights/{type_.event.slug}/").content.decode()


def test_beat_offers_every_minute_until_it_is_taken_back() -> None:
    schedule = import_module("tickets.migrations.0004_offer_schedule")

    schedule.lay_down(apps, None)
    schedule.lay_down(apps, None)
    task = PeriodicTask.objects.get(task="tickets.tasks.offer_places")
    assert (task.interval.every, task.interval.period, task.enabled) == (60, "seconds", True)
    schedule.take_up(apps, None)

    assert not PeriodicTask.objects.exists()


def test_the_task_offers(provider: FakeProvider, now: datetime) -> None:
    type_, order = sold_out(now)
    join(type_, "Ana", now=now)
    expiry.cancel_order(order.pk, now=now)

    tasks.offer_places()

    assert statuses() == {"Ana": "offered"}
