from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core.mail import EmailMultiAlternatives
from django.db import IntegrityError, transaction

from payments import fulfilment, refunds, retrying
from payments.exceptions import IllegalMove
from payments.models import Email, Order, Payment, Refund
from tests.buying import GUEST, clock, fresh
from tests.factories.tickets import EventFactory, in_days
from tests.factories.vip import TableFactory, buy_table, hold_table, reservation_in
from tests.fakes import FakeProvider
from tests.threads import all_at_once
from tickets import door
from tickets import nights as whole_nights
from tickets.door import Verdict
from tickets.exceptions import NotOnSale, ReasonNeeded
from tickets.models import Event, OrderTerms, RefundPolicy
from vip import cancelling, changing, nights, policy, reminding, summary, tables, tasks
from vip.booking import Party
from vip.exceptions import (
    AmountChanged,
    HostStays,
    NotConfirmed,
    PartyDoesNotFit,
    SameTable,
    TableBlocked,
    TableTaken,
    UnknownSeat,
    UnknownTable,
)
from vip.models import GuestPass, Table, TableChange, VipReservation

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner() -> User:
    return User.objects.create_user("owner", "owner@example.com")


def two_parties(provider: FakeProvider, *, sizes: tuple[int, int] = (4, 4)) -> tuple[VipReservation, VipReservation]:
    """Return two parties at two tables of tonight."""
    event = EventFactory.create(doors_at=in_days(0.01))
    return (
        buy_table(provider, TableFactory.create(event=event), size=sizes[0]),
        buy_table(provider, TableFactory.create(event=event), size=sizes[1]),
    )


# --- moving and swapping -------------------------------------------------------------------------


def test_a_moved_party_keeps_its_passes_and_is_told(
    provider: FakeProvider, owner: User, now: datetime, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    party = buy_table(provider, TableFactory.create(event=EventFactory.create(doors_at=in_days(0.01))))
    was = party.table
    better = TableFactory.create(event=was.event, mode="package", price_cents=120_000)
    code = party.passes.get(number=2).code

    moved = changing.move(party.pk, better.code, by_id=owner.pk, now=now)

    party.refresh_from_db()
    assert (party.table, moved.was, moved.difference_cents) == (better, was, 96_000)
    assert door.admit_guest(code, user_id=None, now=now).verdict == Verdict.ADMITTED
    assert hold_table(was).status == "pending"
    change = TableChange.objects.get()
    assert (change.kind, change.by, change.at) == ("moved", owner, now)
    assert change.note == f"{was.code} → {better.code}: $960.00"
    retrying.run_due(now=now + timedelta(seconds=5))
    letter = next(letter for letter in mailoutbox if letter.subject.startswith("Your table is now"))
    assert f"from table {was.code} to table {better.code}" in letter.body
    assert len(provider.intents) == 1


def test_a_party_is_not_moved_where_it_cannot_sit(provider: FakeProvider, owner: User, now: datetime) -> None:
    first, second = two_parties(provider, sizes=(6, 4))
    small = TableFactory.create(event=first.event, capacity_max=5)
    blocked = TableFactory.create(event=first.event, blocked=True, blocked_reason="repairs")

    for code, refusal in (
        (second.table.code, TableTaken),
        (first.table.code, SameTable),
        (small.code, PartyDoesNotFit),
        (blocked.code, TableBlocked),
        ("Z9", UnknownTable),
    ):
        with pytest.raises(refusal):
            changing.move(first.pk, code, by_id=owner.pk, now=now)

    assert VipReservation.objects.get(pk=first.pk).table == first.table
    assert not TableChange.objects.exists()


def test_a_dead_hold_does_not_keep_a_party_from_moving(provider: FakeProvider, owner: User, now: datetime) -> None:
    party = buy_table(provider)
    free = TableFactory.create(event=party.event)
    dead = hold_table(free, now=now - timedelta(minutes=16))

    changing.move(party.pk, free.code, by_id=owner.pk, now=now)

    assert fresh(dead).status == "expired"
    assert VipReservation.objects.get(pk=party.pk).table == free


def test_a_move_and_a_guest_who_books_at_once_share_nothing(provider: FakeProvider, owner: User) -> None:
    party = buy_table(provider)
    free = TableFactory.create(event=party.event)

    def act(number: int) -> object:
        if number == 0:
            return changing.move(party.pk, free.code, by_id=owner.pk, now=clock())
        return hold_table(free)

    answers = all_at_once(8, act)

    assert sum(not isinstance(answer, Exception) for answer in answers) == 1
    assert sum(isinstance(answer, TableTaken) for answer in answers) == 7
    assert free.reservations.live().count() == 1


def test_two_parties_swap_and_both_keep_their_passes(provider: FakeProvider, owner: User, now: datetime) -> None:
    first, second = two_parties(provider)
    here, there = first.table, second.table

    changing.swap(first.pk, second.pk, by_id=owner.pk, now=now)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.table, second.table, first.parked, second.parked) == (there, here, False, False)
    assert sorted(TableChange.objects.values_list("kind", "by")) == [("swapped", owner.pk)] * 2
    assert GuestPass.objects.living().count() == 8


def test_a_swap_that_does_not_fit_changes_nothing(provider: FakeProvider, owner: User, now: datetime) -> None:
    first, second = two_parties(provider, sizes=(8, 2))
    Table.objects.filter(pk=second.table_id).update(capacity_max=4)

    with pytest.raises(PartyDoesNotFit):
        changing.swap(first.pk, second.pk, by_id=owner.pk, now=now)
    with pytest.raises(SameTable):
        changing.swap(first.pk, first.pk, by_id=owner.pk, now=now)
    with pytest.raises(NotConfirmed):
        changing.swap(first.pk, buy_table(provider).pk, by_id=owner.pk, now=now)

    assert VipReservation.objects.get(pk=first.pk).table == first.table
    assert not TableChange.objects.exists()


def test_swaps_in_both_directions_at_once_never_lock_each_other_out(provider: FakeProvider, owner: User) -> None:
    first, second = two_parties(provider)

    def act(number: int) -> object:
        pair = (first.pk, second.pk) if number % 2 else (second.pk, first.pk)
        return changing.swap(*pair, by_id=owner.pk, now=clock())

    answers = all_at_once(10, act)

    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert {r.table for r in VipReservation.objects.all()} == {first.table, second.table}


def test_the_database_never_leaves_a_party_between_two_tables(provider: FakeProvider) -> None:
    party = buy_table(provider)

    with pytest.raises(IntegrityError, match="vip_reservation_never_left_parked"), transaction.atomic():
        VipReservation.objects.filter(pk=party.pk).update(parked=True)


# --- blocking ------------------------------------------------------------------------------------


def test_a_block_has_a_reason_and_survives_every_reset(owner: User, now: datetime) -> None:
    event = EventFactory.create()
    tables.lay_out(event)
    table = event.tables.get(code="S7")

    assert changing.block(table.pk, reason=" lamp ", by_id=owner.pk, now=now)
    assert not changing.block(table.pk, reason="again", by_id=owner.pk, now=now)
    tables.lay_out(event)

    table.refresh_from_db()
    assert (table.blocked, table.blocked_reason) == (True, "lamp")
    with pytest.raises(TableBlocked):
        hold_table(table)
    with pytest.raises(ReasonNeeded):
        changing.unblock(table.pk, reason=" ", by_id=owner.pk, now=now)
    assert changing.unblock(table.pk, reason="mended", by_id=owner.pk, now=now)
    assert not changing.unblock(table.pk, reason="mended", by_id=owner.pk, now=now)
    assert hold_table(table).status == "pending"
    written = TableChange.objects.order_by("kind").values_list("kind", "note", "by")
    assert list(written) == [("blocked", "lamp", owner.pk), ("unblocked", "mended", owner.pk)]


def test_a_sold_table_is_not_blocked_and_a_reason_is_needed(provider: FakeProvider, owner: User, now: datetime) -> None:
    party = buy_table(provider)

    with pytest.raises(TableTaken):
        changing.block(party.table_id, reason="lamp", by_id=owner.pk, now=now)
    with pytest.raises(ReasonNeeded):
        changing.block(party.table_id, reason="  ", by_id=owner.pk, now=now)

    assert not Table.objects.get().blocked


def test_a_block_and_a_booking_at_once_never_both_hold(owner: User) -> None:
    rooms = [TableFactory.create() for _ in range(10)]

    def act(number: int) -> object:
        table = rooms[number // 2]
        if number % 2:
            return changing.block(table.pk, reason="lamp", by_id=owner.pk, now=clock())
        return hold_table(table)

    answers = all_at_once(20, act)

    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert all(isinstance(answer, TableBlocked) for answer in refused)
    assert VipReservation.objects.count() == 10 - len(refused)


# --- the owner sells -----------------------------------------------------------------------------


@pytest.mark.parametrize("paid_by", [VipReservation.Provider.CASH, VipReservation.Provider.CARD_AT_DOOR])
def test_a_walk_in_pays_at_the_door_and_no_provider_is_asked(
    provider: FakeProvider, owner: User, now: datetime, paid_by: VipReservation.Provider
) -> None:
    table = TableFactory.create()

    order = changing.sell_to_walk_in(table.pk, party=Party(3), buyer=GUEST, paid_by=paid_by, by_id=owner.pk, now=now)
    fulfilment.try_now(order, now=now)

    party = VipReservation.objects.get()
    assert (party.status, party.payment_provider, party.external_payment_id) == ("confirmed", paid_by, None)
    assert (fresh(order).status, order.total_cents) == ("fulfilled", 24_000)
    assert party.passes.count() == 3
    assert (provider.intents, Payment.objects.count()) == ({}, 0)
    assert TableChange.objects.get().kind == "walk_in"
    with pytest.raises(TableTaken):
        changing.sell_to_walk_in(table.pk, party=Party(3), buyer=GUEST, paid_by=paid_by, by_id=owner.pk, now=now)


def test_a_table_given_away_costs_nothing_and_has_no_minimum(
    provider: FakeProvider, owner: User, now: datetime
) -> None:
    table = TableFactory.create()

    order = changing.give_away(table.pk, party=Party(2), buyer=GUEST, reason="birthday", by_id=owner.pk, now=now)
    fulfilment.try_now(order, now=now)

    party = VipReservation.objects.get()
    assert (order.total_cents, party.balance_cents, party.status) == (0, 0, "confirmed")
    assert (party.payment_provider, provider.intents) == ("none", {})
    assert (TableChange.objects.get().kind, TableChange.objects.get().note) == ("complimentary", "birthday")


def test_nothing_is_sold_by_hand_that_may_not_be(owner: User, now: datetime) -> None:
    table = TableFactory.create(event=EventFactory.create(status="closed"))

    with pytest.raises(NotOnSale):
        changing.give_away(table.pk, party=Party(2), buyer=GUEST, reason="x", by_id=owner.pk, now=now)
    with pytest.raises(ReasonNeeded):
        changing.give_away(table.pk, party=Party(2), buyer=GUEST, reason="", by_id=owner.pk, now=now)
    assert not Order.objects.exists()


def test_a_party_is_seated_once_it_has_come(provider: FakeProvider, owner: User, now: datetime) -> None:
    party = buy_table(provider)
    with pytest.raises(IllegalMove):
        changing.seat(party.pk, by_id=owner.pk, now=now)
    arrived = reservation_in(provider, "arrived")

    assert changing.seat(arrived.pk, by_id=owner.pk, now=now)
    assert not changing.seat(arrived.pk, by_id=owner.pk, now=now)

    assert VipReservation.objects.get(pk=arrived.pk).seated_at == now


# --- cancelling ----------------------------------------------------------------------------------


def test_the_club_cancels_with_everything_back(
    provider: FakeProvider, owner: User, now: datetime, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    party = buy_table(provider)
    with pytest.raises(ReasonNeeded):
        cancelling.cancel_by_venue(party.pk, reason=" ", by_id=owner.pk, now=now)

    cancelling.cancel_by_venue(party.pk, reason="burst pipe", by_id=owner.pk, now=now)
    assert hold_table(party.table).status == "pending"
    for seconds in (1, 2):
        retrying.run_due(now=now + timedelta(seconds=seconds))

    party.refresh_from_db()
    assert (party.status, fresh(party.order).status) == ("cancelled_by_venue", "refunded")
    assert Refund.objects.get().amount_cents == 24_000
    letter = next(letter for letter in mailoutbox if "is cancelled" in letter.subject)
    assert "$240.00 is going back" in letter.body
    with pytest.raises(NotConfirmed):
        cancelling.cancel_by_venue(party.pk, reason="again", by_id=owner.pk, now=now)


def buy_table_with_terms(provider: FakeProvider) -> VipReservation:
    table = TableFactory.create()
    RefundPolicy.objects.create(event=table.event)
    return buy_table(provider, table)


def test_nothing_goes_back_beyond_what_is_left(provider: FakeProvider, now: datetime) -> None:
    party = buy_table_with_terms(provider)
    payment = Payment.objects.get()
    with transaction.atomic():
        refunds.owe(payment, amount_cents=20_001, reason=Refund.Reason.OWNER, cause="one share", now=now)

    assert policy.on_cancelling(party, now=now).cents == 3_999
    with pytest.raises(AmountChanged):
        cancelling.cancel_by_guest(party.pk, shown_cents="24000", now=now)
    cancelling.cancel_by_guest(party.pk, shown_cents="3999", now=now)
    retrying.run_due(now=now + timedelta(seconds=5))

    assert sum(refund.amount_cents for refund in provider.refunds.values()) == 24_000


def test_ten_cancellations_at_once_send_the_money_once(provider: FakeProvider, now: datetime) -> None:
    party = buy_table_with_terms(provider)

    answers = all_at_once(10, lambda _: cancelling.cancel_by_guest(party.pk, shown_cents="24000", now=now))
    retrying.run_due(now=now + timedelta(seconds=5))

    assert sum(not isinstance(answer, Exception) for answer in answers) == 1
    assert sum(isinstance(answer, NotConfirmed) for answer in answers) == 9
    assert sum(refund.amount_cents for refund in provider.refunds.values()) == 24_000


def test_one_guests_share_goes_back_and_all_shares_are_the_whole(
    provider: FakeProvider, owner: User, now: datetime
) -> None:
    party = buy_table(provider, TableFactory.create(deposit_cents=20_001), size=4)

    for number in (2, 3, 4):
        cancelling.refund_share(party.pk, number, reason="ill", by_id=owner.pk, now=now)
    retrying.run_due(now=now + timedelta(seconds=5))

    assert sorted(refund.amount_cents for refund in provider.refunds.values()) == [5_000, 5_000, 5_000]
    assert fresh(party.order).status == "fulfilled"
    assert list(party.passes.living().values_list("number", flat=True)) == [1]
    assert policy.left_of(party.order) == 5_001
    with pytest.raises(UnknownSeat):
        cancelling.refund_share(party.pk, 2, reason="again", by_id=owner.pk, now=now)
    with pytest.raises(HostStays):
        cancelling.refund_share(party.pk, 1, reason="x", by_id=owner.pk, now=now)
    with pytest.raises(ReasonNeeded):
        cancelling.refund_share(party.pk, 2, reason="", by_id=owner.pk, now=now)
    cancelling.cancel_by_venue(party.pk, reason="flood", by_id=owner.pk, now=now)
    retrying.run_due(now=now + timedelta(seconds=9))
    assert sum(refund.amount_cents for refund in provider.refunds.values()) == 20_001
    assert fresh(party.order).status == "refunded"


def test_a_refunded_tables_passes_are_refused(provider: FakeProvider, now: datetime) -> None:
    party = buy_table(provider, TableFactory.create(event=EventFactory.create(doors_at=in_days(0.01))))
    code = party.passes.get(number=1).code

    refunds.refund_order(party.order_id, reason=Refund.Reason.OWNER, cause="console", now=now)
    retrying.run_due(now=now + timedelta(seconds=5))

    assert door.admit_guest(code, user_id=None, now=now).verdict == Verdict.VOID
    assert VipReservation.objects.get().status == "released"


@pytest.mark.parametrize(
    ("hours", "per_cent"), [(200, 100), (168.1, 100), (168, 50), (48.1, 50), (48, 0), (0, 0), (-1, 0)]
)
def test_the_policy_is_read_at_its_edges(hours: float, per_cent: int, now: datetime) -> None:
    terms = OrderTerms(all_until_hours=168, part_until_hours=48, part_percent=50)

    assert terms.part_at(now, doors_at=now + timedelta(hours=hours))[0] == per_cent


def test_the_policy_a_table_was_sold_under_stays(provider: FakeProvider, now: datetime) -> None:
    event = EventFactory.create(doors_at=in_days(10))
    RefundPolicy.objects.create(event=event, all_until_hours=24, part_until_hours=24)
    party = buy_table(provider, TableFactory.create(event=event))
    RefundPolicy.objects.update(all_until_hours=9000)
    Event.objects.update(doors_at=in_days(2), starts_at=in_days(2.1), ends_at=in_days(2.3))

    back = policy.on_cancelling(VipReservation.objects.get(), now=now)

    assert (back.per_cent, back.cents) == (100, party.order.total_cents)


@pytest.mark.parametrize(
    ("mode", "terms", "back"),
    [
        ("deposit", {}, 24_000),
        ("deposit", {"deposit_comes_back": False}, 0),
        ("deposit", {"fees_come_back": False}, 24_000),
        ("deposit", None, 0),
        ("package", {}, 88_000),
        ("package", {"deposit_comes_back": False}, 88_000),
        ("package", {"fees_come_back": False}, 80_000),
    ],
)
def test_what_comes_back_is_what_the_night_says(
    provider: FakeProvider, mode: str, terms: dict[str, bool] | None, back: int, now: datetime
) -> None:
    event = EventFactory.create(doors_at=in_days(10))
    if terms is not None:
        RefundPolicy.objects.create(event=event, **terms)

    party = buy_table(provider, TableFactory.create(event=event, mode=mode, service_bps=1_000))

    assert policy.on_cancelling(party, now=now).cents == back


# --- the end of the night, and before it ------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [("confirmed", "no_show"), ("arrived", "completed"), ("seated", "completed"), ("released", "released")],
)
def test_a_night_that_is_over_closes_its_tables_after_the_grace(
    provider: FakeProvider, before: str, after: str
) -> None:
    party = reservation_in(provider, before)
    end = party.event.ends_at

    assert nights.close_nights(now=end + timedelta(hours=1, minutes=59)) == 0
    nights.close_nights(now=end + timedelta(hours=2))

    party.refresh_from_db()
    assert party.status == after
    assert nights.close_nights(now=end + timedelta(hours=3)) == 0


def test_a_night_called_off_frees_what_no_refund_frees(provider: FakeProvider, owner: User, now: datetime) -> None:
    table = TableFactory.create()
    order = changing.give_away(table.pk, party=Party(2), buyer=GUEST, reason="x", by_id=owner.pk, now=now)
    fulfilment.try_now(order, now=now)
    paid = buy_table(provider, TableFactory.create(event=table.event))

    whole_nights.cancel_night(table.event.pk, reason="The roof leaks.", now=now)
    for seconds in (5, 10):
        retrying.run_due(now=now + timedelta(seconds=seconds))
    assert nights.close_nights(now=now) == 1

    assert set(VipReservation.objects.values_list("status", flat=True)) == {"cancelled_by_venue"}
    assert fresh(paid.order).status == "refunded"
    assert not GuestPass.objects.living().exists()


def test_hosts_are_reminded_twice_and_no_more(provider: FakeProvider, mailoutbox: list[EmailMultiAlternatives]) -> None:
    party = buy_table(provider)
    doors = party.event.doors_at

    owed = [reminding.remind(now=doors - timedelta(hours=hours)) for hours in (30, 24, 23, 13, 11, 3, 2, 1.9, 1)]

    assert owed == [0, 1, 0, 0, 0, 0, 1, 0, 0]
    retrying.run_due(now=doors)
    reminders = [letter for letter in mailoutbox if "is near" in letter.subject]
    assert len(reminders) == 2
    assert "$560.00" in reminders[0].body


def test_who_booked_late_is_reminded_late_and_who_cancelled_not_at_all(provider: FakeProvider, now: datetime) -> None:
    event = EventFactory.create(doors_at=now + timedelta(hours=20))
    buy_table(provider, TableFactory.create(event=event))
    cancelled = buy_table(provider, TableFactory.create(event=event))
    cancelling.cancel_by_venue(cancelled.pk, reason="x", by_id=None, now=now)

    assert reminding.remind(now=now + timedelta(minutes=1)) == 0
    assert reminding.remind(now=event.doors_at - timedelta(hours=2)) == 1
    assert not reminding.remind_once(cancelled.pk, "hours", now=now)


def test_beat_closes_and_reminds(provider: FakeProvider, now: datetime) -> None:
    over = buy_table(provider, TableFactory.create(event=EventFactory.create()))
    Event.objects.update(
        doors_at=now - timedelta(hours=9), starts_at=now - timedelta(hours=8), ends_at=now - timedelta(hours=3)
    )
    soon = buy_table(provider, TableFactory.create(event=EventFactory.create(doors_at=now + timedelta(hours=1))))
    VipReservation.objects.filter(pk=soon.pk).update(confirmed_at=now - timedelta(hours=20))

    tasks.close_nights()
    tasks.remind_hosts()

    assert VipReservation.objects.get(pk=over.pk).status == "no_show"
    assert Email.objects.filter(kind="table_reminder", order=soon.order).count() == 1


def test_what_changed_between_looking_and_closing_is_left_alone(provider: FakeProvider) -> None:
    party = buy_table(provider)

    assert not nights.close(party.pk, now=clock())
    assert not nights.close(reservation_in(provider, "completed").pk, now=clock() + timedelta(days=30))

    assert VipReservation.objects.get(pk=party.pk).status == "confirmed"


def test_a_nights_tables_in_figures(provider: FakeProvider, owner: User, now: datetime) -> None:
    first, second = two_parties(provider)
    door.admit_guest(first.passes.get(number=1).code, user_id=None, now=now)
    cash = TableFactory.create(event=first.event)
    fulfilment.try_now(
        changing.sell_to_walk_in(
            cash.pk, party=Party(2), buyer=GUEST, paid_by=VipReservation.Provider.CASH, by_id=owner.pk, now=now
        ),
        now=now,
    )
    cancelling.cancel_by_guest(second.pk, shown_cents="0", now=now)
    TableFactory.create(event=first.event)

    figures = summary.of_night(first.event)

    rows = {row.table.code: row for row in figures.rows}
    one, gone = rows[first.table.code], rows[second.table.code]
    assert (one.revenue_cents, one.deposit_cents, one.balance_due_cents) == (24_000, 24_000, 56_000)
    assert (one.arrived, one.party_size, one.reservation) == (1, 4, first)
    assert (gone.revenue_cents, gone.deposit_cents, gone.reservation) == (24_000, 0, None)
    assert (figures.revenue_cents, figures.balance_due_cents) == (72_000, 112_000)
    assert (figures.arrived, figures.expected, figures.deposit_cents, len(figures.rows)) == (1, 6, 48_000, 4)
