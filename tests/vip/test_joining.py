from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core.mail import EmailMultiAlternatives
from django.db import IntegrityError

from payments import retrying
from tests.buying import clock, fresh
from tests.factories.vip import TableFactory, buy_table, hold_table
from tests.fakes import FakeProvider
from tests.threads import all_at_once
from tickets.models import RefundPolicy
from vip import booking, cancelling, changing, floor, joining, passes
from vip.exceptions import NotNeighbours, PartyDoesNotFit, TableBlocked, TableTaken
from vip.models import Table, TableChange, VipReservation

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def now() -> datetime:
    return clock()


@pytest.fixture
def owner() -> User:
    return User.objects.create_user("owner")


def neighbours(**second: object) -> tuple[Table, Table]:
    one = TableFactory.create(code="F1", x=330, y=200)
    return one, TableFactory.create(event=one.event, **{"code": "F2", "x": 440, "y": 200, **second})


def test_a_party_has_two_tables_and_all_their_seats(provider: FakeProvider, owner: User, now: datetime) -> None:
    one, other = neighbours()
    party = buy_table(provider, one, size=8)

    joining.join(party.pk, "F2", by_id=owner.pk, now=now)
    passes.resize(party.pk, 16, now=now)

    party.refresh_from_db()
    assert (party.party_size, party.passes.living().count(), joining.names_of(party)) == (16, 16, "F1 + F2")
    assert {place.state for place in floor.of_night(one.event, now=now)} == {floor.State.TAKEN}
    with pytest.raises(TableBlocked):
        hold_table(other)
    with pytest.raises(PartyDoesNotFit):
        passes.resize(party.pk, 17, now=now)
    change = TableChange.objects.get(kind="joined")
    assert (change.by, change.note) == (owner, "+ F2")


def test_tables_part_when_the_party_fits_one_and_when_it_goes(provider: FakeProvider, now: datetime) -> None:
    one, other = neighbours()
    party = buy_table(provider, one, size=8)
    joining.join(party.pk, "F2", by_id=None, now=now)
    passes.resize(party.pk, 10, now=now)

    with pytest.raises(PartyDoesNotFit):
        joining.part(party.pk, by_id=None, now=now)
    passes.resize(party.pk, 8, now=now)
    parted = (joining.part(party.pk, by_id=None, now=now), joining.part(party.pk, by_id=None, now=now))

    assert parted == (1, 0)
    assert booking.find(one.event, "F2").blocked is False
    joining.join(party.pk, "F2", by_id=None, now=now)
    cancelling.cancel_by_venue(party.pk, reason="x", by_id=None, now=now)
    other.refresh_from_db()
    assert (other.blocked, other.blocked_reason, other.joined_to) == (False, "", None)
    assert hold_table(other).status == "pending"


def test_a_party_that_moves_leaves_the_joined_table_behind(provider: FakeProvider, now: datetime) -> None:
    one, other = neighbours()
    third = TableFactory.create(event=one.event, code="F3")
    party = buy_table(provider, one)
    joining.join(party.pk, "F2", by_id=None, now=now)

    changing.move(party.pk, "F3", by_id=None, now=now)

    other.refresh_from_db()
    party.refresh_from_db()
    assert (party.table, other.blocked, other.joined_to) == (third, False, None)


def test_only_a_free_neighbour_is_joined(provider: FakeProvider, now: datetime) -> None:
    one, _ = neighbours()
    party = buy_table(provider, one)
    far = TableFactory.create(event=one.event, code="S1", x=900, y=600)
    taken = TableFactory.create(event=one.event, code="S2", x=330, y=300)
    TableFactory.create(event=one.event, code="S3", x=240, y=200, blocked=True, blocked_reason="lamp")
    hold_table(taken)

    for code, refusal in ((far.code, NotNeighbours), ("S2", TableTaken), ("S3", TableBlocked), ("F1", TableTaken)):
        with pytest.raises(refusal):
            joining.join(party.pk, code, by_id=None, now=now)

    assert not Table.objects.exclude(joined_to=None).exists()


def test_a_joined_table_is_not_unblocked_nor_joined_twice(provider: FakeProvider, now: datetime) -> None:
    one, other = neighbours()
    third = TableFactory.create(event=one.event, code="F3", x=550, y=200)
    first, second = buy_table(provider, one), buy_table(provider, third)
    joining.join(first.pk, "F2", by_id=None, now=now)

    with pytest.raises(TableTaken):
        changing.unblock(other.pk, reason="x", by_id=None, now=now)
    with pytest.raises(TableTaken):
        joining.join(second.pk, "F2", by_id=None, now=now)


def test_the_database_joins_no_table_that_is_held(provider: FakeProvider) -> None:
    one, other = neighbours()
    party = buy_table(provider, one)
    hold_table(other)

    with pytest.raises(IntegrityError, match="vip_table_joined_only_when_free"):
        Table.objects.filter(pk=other.pk).update(joined_to=party, blocked=True, blocked_reason="x")


def test_a_guest_and_an_owner_who_want_one_table_at_once(provider: FakeProvider, now: datetime) -> None:
    for _ in range(5):
        one, other = neighbours()
        party = buy_table(provider, one)

        def act(number: int, party: VipReservation = party, other: Table = other) -> object:
            if number:
                return hold_table(other)
            return joining.join(party.pk, "F2", by_id=None, now=clock())

        answers = all_at_once(4, act)

        won = [answer for answer in answers if not isinstance(answer, Exception)]
        assert len(won) == 1
        assert all(isinstance(answer, TableTaken | TableBlocked) for answer in answers if answer not in won)


def test_a_cheaper_table_sends_the_difference_back(
    provider: FakeProvider, owner: User, now: datetime, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    one, _ = neighbours(deposit_cents=10_000, minimum_spend_cents=30_000)
    party = buy_table(provider, one)

    moved = changing.move(party.pk, "F2", by_id=owner.pk, now=now)
    retrying.run_due(now=now + timedelta(seconds=5))
    retrying.run_due(now=now + timedelta(seconds=9))

    party.refresh_from_db()
    assert (moved.difference_cents, moved.back_cents) == (-14_000, 14_000)
    assert [refund.amount_cents for refund in provider.refunds.values()] == [14_000]
    assert (fresh(party.order).status, party.deposit_cents, party.balance_cents) == ("fulfilled", 10_000, 20_000)
    assert TableChange.objects.get(kind="moved").note == "F1 → F2: -$140.00"
    letter = next(letter for letter in mailoutbox if letter.subject.startswith("Your table is now"))
    assert "$140.00 is on its way back to you" in letter.body


def test_a_difference_goes_back_once_however_often_a_party_moves(provider: FakeProvider, now: datetime) -> None:
    one, _ = neighbours(deposit_cents=10_000)
    party = buy_table(provider, one)

    moves = [changing.move(party.pk, code, by_id=None, now=now) for code in ("F2", "F1", "F2")]
    retrying.run_due(now=now + timedelta(seconds=5))

    assert [(moved.difference_cents, moved.back_cents) for moved in moves] == [(-14_000, 14_000), (14_000, 0), (0, 0)]
    assert sum(refund.amount_cents for refund in provider.refunds.values()) == 14_000


def test_what_a_table_was_sold_for_counts_not_what_it_costs_today(provider: FakeProvider, now: datetime) -> None:
    one, _ = neighbours(deposit_cents=10_000)
    party = buy_table(provider, one)
    Table.objects.filter(pk=one.pk).update(deposit_cents=50_000)

    assert changing.move(party.pk, "F2", by_id=None, now=now).back_cents == 14_000


def test_moving_back_and_forth_never_sends_more_than_came(provider: FakeProvider, now: datetime) -> None:
    one, _ = neighbours(deposit_cents=0, minimum_spend_cents=0)
    party = buy_table(provider, one)

    for code in ("F2", "F1", "F2", "F1"):
        changing.move(party.pk, code, by_id=None, now=now)
    retrying.run_due(now=now + timedelta(seconds=5))

    assert sum(refund.amount_cents for refund in provider.refunds.values()) == 24_000


def test_a_downgrade_and_a_cancellation_at_once_send_the_money_once(provider: FakeProvider, now: datetime) -> None:
    one, _ = neighbours(deposit_cents=10_000)
    RefundPolicy.objects.create(event=one.event)
    party = buy_table(provider, one)

    def act(number: int) -> object:
        if number:
            return changing.move(party.pk, "F2", by_id=None, now=clock())
        return cancelling.cancel_by_guest(party.pk, shown_cents="24000", now=clock())

    answers = all_at_once(2, act)
    for seconds in (5, 10):
        retrying.run_due(now=now + timedelta(seconds=seconds))

    party.refresh_from_db()
    back = sum(refund.amount_cents for refund in provider.refunds.values())
    assert sum(not isinstance(answer, Exception) for answer in answers) == 1
    assert (party.status, back) in {("cancelled_by_guest", 24_000), ("confirmed", 14_000)}
