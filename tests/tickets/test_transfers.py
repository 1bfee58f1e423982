from datetime import datetime, timedelta

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client

from payments import refunds, retrying
from payments.models import Email, Refund
from tests.buying import buy, mark_on
from tests.fakes import FakeProvider
from tests.threads import all_at_once
from tickets import addresses, cancelling, door, finding, transfers
from tickets.documents import pdf
from tickets.door import Verdict
from tickets.exceptions import CannotGive
from tickets.models import Event, Ticket, TicketTransfer

pytestmark = pytest.mark.django_db(transaction=True)


def ticket_of(provider: FakeProvider, *, position: int = 1) -> Ticket:
    return buy(provider).tickets.get(position=position)


def give(ticket: Ticket, name: str = "Eva", *, giver: str | None = None, now: datetime) -> Ticket:
    return transfers.give(ticket.pk, name=name, email=f"{name.lower()}@example.com", giver=giver, now=now)


def at_the_door(code: str) -> Verdict:
    tonight = Event.objects.get().doors_at
    return door.admit_guest(code, user_id=None, now=tonight).verdict


def test_the_old_code_dies_at_once_and_the_new_one_lets_one_person_in(provider: FakeProvider, now: datetime) -> None:
    ticket = ticket_of(provider)

    given = give(ticket, now=now)

    assert given.pk == ticket.pk
    assert given.code != ticket.code
    assert (given.holder_name, given.holder_email) == ("Eva", "eva@example.com")
    assert at_the_door(ticket.code) is Verdict.VOID
    assert at_the_door(given.code) is Verdict.ADMITTED
    assert at_the_door(given.code) is Verdict.ALREADY_IN
    assert TicketTransfer.objects.get().old_code == ticket.code


def test_a_given_ticket_takes_no_place_and_makes_none(provider: FakeProvider, now: datetime) -> None:
    ticket = ticket_of(provider)

    give(ticket, now=now)

    type_ = ticket.ticket_type
    type_.refresh_from_db()
    assert (type_.held, type_.sold, Ticket.objects.count()) == (0, 2, 2)


def test_the_buyer_no_longer_has_what_they_gave(provider: FakeProvider, now: datetime) -> None:
    ticket = ticket_of(provider)
    base = f"/orders/{ticket.order.reference}/"
    assert Client().get(f"{base}tickets/1.svg").status_code == 200

    give(ticket, now=now)

    page = Client().get(base).content.decode()
    assert "Given to Eva" in page
    assert "tickets/1.svg" not in page
    assert "tickets/2.svg" in page
    assert Client().get(f"{base}tickets/1.svg").status_code == 404
    assert [page["place"] for page in pdf.pages_of(ticket.order)] == ["Ticket 2 of 2"]
    with pytest.raises(CannotGive):
        give(ticket, "Isa", giver=None, now=now)


def test_a_friend_has_a_page_of_their_own_and_may_give_it_on(provider: FakeProvider, now: datetime) -> None:
    given = give(ticket_of(provider), now=now)
    page = f"/tickets/{given.holder_reference}/"

    words = Client().get(page).content.decode()
    answer = Client().post(f"{page}give/", {"name": "Isa", "email": "isa@example.com"}, follow=True)

    assert "Eva" in words
    assert given.order.reference not in words
    assert "The ticket is Isa’s now." in answer.content.decode()
    given.refresh_from_db()
    assert given.holder_name == "Isa"
    assert Client().get(page).status_code == 404
    assert Client().get(f"/tickets/{given.holder_reference}/code.svg").headers["Content-Type"] == "image/svg+xml"
    assert TicketTransfer.objects.count() == 2


def test_both_are_written_to_and_the_friend_never_sees_the_order(
    provider: FakeProvider, now: datetime, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    given = give(ticket_of(provider), now=now)
    for seconds in (5, 10):
        retrying.run_due(now=now + timedelta(seconds=seconds))

    to_friend = next(letter for letter in mailoutbox if letter.to == ["eva@example.com"])
    to_buyer = next(letter for letter in mailoutbox if "Eva’s now" in letter.subject)
    assert to_friend.subject == "Ana Ruiz gave you a ticket for Noche de Cumbia"
    assert f"/tickets/{given.holder_reference}/" in to_friend.body
    assert given.order.reference not in to_friend.body + str(to_friend.alternatives[0][0])
    assert to_buyer.to == ["ana@example.com"]


def test_a_friend_finds_their_ticket_by_their_own_address(provider: FakeProvider, now: datetime) -> None:
    give(ticket_of(provider), now=now)

    assert finding.send_links("EVA@example.com", now=now + timedelta(hours=1)) == 0

    assert Email.objects.filter(kind=transfers.RECEIVED, recipient__iexact="eva@example.com").count() == 2


@pytest.mark.parametrize("state", ["admitted", "void", "over", "refunded"])
def test_what_cannot_be_used_cannot_be_given(provider: FakeProvider, now: datetime, state: str) -> None:
    ticket = ticket_of(provider)
    if state in ("admitted", "void"):
        ticket.move_to(Ticket.Status(state), now=now)
    if state == "refunded":
        refunds.refund_order(ticket.order_id, reason=Refund.Reason.OWNER, cause="c", now=now)
        retrying.run_due(now=now + timedelta(seconds=1))
    when = ticket.event.ends_at if state == "over" else now

    with pytest.raises(CannotGive):
        give(ticket, now=when)

    assert Ticket.objects.get(pk=ticket.pk).code == ticket.code


def test_an_order_given_away_whole_has_no_pdf(
    provider: FakeProvider, now: datetime, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    order = buy(provider)
    for ticket in order.tickets.all():
        give(ticket, now=now)
    addresses.mend(order.pk, email="anna@example.com", now=now)
    for seconds in (60, 61):
        retrying.run_due(now=now + timedelta(seconds=seconds))

    to_anna = next(letter for letter in mailoutbox if letter.to == ["anna@example.com"])
    assert [attachment[0] for attachment in to_anna.attachments] == [f"maguey-{order.event.slug}.ics"]
    assert Client().get(f"/orders/{order.reference}/tickets.pdf").status_code == 404


def test_ten_gifts_at_once_are_one(provider: FakeProvider, now: datetime) -> None:
    ticket = ticket_of(provider)

    answers = all_at_once(10, lambda n: give(ticket, f"Eva{n}", now=now))

    assert sum(isinstance(answer, Ticket) for answer in answers) == 1
    assert sum(isinstance(answer, CannotGive) for answer in answers) == 9


def test_a_gift_and_the_door_at_once_never_let_two_in(provider: FakeProvider, now: datetime) -> None:
    ticket = ticket_of(provider)

    all_at_once(2, lambda n: give(ticket, now=now) if n else at_the_door(ticket.code))

    ticket.refresh_from_db()
    assert not (ticket.status == "admitted" and ticket.is_given)


def test_the_form_says_what_is_missing_and_keeps_what_was_typed(provider: FakeProvider) -> None:
    ticket = ticket_of(provider)
    address = f"/orders/{ticket.order.reference}/tickets/1/give/"
    assert "Give a ticket" in Client().get(address).content.decode()

    answer = Client().post(address, {"name": "Eva", "email": "eva"})

    assert answer.status_code == 422
    assert 'value="Eva"' in answer.content.decode()
    assert Client().post(address, {"name": "Eva", "email": "eva@example.com"}).headers["Location"].endswith("/")
    assert not cancelling.quote(ticket.order, now=ticket.created_at)


def test_giving_pressed_twice_gives_once_and_says_so_twice(provider: FakeProvider) -> None:
    order = buy(provider)
    address = f"/orders/{order.reference}/tickets/1/give/"
    form = {"name": "Eva", "email": "eva@example.com", "press": mark_on(address)}

    answers = all_at_once(5, lambda _: Client().post(address, form))
    shown = Client().post(address, form, follow=True).content.decode()

    assert {answer["Location"] for answer in answers if not isinstance(answer, Exception)} == {
        f"/orders/{order.reference}/"
    }
    assert "The ticket is Eva’s now" in shown
    assert TicketTransfer.objects.count() == 1


def test_giving_on_pressed_twice_gives_once_though_the_page_is_gone(provider: FakeProvider, now: datetime) -> None:
    given = give(ticket_of(provider), now=now)
    address = f"/tickets/{given.holder_reference}/give/"
    form = {"name": "Isa", "email": "isa@example.com", "press": mark_on(address)}

    first, again = Client().post(address, form), Client().post(address, form)

    assert (first["Location"], again["Location"]) == ("/", "/")
    assert TicketTransfer.objects.count() == 2
    assert Client().post(address, {**form, "press": "another"}).status_code == 404
