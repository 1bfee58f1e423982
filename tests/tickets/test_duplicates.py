from datetime import datetime, timedelta

import pytest
from django.core.management import call_command

from payments.models import Order, PaymentFailure
from tests.buying import buy
from tests.factories.tickets import TicketTypeFactory
from tests.fakes import FakeProvider
from tickets import duplicates, tasks
from tickets.models import Ticket, TicketType

pytestmark = pytest.mark.django_db(transaction=True)


def add(order: Order, position: int, now: datetime, *, type_: TicketType | None = None) -> Ticket:
    return Ticket.objects.create(
        order=order,
        event_id=order.event_id,
        ticket_type=type_ or order.tickets.first().ticket_type,  # type: ignore[union-attr]  # it has two
        position=position,
        created_at=now + timedelta(minutes=position),
    )


def test_surplus_tickets_are_voided_and_the_earliest_stay(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider, quantity=2)
    extra = [add(order, 3, now), add(order, 4, now)]

    assert duplicates.find_surplus() == [order.pk]
    found = duplicates.void_surplus(order.pk, now=now)

    assert set(found.ticket_ids) == {ticket.pk for ticket in extra}
    assert sorted(order.tickets.exclude(status="void").values_list("position", flat=True)) == [1, 2]
    assert PaymentFailure.objects.get().error_code == "duplicate_tickets"
    assert order.ticket_reservations.get().ticket_type.sold == 2
    assert duplicates.find_surplus() == []


def test_the_admitted_stays(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider, quantity=2)
    admitted = add(order, 3, now)
    admitted.move_to(Ticket.Status.ADMITTED, now=now)

    duplicates.void_surplus(order.pk, now=now)

    assert sorted(order.tickets.exclude(status="void").values_list("position", flat=True)) == [1, 3]


def test_places_that_were_counted_for_duplicates_return(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider, quantity=2)
    add(order, 3, now)
    TicketType.objects.update(sold=3)

    duplicates.void_surplus(order.pk, now=now)

    assert TicketType.objects.get().sold == 2


def test_a_type_that_was_not_bought_is_surplus(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider, quantity=1)
    other = TicketTypeFactory.create(event=order.event)
    add(order, 2, now, type_=other)

    tasks.dedupe_tickets()

    assert order.tickets.get(position=2).status == "void"


def test_the_command_names_what_it_voided(
    provider: FakeProvider, now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    order = buy(provider, quantity=1)
    add(order, 2, now)

    call_command("dedupe_tickets")
    call_command("dedupe_tickets")

    assert capsys.readouterr().out.splitlines() == [f"{order.pk}: 1 voided", "No duplicates."]


def test_an_order_in_order_is_left_alone(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider, quantity=2)

    assert duplicates.void_surplus(order.pk, now=now).ticket_ids == ()
    assert not PaymentFailure.objects.exists()
