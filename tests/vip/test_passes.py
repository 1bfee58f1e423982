from datetime import datetime, timedelta

import pytest
from django.core.mail import EmailMultiAlternatives

from payments import retrying
from payments.models import Email
from tests.buying import clock
from tests.factories.tickets import EventFactory, in_days
from tests.factories.vip import TableFactory, buy_table, reservation_in
from tests.fakes import FakeProvider
from tests.threads import all_at_once
from tickets import admissions, door
from tickets.door import Verdict
from tickets.models import Event, Scan
from vip import passes, reservations
from vip.exceptions import (
    AlreadyIn,
    HostStays,
    InviteRotated,
    NoSeatLeft,
    NotConfirmed,
    PartyDoesNotFit,
    SeatsAreNamed,
    UnknownSeat,
)
from vip.models import GuestPass, TableChange, VipReservation

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def party(provider: FakeProvider) -> VipReservation:
    """A table for four, tonight."""
    return buy_table(provider, TableFactory.create(event=EventFactory.create(doors_at=in_days(0.01))))


def seat(party: VipReservation, number: int) -> GuestPass:
    return party.passes.get(number=number)


def scan(code: str, now: datetime) -> Verdict:
    return door.admit_guest(code, user_id=None, now=now).verdict


def test_a_named_guest_gets_the_link_to_their_own_pass_once(party: VipReservation, now: datetime) -> None:
    for _ in range(2):
        passes.name_seat(party.pk, 2, name="Beto", email="beto@example.com", now=now)

    owed = Email.objects.get(kind="guest_pass")
    assert (owed.recipient, owed.context["link"]) == ("beto@example.com", seat(party, 2).link)
    assert seat(party, 2).name == "Beto"


def test_a_rename_keeps_the_code(party: VipReservation, now: datetime) -> None:
    before = seat(party, 2).code

    passes.name_seat(party.pk, 2, name="Roberto", now=now)

    assert (seat(party, 2).name, seat(party, 2).code) == ("Roberto", before)
    assert not Email.objects.filter(kind="guest_pass").exists()


def test_a_reissued_code_is_dead_at_once(party: VipReservation, now: datetime) -> None:
    old = seat(party, 2)

    new = passes.reissue(party.pk, 2, now=now)

    assert (new.version, new.code == old.code, new.link == old.link) == (2, False, False)
    assert scan(old.code, now) == Verdict.UNKNOWN
    assert scan(new.code, now) == Verdict.ADMITTED
    with pytest.raises(AlreadyIn):
        passes.reissue(party.pk, 2, now=now)


def test_a_revoked_seat_is_nameless_under_a_new_code(party: VipReservation, now: datetime) -> None:
    old = passes.name_seat(party.pk, 3, name="Beto", email="beto@example.com", now=now)

    passes.revoke(party.pk, 3, now=now)

    assert (seat(party, 3).name, seat(party, 3).email) == ("", "")
    assert scan(old.code, now) == Verdict.UNKNOWN
    with pytest.raises(HostStays):
        passes.revoke(party.pk, 1, now=now)
    with pytest.raises(UnknownSeat):
        passes.revoke(party.pk, 9, now=now)


def test_guests_take_seats_until_none_is_left(party: VipReservation, now: datetime) -> None:
    taken = [passes.claim_seat(party.invite_code, name=name, now=now).number for name in ("Beto", "Carmen", "Dana")]

    assert taken == [2, 3, 4]
    with pytest.raises(NoSeatLeft):
        passes.claim_seat(party.invite_code, name="Miles", now=now)


def test_an_invitation_rotated_at_the_same_moment_gives_no_seat_twice(party: VipReservation, now: datetime) -> None:
    def act(number: int) -> object:
        if number % 3 == 0:
            return passes.rotate_invite(party.pk)
        return passes.claim_seat(party.invite_code, name=f"Guest {number}", now=now)

    answers = all_at_once(12, act)

    refused = [answer for answer in answers if isinstance(answer, Exception)]
    seated = [answer for answer in answers if isinstance(answer, GuestPass)]
    assert all(isinstance(answer, InviteRotated | NoSeatLeft) for answer in refused)
    assert len({one.number for one in seated}) == len(seated) == party.passes.exclude(name="").count() - 1


def test_a_code_reissued_while_it_is_scanned_lets_one_person_in_at_most(party: VipReservation, now: datetime) -> None:
    code = seat(party, 2).code

    def act(number: int) -> object:
        return passes.reissue(party.pk, 2, now=now) if number % 2 else scan(code, now)

    answers = all_at_once(8, act)

    assert answers.count(Verdict.ADMITTED) <= 1
    others = [answer for answer in answers if isinstance(answer, Exception)]
    assert all(isinstance(answer, AlreadyIn) for answer in others)
    assert (seat(party, 2).status == "admitted") == (Verdict.ADMITTED in answers)


def test_two_guests_for_the_last_seat(party: VipReservation, now: datetime) -> None:
    for name in ("Beto", "Carmen"):
        passes.claim_seat(party.invite_code, name=name, now=now)

    answers = all_at_once(10, lambda n: passes.claim_seat(party.invite_code, name=f"Guest {n}", now=now))

    assert sum(isinstance(answer, GuestPass) for answer in answers) == 1
    assert sum(isinstance(answer, NoSeatLeft) for answer in answers) == 9
    assert party.passes.exclude(name="").count() == 4


def test_a_rotated_invitation_invites_nobody(party: VipReservation, now: datetime) -> None:
    old = party.invite_code

    new = passes.rotate_invite(party.pk).invite_code

    with pytest.raises(InviteRotated):
        passes.claim_seat(old, name="Beto", now=now)
    assert passes.claim_seat(new, name="Beto", now=now).number == 2


def test_a_new_host_takes_over_by_accepting(party: VipReservation, now: datetime) -> None:
    old_pass, old_key, old_invite = seat(party, 1), party.host_code, party.invite_code
    offered = passes.offer_host(party.pk, email="carmen@example.com", now=now)
    assert VipReservation.objects.get().host_name == "Ana Ruiz"
    assert offered.transfer_code

    taken = passes.accept_host(offered.transfer_code, name="Carmen", email="carmen@example.com", now=now)

    assert (taken.host_name, taken.host_email, taken.transfer_code) == ("Carmen", "carmen@example.com", None)
    assert old_key != taken.host_code
    assert old_invite != taken.invite_code
    assert seat(party, 1).name == "Carmen"
    assert scan(old_pass.code, now) == Verdict.UNKNOWN
    assert taken.order.email == "ana@example.com"
    assert TableChange.objects.get(kind="host_changed").note == "Ana Ruiz → Carmen"
    with pytest.raises(InviteRotated):
        passes.accept_host(offered.transfer_code, name="Beto", email="beto@example.com", now=now)


def test_two_who_accept_at_once_make_one_host(party: VipReservation, now: datetime) -> None:
    code = passes.offer_host(party.pk, email="carmen@example.com", now=now).transfer_code or ""

    answers = all_at_once(6, lambda n: passes.accept_host(code, name=f"Host {n}", email="h@example.com", now=now))

    assert sum(isinstance(answer, VipReservation) for answer in answers) == 1
    assert sum(isinstance(answer, InviteRotated) for answer in answers) == 5


def test_a_party_grows_and_shrinks_within_its_table(party: VipReservation, now: datetime) -> None:
    passes.resize(party.pk, 6, now=now)
    dropped = seat(party, 6).code
    passes.resize(party.pk, 3, now=now)
    assert scan(dropped, now) == Verdict.VOID
    passes.resize(party.pk, 6, now=now)

    assert party.passes.living().count() == 6
    assert seat(party, 6).code != dropped
    assert list(TableChange.objects.order_by("at", "id").values_list("kind", flat=True)) == ["resized"] * 3
    for size in (1, 9):
        with pytest.raises(PartyDoesNotFit):
            passes.resize(party.pk, size, now=now)


def test_a_party_does_not_shrink_below_its_named_guests(party: VipReservation, now: datetime) -> None:
    passes.name_seat(party.pk, 4, name="Beto", now=now)

    with pytest.raises(SeatsAreNamed):
        passes.resize(party.pk, 3, now=now)

    assert party.passes.living().count() == 4
    assert VipReservation.objects.get().party_size == 4


def test_a_pass_lets_one_person_in_once_and_the_party_has_arrived(party: VipReservation, now: datetime) -> None:
    assert [scan(seat(party, 2).code, now) for _ in range(2)] == [Verdict.ADMITTED, Verdict.ALREADY_IN]

    party.refresh_from_db()
    assert (party.status, party.arrived_at) == ("arrived", now)
    assert admissions.admitted_of(party.event_id) == (1, 4)
    first = Scan.objects.get(kind="first")
    assert (first.guest_pass, first.event, first.ticket) == (seat(party, 2), party.event, None)


def test_never_more_are_let_in_than_there_are_seats(party: VipReservation, now: datetime) -> None:
    codes = list(party.passes.values_list("code", flat=True))

    answers = all_at_once(20, lambda n: scan(codes[n % 4], now))

    assert answers.count(Verdict.ADMITTED) == 4
    assert answers.count(Verdict.ALREADY_IN) == 16
    assert VipReservation.objects.get().status == "arrived"


def test_a_scan_of_a_pass_sent_twice_answers_the_same(party: VipReservation, now: datetime) -> None:
    code = seat(party, 1).code

    answers = [door.admit_guest(code, user_id=None, now=now, device_scan_id="d-1") for _ in range(2)]

    assert [answer.verdict for answer in answers] == [Verdict.ADMITTED, Verdict.ADMITTED]
    assert answers[1].admission is not None
    assert answers[1].admission.holder == "Ana Ruiz"
    assert Scan.objects.count() == 1


def test_a_cancelled_tables_passes_are_refused(party: VipReservation, now: datetime) -> None:
    code = seat(party, 1).code
    reservations.end(VipReservation.objects.get(), VipReservation.Status.CANCELLED_BY_GUEST, now=now)

    assert scan(code, now) == Verdict.VOID
    for act in (
        lambda: passes.name_seat(party.pk, 2, name="Beto", now=now),
        lambda: passes.claim_seat(party.invite_code, name="Beto", now=now),
        lambda: passes.rotate_invite(party.pk),
    ):
        with pytest.raises(NotConfirmed):
            act()


def test_a_pass_of_another_night_is_refused_and_one_past_midnight_is_not(provider: FakeProvider, now: datetime) -> None:
    reservation = buy_table(provider)
    code = reservation.passes.get(number=1).code
    doors = reservation.event.doors_at

    assert scan(code, now) == Verdict.OTHER_NIGHT
    assert scan(code, doors + timedelta(hours=5)) == Verdict.ADMITTED


def test_a_night_over_the_clock_change_lets_its_guests_in(provider: FakeProvider) -> None:
    """On the first Sunday of November the hour from one to two comes twice at the club."""
    sunday = datetime.fromisoformat("2026-11-01T01:30:00-04:00")
    reservation = buy_table(provider)
    Event.objects.update(
        doors_at=sunday - timedelta(hours=4), starts_at=sunday - timedelta(hours=3), ends_at=sunday + timedelta(hours=1)
    )

    first, second = (reservation.passes.get(number=number).code for number in (1, 2))

    assert scan(first, sunday) == Verdict.ADMITTED
    assert scan(second, datetime.fromisoformat("2026-11-01T01:30:00-05:00")) == Verdict.ADMITTED
    assert scan(reservation.passes.get(number=3).code, sunday + timedelta(hours=2)) == Verdict.OTHER_NIGHT


def test_guests_who_come_after_all_are_let_in(provider: FakeProvider, now: datetime) -> None:
    table = TableFactory.create(event=EventFactory.create(doors_at=in_days(0.01)))
    late = reservation_in(provider, "no_show", table)

    assert scan(late.passes.get(number=1).code, now) == Verdict.ADMITTED
    assert VipReservation.objects.get().status == "arrived"


def test_letters_reach_host_guest_and_new_host(
    party: VipReservation, now: datetime, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    passes.name_seat(party.pk, 2, name="Beto", email="beto@example.com", now=now)
    offered = passes.offer_host(party.pk, email="carmen@example.com", now=now)

    retrying.run_due(now=clock() + timedelta(seconds=5))

    letters = {letter.to[0]: letter for letter in mailoutbox}
    code = party.table.code
    assert letters["ana@example.com"].subject == f"Table {code} is yours: {party.event.title}"
    assert f"/tables/{party.host_code}/" in letters["ana@example.com"].body
    assert "Due on the night, at the minimum spend: $560.00." in letters["ana@example.com"].body
    assert f"/passes/{seat(party, 2).link}/" in letters["beto@example.com"].body
    assert party.host_code not in letters["beto@example.com"].body
    assert party.order.reference not in letters["beto@example.com"].body
    assert f"/hosts/{offered.transfer_code}/" in letters["carmen@example.com"].body
    assert party.order.reference not in letters["carmen@example.com"].body
