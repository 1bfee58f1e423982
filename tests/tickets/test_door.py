from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from payments.models import Order
from tests.buying import GUEST, buy
from tests.factories.tickets import EventFactory, TicketTypeFactory, in_days
from tests.fakes import FakeProvider
from tests.owners.console import client_of, hire
from tests.threads import all_at_once
from tickets import admissions, door
from tickets.door import Verdict
from tickets.models import Scan, Ticket, TicketType

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tonight(now: datetime) -> TicketType:
    return TicketTypeFactory.create(event=EventFactory.create(doors_at=in_days(0.01)))


@pytest.fixture
def door_person() -> Client:
    return client_of(hire("door", "door"))


def ticket_for(provider: FakeProvider, type_: TicketType) -> Ticket:
    return buy(provider, type_, quantity=1).tickets.get()


def test_a_code_lets_one_person_in_once(provider: FakeProvider, tonight: TicketType, now: datetime) -> None:
    ticket = ticket_for(provider, tonight)

    first = door.admit_guest(ticket.code, user_id=None, now=now)
    second = door.admit_guest(ticket.code, user_id=None, now=now)

    assert (first.verdict, second.verdict) == (Verdict.ADMITTED, Verdict.ALREADY_IN)
    assert list(Scan.objects.order_by("kind").values_list("kind", flat=True)) == ["first", "rejected"]
    assert admissions.admitted_of(tonight.event_id) == (1, 1)


def test_the_door_is_told_of_a_disputed_payment(
    provider: FakeProvider, tonight: TicketType, now: datetime, door_person: Client
) -> None:
    ticket = ticket_for(provider, tonight)
    Order.objects.update(disputed_at=now)

    page = door_person.post("/door/", {"code": ticket.code}).text

    assert "Come in" in page
    assert "Payment disputed: ask an owner" in page


def test_two_gates_at_once_let_one_person_in(provider: FakeProvider, tonight: TicketType, now: datetime) -> None:
    ticket = ticket_for(provider, tonight)

    answers = all_at_once(10, lambda _: door.admit_guest(ticket.code, user_id=None, now=now).verdict)

    assert answers.count(Verdict.ADMITTED) == 1
    assert answers.count(Verdict.ALREADY_IN) == 9


def test_a_scan_sent_twice_answers_the_same(provider: FakeProvider, tonight: TicketType, now: datetime) -> None:
    ticket = ticket_for(provider, tonight)

    answers = [
        door.admit_guest(ticket.code, user_id=None, now=now, device_scan_id="device-1").verdict for _ in range(2)
    ]

    assert answers == [Verdict.ADMITTED, Verdict.ADMITTED]
    assert Scan.objects.count() == 1


def test_void_unknown_and_other_nights_are_refused(provider: FakeProvider, tonight: TicketType, now: datetime) -> None:
    void = ticket_for(provider, tonight)
    void.move_to(Ticket.Status.VOID, now=now)
    other = ticket_for(provider, TicketTypeFactory.create())

    verdicts = [door.admit_guest(code, user_id=None, now=now).verdict for code in (void.code, other.code, "nonsense")]

    assert verdicts == [Verdict.VOID, Verdict.OTHER_NIGHT, Verdict.UNKNOWN]
    other.refresh_from_db()
    assert other.status == Ticket.Status.VALID


def test_a_night_past_midnight_is_still_tonight(now: datetime) -> None:
    event = EventFactory.build(doors_at=now - timedelta(hours=4))

    assert door.is_tonight(event, now=now)
    assert not door.is_tonight(event, now=now + timedelta(days=1))


def test_the_page_is_for_the_door_only(provider: FakeProvider, tonight: TicketType) -> None:
    ticket = ticket_for(provider, tonight)
    guest, doorman = Client(), Client()
    stranger = User.objects.create_user("stranger", password="x")

    assert guest.get("/door/").headers["Location"].startswith("/accounts/login/?next=/door/")
    guest.force_login(stranger)
    assert guest.get("/door/").status_code == 403
    doorman.force_login(hire("door", "door"))
    assert "Come in" in doorman.post("/door/", {"code": ticket.code}).content.decode()
    assert "Already in" in doorman.post("/door/", {"code": ticket.code}).content.decode()
    assert "Unknown code" in doorman.post("/door/", {"code": "nonsense"}).content.decode()
    assert doorman.post("/door/", {"code": "\x00"}).status_code == 200
    assert doorman.get("/door/").status_code == 200


def test_each_person_stands_at_the_doors_they_are_sent_to(
    provider: FakeProvider, tonight: TicketType, now: datetime
) -> None:
    other = TicketTypeFactory.create(event=EventFactory.create(doors_at=in_days(0.005), title="Noche de Banda"))
    mine, theirs = ticket_for(provider, tonight), ticket_for(provider, other)
    here = client_of(hire("here", "door", event=tonight.event))

    page = here.get("/door/").text
    foreign = here.post("/door/", {"code": theirs.code, "scan_id": "scan-1"}).text
    again = here.post("/door/", {"code": theirs.code, "scan_id": "scan-1"}).text

    assert (tonight.event.title in page, "Noche de Banda" in page) == (True, False)
    for said in (foreign, again):
        assert "Another night" in said
        assert "Noche de Banda" not in said
        assert GUEST.name not in said
    theirs.refresh_from_db()
    assert theirs.status == Ticket.Status.VALID
    assert Scan.objects.get().result == Verdict.OTHER_NIGHT
    assert "Come in" in here.post("/door/", {"code": mine.code}).text


@pytest.mark.parametrize(("role", "opens"), [("owner", 200), ("admin", 200), ("door", 200), (None, 403)])
def test_who_runs_a_night_may_stand_at_its_door(tonight: TicketType, role: str | None, opens: int) -> None:
    user = hire("mara", role, event=tonight.event) if role else User.objects.create_user("mara")

    assert client_of(user).get("/door/").status_code == opens
