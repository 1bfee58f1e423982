"""Codes, terms and waiting lists in the console."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.factories.tickets import EventFactory, TicketTypeFactory
from tickets.models import PromoCode

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def console() -> Client:
    """Return an owner at the console."""
    client = Client()
    client.force_login(User.objects.create_superuser("rosa", "rosa@example.com", "maguey"))
    return client


def test_an_owner_makes_a_code_and_cannot_delete_it(console: Client) -> None:
    event = EventFactory.create()
    form = {"event": event.pk, "code": "CUMBIA10", "percent": "10", "is_active": "on"}

    made = console.post(reverse("admin:tickets_promocode_add"), form, follow=True)
    promo = PromoCode.objects.get()
    deleted = console.post(reverse("admin:tickets_promocode_delete", args=[promo.pk]), {"post": "yes"})

    assert (made.status_code, promo.code, promo.percent) == (200, "CUMBIA10", 10)
    assert deleted.status_code == 403
    assert "10 %" in console.get(reverse("admin:tickets_promocode_changelist")).text


def test_a_code_that_takes_off_two_ways_is_refused_kindly(console: Client) -> None:
    form = {"code": "BOTH", "percent": "10", "amount_cents": "500", "is_active": "on"}

    answer = console.post(reverse("admin:tickets_promocode_add"), form)

    assert "Give a percentage from 1 to 90, or an amount." in answer.text
    assert not PromoCode.objects.exists()


def test_an_amount_is_written_as_money(console: Client) -> None:
    PromoCode.objects.create(code="FIVE", amount_cents=500, capacity=3)

    page = console.get(reverse("admin:tickets_promocode_changelist")).text

    assert "$5.00" in page
    assert "0 / 3" in page


def test_a_nights_page_has_its_terms(console: Client) -> None:
    event = TicketTypeFactory.create().event

    page = console.get(reverse("admin:tickets_event_change", args=[event.pk])).text

    assert "refund_policy-0-part_percent" in page or "refund_policy-__prefix__-part_percent" in page
