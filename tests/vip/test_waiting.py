from datetime import datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.urls import reverse
from django_celery_beat.models import PeriodicTask

from payments import expiry, rate_limits, retrying
from payments.models import Email, Order
from payments.orders import Buyer
from tests.buying import come_back, fresh, pay
from tests.factories.tickets import EventFactory
from tests.factories.vip import TableFactory, hold_table
from tests.fakes import FakeProvider
from tests.threads import all_at_once
from tickets.exceptions import NotOnSale, StillThere
from tickets.models import Event
from vip import floor, tasks, waiting
from vip.exceptions import NoTableSoLarge, TableTaken
from vip.models import Table, VipReservation, WaitingParty

pytestmark = pytest.mark.django_db(transaction=True)


def join(event: Event, name: str, *, size: int = 4, now: datetime, language: str = "en") -> WaitingParty:
    buyer = Buyer(name, f"{name}@Example.com", phone="+1 302 555 0100", language=language)
    return waiting.join(event.pk, buyer=buyer, size=size, now=now)


def taken(now: datetime, *, table: Table | None = None, **changes: object) -> tuple[Table, Order]:
    """Return a table that somebody holds, and their order."""
    chosen = table or TableFactory.create(**changes)
    return chosen, hold_table(chosen, size=chosen.capacity_min, now=now)


def statuses() -> dict[str, str]:
    return dict(WaitingParty.objects.values_list("name", "status"))


def state_of(table: Table, now: datetime) -> str:
    return next(place.state for place in floor.of_night(table.event, now=now) if place.table == table)


def test_a_table_that_returns_is_held_for_the_first_party_it_fits(
    provider: FakeProvider, now: datetime, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    table, order = taken(now, code="F2", capacity_min=2, capacity_max=4)
    taken(now, event=table.event, code="P1", capacity_min=6, capacity_max=10)
    join(table.event, "Ana", size=8, now=now)
    join(table.event, "Eva", size=3, now=now + timedelta(seconds=1))
    join(table.event, "Isa", size=3, now=now + timedelta(seconds=2))
    assert waiting.offer_tables(now=now) == 0

    expiry.cancel_order(order.pk, now=now)
    assert waiting.offer_tables(now=now) == 1
    assert waiting.offer_tables(now=now) == 0

    assert statuses() == {"Ana": "waiting", "Eva": "offered", "Isa": "waiting"}
    offered = WaitingParty.objects.get(name="Eva")
    reservation = VipReservation.objects.get(order=offered.order)
    assert (reservation.table, reservation.party_size, reservation.status) == (table, 3, "held")
    assert reservation.terms_accepted_at == offered.joined_at
    assert offered.order
    assert reservation.expires_at == offered.order.expires_at == now + timedelta(minutes=60)
    for seconds in (5, 10):
        retrying.run_due(now=now + timedelta(seconds=seconds))
    letter = next(letter for letter in mailoutbox if letter.subject.startswith("A table for"))
    assert letter.to == ["eva@example.com"]
    assert "table F2, Front row" in letter.body
    assert "$240.00 now, all in." in letter.body
    assert "Due on the night, at the minimum spend: " in letter.body
    assert f"/orders/{offered.order.reference}/" in letter.body


def test_a_party_is_offered_the_smallest_table_that_fits_and_of_those_the_cheapest(
    provider: FakeProvider, now: datetime
) -> None:
    small, order = taken(now, code="S2", capacity_max=4, price_cents=90_000)
    cheap, other = taken(now, event=small.event, code="S1", capacity_max=4)
    large, third = taken(now, event=small.event, code="P1", capacity_max=10)
    join(small.event, "Ana", now=now)
    for one in (order, other, third):
        expiry.cancel_order(one.pk, now=now)

    waiting.offer_tables(now=now)

    assert VipReservation.objects.get(status="held").table == cheap
    assert (state_of(small, now), state_of(large, now)) == ("free", "free")


def test_an_offer_is_paid_like_any_table(provider: FakeProvider, now: datetime) -> None:
    table, order = taken(now)
    party = join(table.event, "Ana", now=now)
    expiry.cancel_order(order.pk, now=now)
    waiting.offer_tables(now=now)
    party.refresh_from_db()
    assert party.order

    pay(provider, party.order)

    assert come_back(party.order).status == Order.Status.FULFILLED
    assert VipReservation.objects.get(order=party.order).status == "confirmed"


def test_a_table_without_a_deposit_is_theirs_at_once(provider: FakeProvider, now: datetime) -> None:
    table, order = taken(now, deposit_cents=0, code="S1")
    other, _ = taken(now, event=table.event, code="S2")
    assert come_back(order).status == Order.Status.FULFILLED
    Table.objects.filter(pk=other.pk).update(capacity_min=8)
    party = join(table.event, "Ana", now=now)
    VipReservation.objects.filter(table=table).update(status="released", closed_at=now)

    waiting.offer_tables(now=now)

    party.refresh_from_db()
    assert party.order
    assert come_back(party.order).status == Order.Status.FULFILLED
    assert not Email.objects.filter(kind=waiting.OFFERED).exists()
    assert Email.objects.filter(kind="table_confirmed", order=party.order).count() == 1


def test_an_offer_that_lapses_goes_to_the_next(provider: FakeProvider, now: datetime) -> None:
    table, order = taken(now)
    first = join(table.event, "Ana", now=now)
    join(table.event, "Eva", now=now + timedelta(seconds=1))
    expiry.cancel_order(order.pk, now=now)
    waiting.offer_tables(now=now)
    later = now + timedelta(minutes=61)
    first.refresh_from_db()
    assert first.order

    expiry.expire_order(first.order.pk, now=later)
    waiting.offer_tables(now=later)

    assert fresh(first.order).status == Order.Status.EXPIRED
    assert statuses() == {"Ana": "offered", "Eva": "offered"}


def test_what_a_party_waits_for_is_sold_to_nobody_past_them(provider: FakeProvider, now: datetime) -> None:
    table, order = taken(now)
    join(table.event, "Ana", now=now)
    expiry.cancel_order(order.pk, now=now)

    assert state_of(table, now) == "held"
    with pytest.raises(TableTaken):
        hold_table(table, now=now)

    assert waiting.offer_tables(now=now) == 1
    assert VipReservation.objects.filter(status="held").count() == 1


def test_a_table_that_fits_nobody_who_waits_is_sold_to_others(provider: FakeProvider, now: datetime) -> None:
    small, order = taken(now, code="S1", capacity_max=4)
    taken(now, event=small.event, code="P1", capacity_min=6, capacity_max=10)
    join(small.event, "Ana", size=8, now=now)
    expiry.cancel_order(order.pk, now=now)

    assert state_of(small, now) == "free"
    assert waiting.offer_tables(now=now) == 0
    assert hold_table(small, now=now).status == "pending"
    assert statuses() == {"Ana": "waiting"}


def test_a_party_is_in_the_line_once_and_keeps_its_place(now: datetime) -> None:
    table, _ = taken(now)

    parties = all_at_once(5, lambda n: join(table.event, "Ana", now=now + timedelta(seconds=n)).pk)

    assert len(set(parties)) == 1
    assert Email.objects.filter(kind=waiting.JOINED).count() == 1


def test_ten_workers_at_once_offer_each_table_once(provider: FakeProvider, now: datetime) -> None:
    event = EventFactory.create()
    held = [taken(now, event=event, code=f"S{n}") for n in range(3)]
    for number, name in enumerate(("Ana", "Eva", "Isa", "Luz")):
        join(event, name, now=now + timedelta(seconds=number))
    for _, order in held:
        expiry.cancel_order(order.pk, now=now)

    made = all_at_once(10, lambda _: waiting.offer_tables(now=now))
    made.append(waiting.offer_tables(now=now))

    assert sum(count for count in made if isinstance(count, int)) == 3
    assert sorted(statuses().values()) == ["offered", "offered", "offered", "waiting"]
    live = VipReservation.objects.filter(status="held")
    assert set(live.values_list("table__code", flat=True)) == {"S0", "S1", "S2"}
    assert live.count() == 3


def test_a_guest_and_the_line_reach_for_one_table_at_once(provider: FakeProvider, now: datetime) -> None:
    table, order = taken(now)
    join(table.event, "Ana", now=now)
    expiry.cancel_order(order.pk, now=now)

    answers = all_at_once(
        6, lambda n: waiting.offer_tables(now=now) if n == 0 else hold_table(table, now=now).reference
    )

    assert statuses() == {"Ana": "offered"}
    assert sum(isinstance(answer, TableTaken) for answer in answers) == 5
    assert VipReservation.objects.get(status="held").host_name == "Ana"


def test_whoever_leaves_is_offered_nothing(provider: FakeProvider, now: datetime) -> None:
    table, order = taken(now)
    party = join(table.event, "Ana", now=now)
    page = f"/waiting/tables/{party.reference}/"
    assert "A table for 4." in Client().get(page).content.decode()

    answer = Client().post(page, follow=True).content.decode()
    expiry.cancel_order(order.pk, now=now)

    assert "You have left the line" in answer
    assert waiting.offer_tables(now=now) == 0
    assert state_of(table, now) == "free"
    assert not waiting.leave(party.reference)
    assert not waiting.offer(party.pk, now=now)


def test_the_page_of_an_offer_is_its_order(provider: FakeProvider, now: datetime) -> None:
    table, order = taken(now)
    party = join(table.event, "Ana", now=now)
    expiry.cancel_order(order.pk, now=now)
    waiting.offer_tables(now=now)
    party.refresh_from_db()
    assert party.order

    answer = Client().get(f"/waiting/tables/{party.reference}/")

    assert answer.headers["Location"] == f"/orders/{party.order.reference}/table/"


def test_a_line_that_cannot_be_joined(now: datetime) -> None:
    table, _ = taken(now, capacity_max=4)
    blocked = TableFactory.create(event=table.event, capacity_max=20, blocked=True, blocked_reason="repairs")
    closed = TableFactory.create(event=EventFactory.create(status="closed"))

    with pytest.raises(NoTableSoLarge):
        join(table.event, "Ana", size=12, now=now)
    with pytest.raises(NotOnSale):
        join(closed.event, "Ana", now=now)
    Table.objects.filter(pk=blocked.pk).update(blocked=False, blocked_reason="")
    with pytest.raises(StillThere):
        join(table.event, "Ana", size=12, now=now)

    assert not WaitingParty.objects.exists()


def test_nothing_is_offered_once_sales_are_over_or_while_a_table_is_blocked(
    provider: FakeProvider, now: datetime
) -> None:
    table, order = taken(now)
    join(table.event, "Ana", now=now)
    expiry.cancel_order(order.pk, now=now)
    Table.objects.update(blocked=True, blocked_reason="repairs")
    assert waiting.offer_tables(now=now) == 0

    Table.objects.update(blocked=False, blocked_reason="")
    Event.objects.update(sales_end_at=now - timedelta(minutes=1))

    assert waiting.offer_tables(now=now) == 0
    assert statuses() == {"Ana": "waiting"}


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_party_joins_from_the_room_and_is_written_to_in_its_language(
    now: datetime, mailoutbox: list[EmailMultiAlternatives], language: str
) -> None:
    table, _ = taken(now, event=EventFactory.create(slug="noche", title="Perreo"))
    guest = Client(headers={"accept-language": language})
    form = {"party_size": "4", "name": "Ana", "email": "Ana@example.com", "phone": "302", "accepts_terms": "on"}
    room = guest.get("/nights/noche/tables/?party=4").content.decode()
    assert 'href="/nights/noche/tables/wait/?party=4"' in room
    assert 'name="party_size" id="id_party_size" value="4"' in guest.get("/nights/noche/tables/wait/?party=4").text

    answer = guest.post("/nights/noche/tables/wait/", form, follow=True).content.decode()
    retrying.run_due(now=now + timedelta(seconds=60))

    party = WaitingParty.objects.get()
    assert (party.event, party.email, party.party_size, party.phone) == (table.event, "ana@example.com", 4, "302")
    assert party.language == language
    said, subject = {
        "en": ("You are in the line.", "You are in the line for Perreo"),
        "es": ("Ya estás en la fila.", "Estás en la fila para Perreo"),
    }[language]
    assert said in answer
    assert mailoutbox[0].subject == subject
    assert f"/waiting/tables/{party.reference}/" in mailoutbox[0].body


def test_the_line_is_shown_where_no_table_for_the_party_is_free(now: datetime) -> None:
    table, _ = taken(now, code="S1", capacity_max=4)
    TableFactory.create(event=table.event, code="P1", capacity_min=6, capacity_max=10)
    path = f"/nights/{table.event.slug}/tables/"

    hidden = [
        "data-wait hidden>" in Client().get(f"{path}{asked}").content.decode() for asked in ("", "?party=8", "?party=4")
    ]

    assert hidden == [True, True, False]
    gone = Client().get(f"{path}S1/?party=4").content.decode()
    assert f'href="{path}wait/?party=4"' in gone


@pytest.mark.parametrize(
    ("changes", "words", "status"),
    [
        ({"name": ""}, "Type your name", 422),
        ({"party_size": "0"}, "greater than or equal to 1", 422),
        ({"accepts_terms": ""}, "Read how tables are sold", 422),
        ({"party_size": ""}, "Type how many you are", 422),
        ({"party_size": "30"}, "No table of this night seats a party of that size.", 422),
        ({"party_size": "7"}, "There are places for you now", 409),
    ],
)
def test_what_is_mistyped_for_the_line_is_said_and_kept(
    now: datetime, changes: dict[str, str], words: str, status: int
) -> None:
    table, _ = taken(now, code="S1", capacity_max=4)
    TableFactory.create(event=table.event, code="P1", capacity_min=6, capacity_max=10)
    form = {"party_size": "4", "name": "Ana", "email": "a@example.com", "phone": "302", "accepts_terms": "on"}

    answer = Client().post(f"/nights/{table.event.slug}/tables/wait/", {**form, **changes})

    assert answer.status_code == status
    assert words in answer.content.decode()
    assert 'value="a@example.com"' in answer.content.decode()
    assert not WaitingParty.objects.exists()


def test_who_knocks_too_often_is_asked_to_wait(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    table, _ = taken(now)
    form = {"party_size": "4", "name": "Ana", "email": "a@example.com", "phone": "302", "accepts_terms": "on"}

    def refuse(*_: str) -> None:
        raise rate_limits.RateLimited

    monkeypatch.setattr(rate_limits, "check", refuse)

    assert Client().post(f"/nights/{table.event.slug}/tables/wait/", form).status_code == 429
    assert not WaitingParty.objects.exists()


def test_a_night_that_sells_nothing_keeps_no_line(now: datetime) -> None:
    table = TableFactory.create(event=EventFactory.create(status="closed"))

    page = Client().get(f"/nights/{table.event.slug}/tables/wait/").content.decode()

    assert "Tables are not on sale right now." in page
    assert "Put me in the line" not in page


def test_owners_see_who_waits(now: datetime) -> None:
    table, _ = taken(now)
    join(table.event, "Ana", now=now)
    console = Client()
    console.force_login(User.objects.create_superuser("rosa", "rosa@example.com", "maguey"))

    page = console.get(reverse("admin:vip_waitingparty_changelist")).text

    assert "ana@example.com" in page


def test_beat_offers_every_minute_until_it_is_taken_back() -> None:
    schedule = import_module("vip.migrations.0007_offer_schedule")

    schedule.lay_down(apps, None)
    schedule.lay_down(apps, None)
    task = PeriodicTask.objects.get(task="vip.tasks.offer_tables")
    assert (task.interval.every, task.interval.period, task.enabled) == (60, "seconds", True)
    schedule.take_up(apps, None)

    assert not PeriodicTask.objects.filter(task="vip.tasks.offer_tables").exists()


def test_the_task_offers(provider: FakeProvider, now: datetime) -> None:
    table, order = taken(now)
    join(table.event, "Ana", now=now)
    expiry.cancel_order(order.pk, now=now)

    tasks.offer_tables()

    assert statuses() == {"Ana": "offered"}
