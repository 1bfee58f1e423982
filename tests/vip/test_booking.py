from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from payments import checkout, expiry, fulfilment, refunds, retrying
from payments.exceptions import NothingToRefund
from payments.models import Email, Order, Payment, Refund
from tests.buying import GUEST, clock, come_back, fresh, intent_of, knock, pay, start, tell
from tests.factories.tickets import EventFactory
from tests.factories.vip import WAYS, Status, TableFactory, buy_table, hold_table, reservation_in
from tests.fakes import FakeProvider, event_body, intent_object
from tests.threads import all_at_once
from tickets import nights
from tickets.exceptions import NotOnSale
from tickets.models import Event
from vip import booking
from vip.booking import Party
from vip.exceptions import PartyDoesNotFit, TableBlocked, TableTaken, TooManyNames, UnknownTable
from vip.models import GuestPass, Table, VipReservation

pytestmark = pytest.mark.django_db(transaction=True)

OVER = timedelta(minutes=16)


def test_a_deposit_is_held_and_priced_from_our_own_tables(now: datetime) -> None:
    order = hold_table(size=6, now=now, guests=("Beto",), occasion="birthday", accepts_terms=True)

    reservation = order.vip_reservation
    assert (order.kind, order.total_cents, order.status) == ("vip_reservation", 24_000, "pending")
    assert (reservation.deposit_cents, reservation.balance_cents, reservation.party_size) == (24_000, 56_000, 6)
    assert reservation.expires_at == order.expires_at == now + timedelta(minutes=15)
    assert (reservation.terms_version, reservation.terms_accepted_at) == ("2026-11", now)


@pytest.mark.parametrize(
    ("changes", "total", "fees"),
    [
        ({"mode": "package", "price_cents": 120_000}, 120_000, 0),
        ({"mode": "full_prepay", "minimum_spend_cents": 45_000, "service_bps": 1_000}, 49_500, 4_500),
        ({"mode": "deposit", "gratuity_bps": 1_800}, 24_000, 0),
    ],
)
def test_each_way_to_sell_a_table_is_charged_as_shown(changes: dict[str, object], total: int, fees: int) -> None:
    order = hold_table(TableFactory.create(**changes))

    assert (order.total_cents, order.fees_cents) == (total, fees)


def test_a_paid_table_has_one_pass_per_seat_the_hosts_first(provider: FakeProvider) -> None:
    reservation = buy_table(provider, size=5, guests=("Beto", "Carmen"))

    passes = list(reservation.passes.order_by("number"))
    assert (reservation.status, reservation.order.status) == ("confirmed", "fulfilled")
    assert [(one.number, one.name) for one in passes] == [
        (1, "Ana Ruiz"), (2, "Beto"), (3, "Carmen"), (4, ""), (5, ""),
    ]  # fmt: skip
    assert len({one.code for one in passes} | {one.link for one in passes}) == 10
    assert (reservation.payment_provider, reservation.external_payment_id) == ("stripe", "pi_1")
    assert reservation.stripe_payment_intent_id == "pi_1"


def test_names_for_every_seat_name_the_first_too(provider: FakeProvider) -> None:
    reservation = buy_table(provider, size=2, guests=("Itzel", "Beto"))

    assert list(reservation.passes.order_by("number").values_list("name", flat=True)) == ["Itzel", "Beto"]


def test_the_event_that_told_of_the_payment_is_kept(provider: FakeProvider, now: datetime) -> None:
    order = hold_table()
    payment = pay(provider, order)
    for _ in range(2):
        tell(provider, payment, "payment_intent.succeeded", event_id="evt_table")

    come_back(order)

    reservation = VipReservation.objects.get()
    assert (reservation.status, reservation.webhook_event) == ("confirmed", "evt_table")
    assert GuestPass.objects.count() == 4


def test_the_webhook_after_the_browser_changes_nothing(provider: FakeProvider) -> None:
    reservation = buy_table(provider)
    codes = set(reservation.passes.values_list("code", flat=True))

    tell(provider, reservation.order.payments.get(), "payment_intent.succeeded")
    retrying.run_due(now=clock() + timedelta(seconds=5))

    assert set(GuestPass.objects.values_list("code", flat=True)) == codes
    assert VipReservation.objects.get().status == "confirmed"


def test_nothing_to_pay_is_theirs_at_once_and_no_provider_is_asked(provider: FakeProvider) -> None:
    reservation = buy_table(provider, TableFactory.create(deposit_cents=0))

    assert (reservation.status, reservation.payment_provider) == ("confirmed", "none")
    assert (reservation.order.status, provider.intents) == ("fulfilled", {})


@pytest.mark.parametrize("size", [1, 9])
def test_a_party_that_does_not_fit_is_refused(size: int) -> None:
    with pytest.raises(PartyDoesNotFit):
        hold_table(size=size)
    assert not Order.objects.exists()


def test_more_names_than_seats_are_refused() -> None:
    with pytest.raises(TooManyNames):
        hold_table(size=2, guests=("a", "b", "c"))
    assert not Order.objects.exists()


def test_a_table_of_another_night_is_unknown() -> None:
    table = TableFactory.create()

    with pytest.raises(UnknownTable):
        booking.book_table(EventFactory.create(), code=table.code, party=Party(4), buyer=GUEST, now=clock())


def test_a_blocked_table_is_refused_kindly_and_by_the_database() -> None:
    table = TableFactory.create(blocked=True, blocked_reason="the pipe above drips")

    with pytest.raises(TableBlocked):
        hold_table(table)
    assert not Order.objects.exists()
    take_by_force(table, match="vip_reservation_never_on_a_blocked_table")


@pytest.mark.parametrize("status", [Event.Status.CLOSED, Event.Status.DRAFT, Event.Status.CANCELLED])
def test_a_closed_night_is_refused_kindly_and_by_the_database(status: str) -> None:
    table = TableFactory.create(event=EventFactory.create(status=status))

    with pytest.raises(NotOnSale):
        hold_table(table)
    assert not Order.objects.exists()
    take_by_force(table, match="vip_reservation_never_on_a_closed_night")


def test_the_database_refuses_a_party_above_capacity_and_a_table_of_another_night() -> None:
    table = TableFactory.create()

    take_by_force(table, match="vip_reservation_party_within_capacity", party_size=9)
    take_by_force(table, match="vip_reservation_on_its_own_night", event=EventFactory.create())


def take_by_force(table: Table, *, match: str, **changes: object) -> None:
    """Put a party at a table past every rule of ours: the database must say no."""
    reservation = hold_table().vip_reservation

    with pytest.raises(IntegrityError, match=match), transaction.atomic():
        VipReservation.objects.filter(pk=reservation.pk).update(**{"table": table, "event": table.event, **changes})


def test_the_second_guest_is_told_before_any_money_moves(provider: FakeProvider) -> None:
    table = TableFactory.create()
    hold_table(table)

    with pytest.raises(TableTaken) as refusal:
        hold_table(table)

    assert (refusal.value.code, refusal.value.status) == ("race_condition_lost", 409)
    assert (Order.objects.count(), Payment.objects.count(), provider.intents) == (1, 0, {})


def test_fifty_guests_for_one_table(provider: FakeProvider) -> None:
    table = TableFactory.create()

    answers = all_at_once(50, lambda _: hold_table(table))

    won = [answer for answer in answers if isinstance(answer, Order)]
    assert len(won) == 1
    assert sum(isinstance(answer, TableTaken) for answer in answers) == 49
    assert Order.objects.count() == VipReservation.objects.count() == 1
    assert provider.intents == {}
    pay(provider, won[0])
    come_back(won[0])
    assert VipReservation.objects.get().status == "confirmed"
    assert len(provider.intents) == 1


def test_fifty_guests_for_a_table_whose_hold_is_dead(provider: FakeProvider, now: datetime) -> None:
    table = TableFactory.create()
    dead = hold_table(table, now=now - OVER)

    answers = all_at_once(50, lambda _: hold_table(table))

    assert sum(isinstance(answer, Order) for answer in answers) == 1
    assert sum(isinstance(answer, TableTaken) for answer in answers) == 49
    assert fresh(dead).status == "expired"
    assert sorted(VipReservation.objects.values_list("status", flat=True)) == ["expired", "held"]


def test_looking_first_is_not_what_keeps_a_table_single(as_table_owner: None) -> None:
    """The positive control: without the index, looking first and inserting afterwards takes it more than once."""
    from django.db import connection

    table = TableFactory.create()
    orders = [hold_table() for _ in range(20)]
    VipReservation.objects.update(status="released", closed_at=clock())
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX idx_one_active_reservation_per_table")

    def look_then_take(number: int) -> bool:
        if table.reservations.live().exists():
            return False
        VipReservation.objects.filter(order=orders[number]).update(table=table, event=table.event, status="held")
        return True

    try:
        taken = sum(answer is True for answer in all_at_once(20, look_then_take))
        assert taken > 1
    finally:
        VipReservation.objects.filter(status="held").update(status="released")
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE UNIQUE INDEX idx_one_active_reservation_per_table ON vip_reservations (event_id, table_id) "
                "WHERE (NOT parked AND status IN ('held', 'confirmed', 'arrived', 'seated'))"
            )


def test_a_dead_hold_whose_intent_is_open_is_closed_at_the_provider_first(
    provider: FakeProvider, now: datetime
) -> None:
    table = TableFactory.create()
    dead = hold_table(table, now=now - OVER)
    payment = start(dead, now=now - OVER)

    living = hold_table(table, now=now)

    assert living.status == "pending"
    assert fresh(dead).status == "expired"
    assert provider.intents[intent_of(payment)].status.value == "cancelled"


def test_a_dead_hold_whose_money_came_keeps_its_table(provider: FakeProvider, now: datetime) -> None:
    table = TableFactory.create()
    dead = hold_table(table, now=now - OVER)
    pay(provider, dead, now=now - OVER)

    with pytest.raises(TableTaken):
        hold_table(table, now=now)

    assert fresh(dead).status == "paid"


def test_a_hold_runs_out_on_the_challenge_page_and_the_table_is_still_free(
    provider: FakeProvider, now: datetime
) -> None:
    order, payment = late(provider, now)

    come_back_late(provider, payment)

    assert fresh(order).status == "fulfilled"
    assert order.vip_reservation.passes.count() == 4
    assert VipReservation.objects.get().status == "confirmed"


def test_a_hold_runs_out_on_the_challenge_page_and_the_table_is_taken(provider: FakeProvider, now: datetime) -> None:
    order, payment = late(provider, now)
    other = buy_table(provider, order.vip_reservation.table)

    come_back_late(provider, payment)

    assert fresh(order).status == "refunded"
    assert Refund.objects.get().amount_cents == 24_000
    assert VipReservation.objects.get(order=order).status == "expired"
    assert VipReservation.objects.get(pk=other.pk).status == "confirmed"
    assert Email.objects.filter(kind="late_payment_refunded", order=order).exists()


@pytest.mark.parametrize(
    ("table", "event"),
    [({"blocked": True, "blocked_reason": "repairs"}, {}), ({"capacity_max": 3}, {}), ({}, {"status": "closed"})],
)
def test_late_money_for_a_table_that_may_not_be_had_goes_back(
    provider: FakeProvider, now: datetime, table: dict[str, object], event: dict[str, object]
) -> None:
    order, payment = late(provider, now)
    if table:
        Table.objects.update(**table)
    if event:
        Event.objects.update(**event)

    come_back_late(provider, payment)

    assert fresh(order).status == "refunded"
    assert not GuestPass.objects.exists()


def late(provider: FakeProvider, now: datetime) -> tuple[Order, Payment]:
    """Let a hold run out while the guest is at their bank, which then says yes."""
    order = hold_table(now=now)
    payment = start(order)
    provider.fail_next("cancel_intent")
    assert expiry.expire_order(order.pk, now=now + timedelta(minutes=36))
    provider.pay(intent_of(payment))
    return order, payment


def come_back_late(provider: FakeProvider, payment: Payment) -> None:
    knock(event_body("payment_intent.succeeded", intent_object(provider.intents[intent_of(payment)])))
    for minutes in (1, 2):
        retrying.run_due(now=clock() + timedelta(minutes=minutes))


def test_a_price_that_changes_during_a_hold_does_not_reach_the_order(provider: FakeProvider) -> None:
    order = hold_table()

    Table.objects.update(price_cents=200_000, deposit_cents=90_000, minimum_spend_cents=200_000)
    pay(provider, order)
    come_back(order)

    reservation = VipReservation.objects.get()
    assert (reservation.order.total_cents, reservation.balance_cents) == (24_000, 56_000)
    assert provider.intents["pi_1"].received_cents == 24_000


@pytest.mark.parametrize(
    "change", [{"blocked": True, "blocked_reason": "owner's friend"}, {"capacity_max": 3, "capacity_min": 1}]
)
def test_what_an_owner_changes_during_a_hold_does_not_reach_the_guest(
    provider: FakeProvider, change: dict[str, object]
) -> None:
    order = hold_table(size=4)

    Table.objects.update(**change)
    pay(provider, order)
    come_back(order)

    assert VipReservation.objects.get().status == "confirmed"
    assert GuestPass.objects.count() == 4


def test_a_night_cancelled_in_mid_checkout_sends_the_money_back(provider: FakeProvider, now: datetime) -> None:
    order = hold_table()
    payment = pay(provider, order)

    nights.cancel_night(order.event.pk, reason="The roof leaks.", now=now)
    knock(event_body("payment_intent.succeeded", intent_object(provider.intents[intent_of(payment)])))
    for minutes in (1, 2):
        retrying.run_due(now=now + timedelta(minutes=minutes))

    assert fresh(order).status == "refunded"
    assert not GuestPass.objects.exclude(status="void").exists()
    assert not VipReservation.objects.live().exists()


def test_a_night_moved_in_mid_checkout_keeps_its_tables(provider: FakeProvider) -> None:
    order = hold_table()
    day = timedelta(days=7)
    Event.objects.update(
        doors_at=order.event.doors_at + day, starts_at=order.event.starts_at + day, ends_at=order.event.ends_at + day
    )

    pay(provider, order)
    come_back(order)

    assert VipReservation.objects.get().status == "confirmed"


def test_one_guest_in_two_tabs_pays_once(provider: FakeProvider) -> None:
    order = hold_table()

    first, second = start(order), start(order)
    provider.pay(intent_of(first))
    answers = all_at_once(6, lambda _: come_back(order))

    assert first.pk == second.pk
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert GuestPass.objects.count() == 4
    assert not Refund.objects.exists()


def test_ten_minutes_more_move_the_tables_end_too(provider: FakeProvider, now: datetime) -> None:
    from payments import orders

    order = hold_table(now=now)

    extended = orders.extend_hold(order.pk, now=now + timedelta(minutes=14))

    assert VipReservation.objects.get().expires_at == extended.expires_at == now + timedelta(minutes=25)


def test_a_guest_who_lets_go_frees_the_table(provider: FakeProvider, now: datetime) -> None:
    order = hold_table()
    table = order.vip_reservation.table

    expiry.cancel_order(order.pk, now=now)

    assert VipReservation.objects.get().status == "released"
    assert hold_table(table).status == "pending"


def test_holds_of_tables_end_in_the_same_sweep(provider: FakeProvider, now: datetime) -> None:
    hold_table(now=now)
    hold_table(now=now)

    assert expiry.expire_overdue(now=now + OVER) == 2

    assert set(VipReservation.objects.values_list("status", flat=True)) == {"expired"}


@pytest.mark.parametrize("status", ["held", "expired", *WAYS])
def test_every_state_can_be_reached_and_only_live_ones_keep_the_table(provider: FakeProvider, status: str) -> None:
    table = TableFactory.create()
    reservation_in(provider, status, table)

    if status in ("held", "confirmed", "arrived", "seated"):
        with pytest.raises(TableTaken):
            hold_table(table)
    else:
        assert hold_table(table).status == "pending"


def test_the_database_refuses_an_illegal_move(provider: FakeProvider) -> None:
    reservation = reservation_in(provider, Status.CANCELLED_BY_GUEST)

    with pytest.raises(ProgrammingError), transaction.atomic():
        VipReservation.objects.filter(pk=reservation.pk).update(status="confirmed")


def test_the_database_lets_no_pass_pass_the_party(provider: FakeProvider) -> None:
    reservation = buy_table(provider, size=2)

    with pytest.raises(IntegrityError, match="vip_pass_never_more_than_the_party"), transaction.atomic():
        GuestPass.objects.create(reservation=reservation, number=3, created_at=clock())
    with pytest.raises(IntegrityError, match="vip_reservation_party_covers_its_passes"), transaction.atomic():
        VipReservation.objects.update(party_size=1)


def test_a_table_without_a_hold_is_escalated_not_given(provider: FakeProvider, now: datetime) -> None:
    order = hold_table()
    pay(provider, order)
    VipReservation.objects.update(status="released", closed_at=now)
    checkout.ask_provider(order, now=now)

    assert not fulfilment.try_now(order, now=now)

    assert fresh(order).status == "paid"
    assert "no table held" in order.fulfilment.last_error


def test_a_tables_seats_are_not_refunded_as_single_goods(provider: FakeProvider, now: datetime) -> None:
    party = buy_table(provider)
    seats = list(party.passes.values_list("pk", flat=True))

    with pytest.raises(NothingToRefund):
        refunds.refund_goods(party.order_id, seats, reason=Refund.Reason.OWNER, now=now)

    assert not Refund.objects.exists()
