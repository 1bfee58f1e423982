from datetime import datetime, timedelta

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client

from payments import bounces, rate_limits, retrying
from payments.models import PaymentFailure
from tests.factories.vip import buy_table, reservation_in
from tests.fakes import FakeProvider
from vip import addresses
from vip.exceptions import NotConfirmed
from vip.models import VipReservation

pytestmark = pytest.mark.django_db(transaction=True)


def send(now: datetime) -> None:
    for seconds in (60, 61):
        retrying.run_due(now=now + timedelta(seconds=seconds))


def test_a_mended_address_gets_the_passes_at_once(
    provider: FakeProvider, now: datetime, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    reservation = buy_table(provider)
    path = f"/tables/{reservation.host_code}/address/"

    answers = [Client().post(path, {"email": "anna@example.com"}, follow=True).content.decode() for _ in range(2)]
    send(now)

    reservation.refresh_from_db()
    assert "Your passes are on their way to anna@example.com." in answers[0]
    assert reservation.host_email == reservation.order.email == "anna@example.com"
    assert reservation.passes.get(number=1).email == "anna@example.com"
    assert [letter.to for letter in mailoutbox] == [["ana@example.com"], ["anna@example.com"]]


def test_a_host_who_has_not_paid_leaves_the_buyers_address_alone(provider: FakeProvider, now: datetime) -> None:
    reservation = buy_table(provider)
    VipReservation.objects.update(host_email="eva@example.com")

    addresses.mend(reservation.pk, email="eve@example.com", now=now)

    reservation.refresh_from_db()
    assert (reservation.host_email, reservation.order.email) == ("eve@example.com", "ana@example.com")


def test_mail_that_came_back_is_shown_with_the_way_to_mend_it(provider: FakeProvider, now: datetime) -> None:
    reservation = buy_table(provider)
    page = f"/tables/{reservation.host_code}/"
    send(now)
    assert "came back" not in Client().get(page).content.decode()

    bounces.note(recipient="ana@example.com", reason="550 no such user", now=now)
    told = Client().get(page).content.decode()
    Client().post(f"{page}address/", {"email": "anna@example.com"})

    assert "Our mail to ana@example.com came back." in told
    assert '<details class="mend" open>' in told
    assert "came back" not in Client().get(page).content.decode()
    assert PaymentFailure.objects.get(error_code="email_bounced").resolved


@pytest.mark.parametrize("typed", ["anna", ""])
def test_an_address_that_cannot_be_is_refused(provider: FakeProvider, typed: str) -> None:
    reservation = buy_table(provider)

    answer = Client().post(f"/tables/{reservation.host_code}/address/", {"email": typed}, follow=True)

    assert "That is not a whole email address." in answer.content.decode()
    reservation.refresh_from_db()
    assert reservation.host_email == "ana@example.com"


def test_a_table_that_is_not_booked_has_no_address_to_mend(provider: FakeProvider, now: datetime) -> None:
    reservation = reservation_in(provider, "held")

    with pytest.raises(NotConfirmed):
        addresses.mend(reservation.pk, email="anna@example.com", now=now)

    assert Client().post(f"/tables/{reservation.host_code}/address/", {"email": "a@example.com"}).status_code == 404


def test_who_mends_too_often_is_asked_to_wait(provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    reservation = buy_table(provider)

    def refuse(*_: str) -> None:
        raise rate_limits.RateLimited

    monkeypatch.setattr(rate_limits, "check", refuse)
    answer = Client().post(f"/tables/{reservation.host_code}/address/", {"email": "a@example.com"}, follow=True)

    assert "You are going a little fast." in answer.content.decode()
    reservation.refresh_from_db()
    assert reservation.host_email == "ana@example.com"
