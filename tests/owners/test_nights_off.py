from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from payments import retrying
from tests.buying import buy, clock, fresh, hold
from tests.factories.tickets import EventFactory, TicketTypeFactory
from tests.fakes import FakeProvider
from tickets.models import Event, NightChange, NightRefund

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
