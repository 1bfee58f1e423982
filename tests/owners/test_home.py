from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from owners import evening, home, scope, takings
from owners.models import Alert, OwnerAssignment
from payments.models import Fulfilment, PaymentFailure, Refund
from payments.refunds import refund_order
from tests.buying import GUEST, buy, clock, fresh, hold
from tests.factories.tickets import EventFactory, TicketTypeFactory
from tests.factories.vip import TableFactory
from tests.fakes import FakeProvider
from tests.owners.console import busy_night, client_of, doors_tonight, hire, owner
from tests.owners.test_console import given_up
from vip import changing, tables
from vip.booking import Party
from vip.models import VipReservation

pytestmark = pytest.mark.django_db(transaction=True)

QUERIES = 18


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss", "boss@example.com", "maguey"))
    return client


def test_the_home_shows_money_without_a_ticket_and_retries_it(
    provider: FakeProvider, now: datetime, admin: Client
) -> None:
    order = given_up(provider, now)

    page = admin.get("/admin/").content.decode()

    assert 'Money without a ticket <span class="count count--bad">1</span>' in page
    assert order.email in page
    assert Alert.objects.get(channel="console").title in page
    admin.post("/admin/payments/order/", {"action": "retry_fulfilment", "_selected_action": [str(order.pk)]})
    assert Fulfilment.objects.get(order=fresh(order)).round == 2


def test_the_home_asks_as_often_for_three_busy_nights_as_for_one(provider: FakeProvider) -> None:
    night = busy_night(provider, doors_at=doors_tonight())
    console = client_of(owner())

    with CaptureQueriesContext(connection) as for_one:
        console.get("/admin/")
    for slug in ("b", "c"):
        tables.lay_out(TicketTypeFactory.create(event=EventFactory.create(slug=slug, doors_at=night.doors_at)).event)
    with CaptureQueriesContext(connection) as for_three:
        page = console.get("/admin/")

    assert len(page.context["home"]["nights"]) == 3
    assert (len(for_one), len(for_three)) == (QUERIES, QUERIES)


def test_takings_are_what_came_in_and_what_was_promised_back(provider: FakeProvider, now: datetime) -> None:
    back, failed = buy(provider), buy(provider)
    for order in (back, failed):
        refund_order(order.pk, reason=Refund.Reason.OWNER, cause=str(order.pk), now=now)
    Refund.objects.filter(payment__order=failed).update(status="failed", failed_at=now, next_attempt_at=None)
    table = TableFactory.create(event=back.event)
    host = owner("host")
    walk_in = changing.sell_to_walk_in(
        table.pk, party=Party(2), buyer=GUEST, paid_by=VipReservation.Provider.CASH, by_id=host.pk, now=now
    )

    figures = takings.of_nights(scope.conditions(host), now=clock())

    came = back.total_cents + failed.total_cents + walk_in.total_cents
    assert [(total.cents, total.back_cents) for total in figures.totals] == [(came, back.total_cents)] * 3
    other = takings.of_nights(scope.conditions(owner("other", event=EventFactory.create())), now=now)
    assert other.by_day.is_empty


def test_an_owner_sees_the_trouble_of_their_own_nights_only(provider: FakeProvider, now: datetime) -> None:
    order = given_up(provider, now)
    mine, other = owner("mine", event=order.event), owner("other", event=EventFactory.create())
    OwnerAssignment.objects.create(user=other, role="door", event=order.event)

    assert [row["order"] for row in home.gather(mine, now=now)["owed"]] == [order]
    assert len(home.gather(mine, now=now)["alerts"]) == 1
    seen = home.gather(other, now=now)
    assert (seen["owed"], seen["owed_count"], list(seen["alerts"])) == ([], 0, [])


def test_staff_without_a_role_for_it_do_not_come_as_far(now: datetime) -> None:
    for user in (User.objects.create_user("nobody", is_staff=True), hire("door", "door")):
        assert client_of(user).get("/admin/").headers["Location"] == "/admin/login/?next=/admin/"


def test_the_figures_of_all_nights_are_for_those_who_run_them_all(now: datetime) -> None:
    for user, shown in ((owner("every"), True), (owner("one", event=EventFactory.create()), False)):
        assert ("Webhooks, the last eight hours" in client_of(user).get("/admin/").text) is shown


def test_failed_payments_of_today_are_counted_in_plain_words(now: datetime, admin: Client) -> None:
    order = hold()
    codes = ("card_declined", "generic_decline", "insufficient_funds")
    for number, code in enumerate((*codes, "insufficient_funds")):
        when = now if number < len(codes) else now - timedelta(days=2)
        PaymentFailure.objects.create(
            cause=str(number), category="declined", severity="info", error_code=code,
            payment_type="ga_ticket", event=order.event, created_at=when,
        )  # fmt: skip

    assert home.failed_today(scope.conditions(User.objects.get()), now=now) == [
        ("The bank refused, without a reason", 2),
        ("Not enough money on the card", 1),
    ]


@pytest.mark.parametrize(("hour", "day"), [(8, 20), (9, 20), (10, 21), (23, 21)])
def test_until_dawn_it_is_still_last_evenings_night(hour: int, day: int) -> None:
    # 10:00 UTC in November is 05:00 in New York.
    doors, dawn = evening.hours(datetime(2026, 11, 21, hour, tzinfo=UTC))

    assert doors == datetime(2026, 11, day, 23, tzinfo=UTC)
    assert dawn - doors == timedelta(hours=11)
