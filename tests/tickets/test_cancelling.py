from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError
from django.test import Client

from payments import retrying
from payments.models import Order, Payment, Refund
from tests.buying import buy, fresh, mark_on
from tests.factories.tickets import EventFactory, TicketTypeFactory
from tests.fakes import FakeProvider
from tests.threads import all_at_once
from tickets import cancelling, door, transfers
from tickets.exceptions import CannotCancel, QuoteChanged
from tickets.models import OrderTerms, RefundPolicy, Ticket

pytestmark = pytest.mark.django_db(transaction=True)


def bought(provider: FakeProvider, **terms: object) -> Order:
    """Buy two tickets at 28 dollars for a night a week from now."""
    event = EventFactory.create()
    RefundPolicy.objects.create(event=event, **terms)
    return buy(provider, TicketTypeFactory.create(event=event))


def before(order: Order, hours: float) -> datetime:
    return order.event.doors_at - timedelta(hours=hours)


@pytest.mark.parametrize(
    ("terms", "hours", "cents"),
    [
        ({}, 49, 5600),
        ({}, 48, 2800),
        ({}, 25, 2800),
        ({}, 24, None),
        ({"fees_come_back": False}, 49, 5000),
        ({"part_percent": 33, "fees_come_back": False}, 25, 1650),
        ({"part_percent": 0}, 25, None),
    ],
)
def test_what_comes_back_when(
    provider: FakeProvider, terms: dict[str, object], hours: float, cents: int | None
) -> None:
    order = bought(provider, **terms)

    quote = cancelling.quote(order, now=before(order, hours))

    assert (quote.cents if quote else None) == cents


def test_cancelling_sends_exactly_what_was_shown_and_frees_the_places_once(provider: FakeProvider) -> None:
    order = bought(provider)
    now = before(order, 30)
    page = f"/orders/{order.reference}/"

    refund = cancelling.cancel(order.pk, shown_cents=2800, now=now)
    with pytest.raises(CannotCancel):
        cancelling.cancel(order.pk, shown_cents=2800, now=now)
    for seconds in (1, 2, 3):
        retrying.run_due(now=now + timedelta(seconds=seconds))

    type_ = order.tickets.first().ticket_type  # type: ignore[union-attr]
    assert (type_.held, type_.sold) == (0, 0)
    assert set(order.tickets.values_list("status", flat=True)) == {"void"}
    refund.refresh_from_db()
    assert (refund.amount_cents, refund.status, refund.reason) == (2800, "succeeded", "requested")
    assert [made.amount_cents for made in provider.refunds.values()] == [2800]
    assert Payment.objects.get().refunded_cents == 2800
    words = Client().get(page).content.decode()
    assert "Your money is going back to you" in words
    assert "$28.00, refunded on" in words


def test_all_of_it_back_is_a_refunded_order(provider: FakeProvider) -> None:
    order = bought(provider)
    now = before(order, 60)

    cancelling.cancel(order.pk, shown_cents=5600, now=now)
    for seconds in (1, 2, 3):
        retrying.run_due(now=now + timedelta(seconds=seconds))

    assert fresh(order).status == Order.Status.REFUNDED
    type_ = Ticket.objects.first().ticket_type  # type: ignore[union-attr]
    assert (type_.held, type_.sold) == (0, 0)


def test_an_amount_that_changed_meanwhile_is_shown_again(provider: FakeProvider) -> None:
    order = bought(provider)

    with pytest.raises(QuoteChanged):
        cancelling.cancel(order.pk, shown_cents=5600, now=before(order, 47))

    assert not Refund.objects.exists()
    assert set(order.tickets.values_list("status", flat=True)) == {"valid"}


def test_ten_presses_at_once_send_it_back_once(provider: FakeProvider) -> None:
    order = bought(provider)
    now = before(order, 60)

    answers = all_at_once(10, lambda _: cancelling.cancel(order.pk, shown_cents=5600, now=now))

    assert sum(isinstance(answer, Refund) for answer in answers) == 1
    assert sum(isinstance(answer, CannotCancel) for answer in answers) == 9


def test_an_order_keeps_the_terms_it_was_bought_under(provider: FakeProvider) -> None:
    order = bought(provider)
    RefundPolicy.objects.update(all_until_hours=500, part_percent=10)

    quote = cancelling.quote(order, now=before(order, 30))

    assert quote
    assert quote.cents == 2800
    with pytest.raises(DatabaseError, match="pgtrigger"):
        OrderTerms.objects.update(part_percent=100)


@pytest.mark.parametrize("state", ["no policy", "a guest is in", "given away", "disputed", "void"])
def test_what_cannot_be_cancelled(provider: FakeProvider, now: datetime, state: str) -> None:
    order = buy(provider) if state == "no policy" else bought(provider)
    ticket = order.tickets.order_by("position")[0]
    if state == "a guest is in":
        door.admit_guest(ticket.code, user_id=None, now=before(order, 1))
    if state == "given away":
        transfers.give(ticket.pk, name="Eva", email="eva@example.com", giver=None, now=now)
    if state == "void":
        ticket.move_to(Ticket.Status.VOID, now=now)
    if state == "disputed":
        Order.objects.update(disputed_at=now)

    with pytest.raises(CannotCancel):
        cancelling.cancel(order.pk, shown_cents=5600, now=now)

    assert not Refund.objects.exists()
    page = Client().get(f"/orders/{order.reference}/").content.decode()
    assert "Cancel my tickets" not in page
    assert Client().get(f"/orders/{order.reference}/cancel-tickets/").status_code == 302


def test_a_guest_sees_the_amount_first_and_cancels_for_it(provider: FakeProvider) -> None:
    order = bought(provider)
    page = f"/orders/{order.reference}/cancel-tickets/"

    shown = Client().get(page).content.decode()
    answer = Client().post(page, {"shown_cents": "5600"}, follow=True).content.decode()

    assert "$56.00 comes back" in Client().get(f"/orders/{bought(provider).reference}/").content.decode()
    assert "You get $56.00 back" in shown
    assert 'name="shown_cents" value="5600"' in shown
    assert "Your money is going back to you" in answer
    assert Refund.objects.get().amount_cents == 5600


def test_a_made_up_amount_is_refused(provider: FakeProvider) -> None:
    order = bought(provider)

    answer = Client().post(f"/orders/{order.reference}/cancel-tickets/", {"shown_cents": "999999"}, follow=True)

    assert "has changed meanwhile" in answer.content.decode()
    assert not Refund.objects.exists()


def test_the_night_says_its_terms(provider: FakeProvider) -> None:
    event = EventFactory.create()
    RefundPolicy.objects.create(event=event, fees_come_back=False)

    page = Client().get(f"/nights/{event.slug}/").content.decode()

    assert "Everything back until 48 hours before the doors. 50 % back until 24 hours before. Fees stay paid." in page


def test_the_form_pressed_twice_cancels_once_and_refuses_nobody(provider: FakeProvider, now: datetime) -> None:
    order = bought(provider)
    address = f"/orders/{order.reference}/cancel-tickets/"
    form = {"shown_cents": "5600", "press": mark_on(address)}

    first = Client().post(address, form)
    retrying.run_due(now=now + timedelta(seconds=5))  # the money is back before the second press
    again = Client().post(address, form, follow=True)

    assert first["Location"] == again.redirect_chain[0][0] == f"/orders/{order.reference}/"
    assert "note-error" not in again.content.decode()
    assert Refund.objects.get().amount_cents == 5600
    assert fresh(order).status == Order.Status.REFUNDED
