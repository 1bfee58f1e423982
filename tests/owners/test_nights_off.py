from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from payments import fulfilment, retrying
from payments.orders import Buyer
from tests.buying import buy, clock, fresh, hold
from tests.factories.tickets import EventFactory, TicketTypeFactory, in_days
from tests.factories.vip import TableFactory, buy_table
from tests.fakes import FakeProvider
from tickets.models import Event, NightChange, NightRefund, RefundPolicy
from vip import changing
from vip.booking import Party
from vip.models import VipReservation

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def console() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("owner", "owner@example.com", "maguey"))
    return client


def typed(moment: object, name: str) -> dict[str, str]:
    day, hour = f"{moment:%Y-%m-%d %H:%M}".split()
    return {f"{name}_0": day, f"{name}_1": hour}


def test_a_night_is_called_off_from_its_page_and_followed(console: Client, provider: FakeProvider) -> None:
    type_ = TicketTypeFactory.create(capacity=10)
    paid = buy(provider, type_)
    hold(type_)
    path = reverse("admin:tickets_event_call_off", args=[type_.event.pk])

    asked = console.get(path).content.decode()
    refused = console.post(path, {"_form_submitted": "on"}).content.decode()
    done = console.post(path, {"_form_submitted": "on", "reason": "The roof leaks."}, follow=True).content.decode()

    assert "Call this night off?" in asked
    assert "This field is required" in refused
    assert "Orders to give back: 2." in done
    assert '<progress value="0" max="2"></progress> 0 done, 2 to do' in done
    retrying.run_due(now=clock() + timedelta(seconds=5))
    retrying.run_due(now=clock() + timedelta(seconds=10))
    assert fresh(paid).status == "refunded"
    followed = console.get(reverse("admin:tickets_nightchange_changelist")).content.decode()
    assert '<progress value="2" max="2"></progress> 2 done' in followed
    assert NightChange.objects.get().by == User.objects.get()


def test_what_failed_is_found_and_tried_again(console: Client) -> None:
    order = hold(TicketTypeFactory.create(capacity=10))
    owed = NightRefund.objects.create(event=order.event, order=order, created_at=clock(), last_error="No answer.")
    path = reverse("admin:tickets_nightrefund_changelist")

    failed = console.get(path, {"stand": "failed"}).content.decode()
    none_done = console.get(path, {"stand": "done"}).content.decode()
    answer = console.post(path, {"action": "try_again", "_selected_action": str(owed.pk)}, follow=True)

    assert "No answer." in failed
    assert "No answer." not in none_done
    assert "Started afresh: 1." in answer.content.decode()
    owed.refresh_from_db()
    assert (owed.round, owed.next_attempt_at is not None) == (2, True)


def test_a_night_is_postponed_from_its_page(console: Client) -> None:
    event = EventFactory.create()
    path = reverse("admin:tickets_event_postpone", args=[event.pk])
    later = timedelta(days=7)
    zone = event.zone
    dates = {
        "_form_submitted": "on",
        "reason": "The roof leaks.",
        **typed((event.doors_at + later).astimezone(zone), "doors_at"),
        **typed((event.starts_at + later).astimezone(zone), "starts_at"),
        **typed((event.ends_at + later).astimezone(zone), "ends_at"),
    }

    asked = console.get(path).content.decode()
    wrong = {**dates, **typed((event.ends_at + later).astimezone(zone), "refunds_until")}
    refused = console.post(path, wrong, follow=True).content.decode()
    right = {**dates, **typed((clock() + timedelta(days=2)).astimezone(zone), "refunds_until")}
    done = console.post(path, right, follow=True).content.decode()

    assert f"{event.doors_at.astimezone(zone):%Y-%m-%d}" in asked
    assert "do not follow one another" in refused
    assert "Moved. Guests who are told by email: 0." in done
    moved = Event.objects.get()
    assert abs(moved.doors_at - event.doors_at - later) < timedelta(minutes=1)


def test_a_night_is_put_on_again_with_types_terms_and_tables(console: Client, provider: FakeProvider) -> None:
    type_ = TicketTypeFactory.create(capacity=10, sales_end_at=in_days(2))
    source = type_.event
    RefundPolicy.objects.create(event=source, part_percent=30)
    table = TableFactory.create(event=source, blocked=True, blocked_reason="lamp")
    buy(provider, type_)
    doors = (source.doors_at + timedelta(days=7)).astimezone(source.zone)
    path = reverse("admin:tickets_event_put_on_again", args=[source.pk])

    done = console.post(path, {"_form_submitted": "on", "slug": "otra", **typed(doors, "doors_at")}, follow=True)
    refused = console.post(path, {"_form_submitted": "on", "slug": "otra", **typed(doors, "doors_at")}, follow=True)

    copy = Event.objects.get(slug="otra")
    assert "A draft: look it over" in done.content.decode()
    assert "has this address already" in refused.content.decode()
    assert (copy.status, copy.title, copy.ends_at - copy.doors_at) == (
        "draft", source.title, source.ends_at - source.doors_at
    )  # fmt: skip
    copied = copy.ticket_types.get()
    assert (copied.sold, copied.held, copied.capacity, copied.slug) == (0, 0, 10, type_.slug)
    assert copied.sales_end_at is not None
    assert abs(copied.sales_end_at - in_days(9)) < timedelta(minutes=2)
    assert copy.refund_policy.part_percent == 30
    again = copy.tables.get()
    assert (again.code, again.blocked, again.price_cents) == (table.code, False, table.price_cents)
    type_.refresh_from_db()
    assert type_.sold == 2


def test_a_nights_tables_are_shown_in_figures_and_on_the_plan(console: Client, provider: FakeProvider) -> None:
    table = TableFactory.create(code="F1")
    buy_table(provider, table, size=4)
    walk_in = TableFactory.create(event=table.event, code="F2")
    paid = VipReservation.Provider.CASH
    guest = Buyer("Beto", "beto@example.com")
    order = changing.sell_to_walk_in(
        walk_in.pk, party=Party(2), buyer=guest, paid_by=paid, by_id=User.objects.get().pk, now=clock()
    )
    fulfilment.try_now(order, now=clock())
    path = reverse("admin:tickets_event_reservations", args=[table.event.pk])

    with CaptureQueriesContext(connection) as queries:
        page = console.get(path).content.decode()

    assert "0 of 6" in page
    assert "$480.00" in page  # the deposit by card, and what was paid in cash
    assert "F1: Taken. F2: Taken." in page
    assert len(queries) <= 20
