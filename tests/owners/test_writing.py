"""Letters to guests in an owner's own words."""

from datetime import datetime
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.mail import EmailMultiAlternatives
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from owners import writing
from payments import retrying
from payments.models import Email, Order
from tests.buying import buy, hold
from tests.factories.tickets import EventFactory, TicketTypeFactory
from tests.fakes import FakeProvider
from tests.owners.console import client_of, give_up, owner
from tests.owners.test_failures import failure_in

pytestmark = pytest.mark.django_db(transaction=True)

SENT = {"_form_submitted": "1", "subject": "Your table", "text": "Come at ten.\n\nThe door knows."}


@pytest.fixture
def rosa() -> User:
    return owner("rosa")


@pytest.fixture
def console(rosa: User) -> Client:
    return client_of(rosa)


def post(console: Client, page: str, key: object, **typed: object) -> str:
    address = reverse(f"admin:{page}_email_one", args=[key])
    answer = console.post(address, {"letter": uuid4(), **SENT, **typed}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return answer.headers.get("HX-Redirect", "") or answer.content.decode()


def test_a_guest_gets_a_letter_as_it_was_typed_in_the_clubs_frame(
    console: Client, rosa: User, now: datetime, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    order = hold()
    Order.objects.update(language="es")

    asked = console.get(reverse("admin:payments_order_email_one", args=[order.pk])).content.decode()
    assert "To Ana Ruiz · ana@example.com" in asked
    assert post(console, "payments_order", order.pk) == "/admin/payments/order/"
    retrying.run_due(now=datetime.now(tz=now.tzinfo))

    (letter,) = mailoutbox
    html = str(letter.alternatives[0][0])
    assert (letter.to, letter.subject, letter.reply_to) == (["ana@example.com"], "Your table", ["hola@maguey.example"])
    assert letter.body.startswith("Come at ten.\n\nThe door knows.\n")
    assert "<p>Come at ten.</p>" in html
    assert "Abrir mi pedido" in html
    assert "Auto-Submitted" not in letter.extra_headers
    kept = Email.objects.get()
    assert (kept.order, kept.written_by, kept.context["subject"]) == (order, rosa, "Your table")


def test_what_is_typed_is_text_and_its_subject_one_line(
    console: Client, now: datetime, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    typed = {"subject": "Hello\r\nBcc: all@example.com", "text": "<script>alert(1)</script> & more"}

    post(console, "payments_order", hold().pk, **typed)
    retrying.run_due(now=datetime.now(tz=now.tzinfo))

    (letter,) = mailoutbox
    assert letter.subject == "Hello Bcc: all@example.com"
    assert letter.bcc == []
    assert letter.body.startswith("<script>alert(1)</script> & more\n")
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in str(letter.alternatives[0][0])


def test_a_letter_sent_off_twice_goes_once(console: Client) -> None:
    order, letter = hold(), uuid4()

    for _ in range(2):
        post(console, "payments_order", order.pk, letter=letter)
    post(console, "payments_order", order.pk)

    assert Email.objects.count() == 2


def test_a_letter_is_neither_empty_nor_endless(console: Client, now: datetime) -> None:
    order = hold()

    assert "This field is required." in post(console, "payments_order", order.pk, text=" ")
    assert "at most 4000 characters" in post(console, "payments_order", order.pk, text="x" * 4001)
    assert "at most 120 characters" in post(console, "payments_order", order.pk, subject="x" * 121)
    assert not Email.objects.exists()
    writing.write_to_guest(
        order=order, recipient=order.email, subject="x" * 300, text="y" * 5000,
        by_id=User.objects.get().pk, letter_id=uuid4(), now=now,
    )  # fmt: skip
    assert {name: len(value) for name, value in Email.objects.get().context.items()} == {"subject": 120, "text": 4000}


def test_the_guest_behind_a_failure_is_written_to(provider: FakeProvider, console: Client, now: datetime) -> None:
    order = give_up(provider, TicketTypeFactory.create(), now=now)

    post(console, "payments_paymentfailure", order.failures.get().pk)

    assert Email.objects.get(kind="written").order == order


def test_a_failure_without_an_order_has_its_address_or_nobody(console: Client) -> None:
    known = failure_in(None, customer_email="luz@example.com")
    nobody = failure_in(None)

    post(console, "payments_paymentfailure", known.pk)

    assert "There is nobody to write to." in post(console, "payments_paymentfailure", nobody.pk)
    letter = Email.objects.get()
    assert (letter.recipient, letter.order) == ("luz@example.com", None)


def test_a_letter_without_an_order_goes_too(
    console: Client, now: datetime, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    post(console, "payments_paymentfailure", failure_in(None, customer_email="luz@example.com").pk)
    retrying.run_due(now=datetime.now(tz=now.tzinfo))

    assert [(letter.to, letter.subject) for letter in mailoutbox] == [(["luz@example.com"], "Your table")]


def test_nobody_writes_to_guests_of_anothers_night(provider: FakeProvider) -> None:
    order = buy(provider)
    other = client_of(owner("other", event=EventFactory.create()))

    answer = other.post(reverse("admin:payments_order_email_one", args=[order.pk]), {"letter": uuid4(), **SENT})

    assert answer.status_code == 404
    assert not Email.objects.filter(kind="written").exists()


def test_a_written_letter_has_an_author_and_no_other_has(rosa: User, now: datetime) -> None:
    for kind, author in (("written", None), ("tickets_ready", rosa)):
        with pytest.raises(IntegrityError, match="payments_email_written_exactly_by_somebody"), transaction.atomic():
            Email.objects.create(kind=kind, cause="x", recipient="a@example.com", created_at=now, written_by=author)

    assert not Email.objects.exists()
