from datetime import datetime, timedelta

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client

from payments import retrying
from payments.models import Email
from tests.buying import buy, fresh, hold
from tests.fakes import FakeProvider
from tickets import addresses
from tickets.exceptions import CannotMend

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_mended_address_gets_the_tickets_at_once(
    provider: FakeProvider, now: datetime, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    order = buy(provider)
    page = f"/orders/{order.reference}/address/"

    answers = [Client().post(page, {"email": "anna@example.com"}, follow=True) for _ in range(2)]
    for seconds in (60, 61):
        retrying.run_due(now=now + timedelta(seconds=seconds))

    assert "Your tickets are on their way to anna@example.com." in answers[0].content.decode()
    assert fresh(order).email == "anna@example.com"
    assert [letter.to for letter in mailoutbox] == [["ana@example.com"], ["anna@example.com"]]


def test_an_address_that_cannot_be_is_refused(provider: FakeProvider) -> None:
    order = buy(provider)

    answer = Client().post(f"/orders/{order.reference}/address/", {"email": "anna"}, follow=True)

    assert "This address is not complete." in answer.content.decode()
    assert fresh(order).email == "ana@example.com"
    assert Email.objects.count() == 1


def test_an_order_without_tickets_has_no_address_to_mend(provider: FakeProvider, now: datetime) -> None:
    order = hold()

    with pytest.raises(CannotMend):
        addresses.mend(order.pk, email="anna@example.com", now=now)

    assert Client().post(f"/orders/{order.reference}/address/", {"email": "a@example.com"}).status_code == 404
    assert fresh(order).email == "ana@example.com"
