from datetime import datetime, timedelta
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.urls import reverse

from payments import retrying
from payments.exceptions import GatewayUnavailable
from payments.gateways.types import IntentStatus
from payments.models import Order, PaymentFailure, Refund
from payments.money import format_cents
from tests.buying import buy, clock, fresh, hold, intent_of, start
from tests.factories.tickets import EventFactory, TicketTypeFactory
from tests.factories.vip import TableFactory, buy_table, hold_table
from tests.fakes import FakeProvider
from tickets import cancelling, nights
from tickets.exceptions import DatesOutOfOrder, NightIsOff, ReasonNeeded
from tickets.models import Event, NightChange, NightRefund, TicketType
from tickets.nights import Dates
from vip import policy
from vip.models import VipReservation

pytestmark = pytest.mark.django_db(transaction=True)
WHY = "The roof leaks."


@pytest.fixture
def now() -> datetime:
    return clock()


def in_weeks(event: Event, weeks: int) -> Dates:
    later = timedelta(weeks=weeks)
    return Dates(event.doors_at + later, event.starts_at + later, event.ends_at + later)


def work(now: datetime, *, minutes: int) -> None:
    retrying.run_due(now=now + timedelta(minutes=minutes))


def test_a_night_called_off_gives_everybody_their_money_back(provider: FakeProvider, now: datetime) -> None:
    owner = User.objects.create_user("owner")
    type_ = TicketTypeFactory.create(capacity=10)
    tickets = buy(provider, type_)
    table = buy_table(provider, TableFactory.create(event=type_.event))
    unpaid = hold(type_)

    owed = nights.cancel_night(type_.event.pk, reason=f" {WHY} ", by_id=owner.pk, now=now)
    again = nights.cancel_night(type_.event.pk, reason=WHY, by_id=owner.pk, now=now)
    work(now, minutes=1)
    work(now, minutes=2)

    assert (owed, again) == (3, 0)
    assert [fresh(order).status for order in (tickets, table.order, unpaid)] == ["refunded", "refunded", "cancelled"]
    paid = tickets.total_cents + table.order.total_cents
    assert sum(Refund.objects.values_list("amount_cents", flat=True)) == paid
    assert sorted(NightRefund.objects.values_list("back_cents", flat=True)) == sorted(
        [0, tickets.total_cents, table.order.total_cents]
    )
    assert not NightRefund.objects.filter(done_at=None).exists()
    change = NightChange.objects.get()
    assert (change.kind, change.note, change.by, change.doors_were_at) == (
        "cancelled", WHY, owner, type_.event.doors_at
    )  # fmt: skip
    assert (TicketType.objects.get().held, TicketType.objects.get().sold) == (0, 0)


def test_one_order_that_cannot_be_helped_holds_up_no_other(provider: FakeProvider, now: datetime) -> None:
    type_ = TicketTypeFactory.create(capacity=10)
    paying = hold(type_)
    start(paying)
    paid = buy(provider, type_)
    with patch.object(provider, "cancel_intent", side_effect=GatewayUnavailable("silence")):
        nights.cancel_night(type_.event.pk, reason=WHY, now=now)
        for minutes in (1, 2, 4, 20, 60, 120):
            work(now, minutes=minutes)

    assert fresh(paid).status == "refunded"
    stuck = NightRefund.objects.get(order=paying)
    assert (stuck.done_at, stuck.next_attempt_at, stuck.attempts) == (None, None, 6)
    failure = PaymentFailure.objects.get(error_code="night_refund_failed")
    assert (failure.severity, failure.resolved, failure.order) == ("critical", False, paying)


def test_what_failed_can_be_tried_again(provider: FakeProvider, now: datetime) -> None:
    type_ = TicketTypeFactory.create(capacity=10)
    paying = hold(type_)
    start(paying)
    with patch.object(provider, "cancel_intent", side_effect=GatewayUnavailable("silence")):
        nights.cancel_night(type_.event.pk, reason=WHY, now=now)
        for minutes in (1, 2, 4, 20, 60, 120):
            work(now, minutes=minutes)
    stuck = NightRefund.objects.get()

    assert nights.retry(stuck.pk, now=now + timedelta(hours=3))
    work(now, minutes=181)

    assert fresh(paying).status == "cancelled"
    stuck.refresh_from_db()
    assert (stuck.round, stuck.done_at is None) == (2, False)
    assert PaymentFailure.objects.get(error_code="night_refund_failed").resolved
    assert not nights.retry(stuck.pk, now=now + timedelta(hours=4))


def test_a_bank_that_decides_is_waited_for_as_long_as_it_takes(provider: FakeProvider, now: datetime) -> None:
    type_ = TicketTypeFactory.create(capacity=10)
    order = hold(type_)
    provider.set_status(intent_of(start(order)), IntentStatus.PROCESSING)

    nights.cancel_night(type_.event.pk, reason=WHY, now=now)
    for hours in range(1, 12):
        work(now, minutes=60 * hours)

    waiting = NightRefund.objects.get()
    assert (waiting.attempts, waiting.next_attempt_at) == (0, now + timedelta(hours=11, minutes=15))
    assert not PaymentFailure.objects.exists()


def test_an_order_written_while_its_night_is_called_off_is_owed_too(provider: FakeProvider, now: datetime) -> None:
    type_ = TicketTypeFactory.create(capacity=10)
    order = hold(type_)
    Event.objects.update(status=Event.Status.CANCELLED, cancelled_at=now)

    assert nights.catch_up(now=now) == 1
    assert nights.catch_up(now=now) == 0
    work(now, minutes=1)

    assert fresh(order).status == "cancelled"


def test_a_table_and_its_passes_go_with_the_night(provider: FakeProvider, now: datetime) -> None:
    table = TableFactory.create()
    party = buy_table(provider, table)
    held = hold_table(TableFactory.create(event=table.event))

    nights.cancel_night(table.event.pk, reason=WHY, now=now)
    work(now, minutes=1)
    work(now, minutes=2)

    party.refresh_from_db()
    assert (party.status, VipReservation.objects.get(order=held).status) == ("cancelled_by_venue", "cancelled_by_venue")
    assert not party.passes.exclude(status="void").exists()


def test_calling_off_needs_a_reason(now: datetime) -> None:
    event = EventFactory.create()

    with pytest.raises(ReasonNeeded):
        nights.cancel_night(event.pk, reason="  ", now=now)

    event.refresh_from_db()
    assert event.status == "published"


def test_a_night_that_moves_keeps_its_tickets_and_gives_everything_back_for_a_while(
    provider: FakeProvider, mailoutbox: list[EmailMultiAlternatives], now: datetime
) -> None:
    type_ = TicketTypeFactory.create(capacity=10)
    event = type_.event
    order = buy(provider, type_)
    party = buy_table(provider, TableFactory.create(event=event), arrives_at=event.doors_at + timedelta(hours=1))
    until = now + timedelta(days=3)

    told = nights.postpone(
        event.pk, in_weeks(event, 2), refunds_until=until, reason=WHY, now=now + timedelta(seconds=1)
    )
    work(now, minutes=1)

    moved = Event.objects.get()
    assert (told, moved.doors_at - event.doors_at, moved.sales_end_at - event.sales_end_at) == (
        2, timedelta(weeks=2), timedelta(weeks=2)
    )  # fmt: skip
    assert fresh(order).tickets.filter(status="valid").count() == 2
    letters = [letter for letter in mailoutbox if "new date" in letter.subject]
    assert len(letters) == 2
    party.refresh_from_db()
    assert party.arrives_at == moved.doors_at + timedelta(hours=1)
    quote = cancelling.quote(fresh(order), now=until - timedelta(seconds=1))
    assert quote is not None
    assert (quote.cents, quote.until) == (order.total_cents, until)
    assert cancelling.quote(fresh(order), now=until) is None
    assert policy.on_cancelling(party, now=until - timedelta(seconds=1)).cents == party.order.total_cents
    cancelling.cancel(order.pk, shown_cents=quote.cents, now=until - timedelta(seconds=1))
    assert Refund.objects.get().amount_cents == order.total_cents


def test_who_bought_for_the_new_date_has_no_window(provider: FakeProvider, now: datetime) -> None:
    type_ = TicketTypeFactory.create(capacity=10)
    nights.postpone(
        type_.event.pk,
        in_weeks(type_.event, 1),
        refunds_until=now + timedelta(days=1),
        reason=WHY,
        now=now - timedelta(minutes=1),
    )

    order = buy(provider, type_)

    assert cancelling.quote(fresh(order), now=now) is None


def test_a_night_does_not_move_to_dates_that_make_no_sense(now: datetime) -> None:
    event = EventFactory.create()
    right = in_weeks(event, 1)
    wrong = [
        (Dates(right.doors_at, event.starts_at, right.ends_at), now + timedelta(days=1)),
        (Dates(right.doors_at, right.starts_at, right.starts_at), now + timedelta(days=1)),
        (Dates(event.doors_at, event.starts_at, event.ends_at), now + timedelta(hours=1)),
        (right, now),
        (right, right.doors_at + timedelta(seconds=1)),
    ]

    for dates, until in wrong:
        with pytest.raises(DatesOutOfOrder):
            nights.postpone(event.pk, dates, refunds_until=until, reason=WHY, now=now)
    nights.cancel_night(event.pk, reason=WHY, now=now)
    with pytest.raises(NightIsOff):
        nights.postpone(event.pk, right, refunds_until=now + timedelta(days=1), reason=WHY, now=now)

    assert Event.objects.get().doors_at == event.doors_at
    assert not Order.objects.exists()


def test_guests_are_shown_the_new_date_and_what_comes_back(provider: FakeProvider, client: Client) -> None:
    type_ = TicketTypeFactory.create(capacity=10)
    event, now = type_.event, clock()
    order = buy(provider, type_)
    party = buy_table(provider, TableFactory.create(event=event))
    nights.postpone(event.pk, in_weeks(event, 2), refunds_until=now + timedelta(days=3), reason=WHY, now=clock())

    ticket_page = client.get(reverse("tickets:order", args=[order.reference])).content.decode()
    host_page = client.get(reverse("vip:host", args=[party.host_code])).content.decode()

    for page, cents in ((ticket_page, order.total_cents), (host_page, party.order.total_cents)):
        assert "This night has moved: it is now on" in page
        assert f"Get {format_cents(cents, 'usd')} back" in page
