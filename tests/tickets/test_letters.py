from datetime import datetime, timedelta

import pytest
from django.core.mail import EmailMultiAlternatives
from django.utils import translation

from payments import refunds, retrying
from payments.models import Email, Refund
from tests.buying import buy
from tests.fakes import FakeProvider
from tickets import finding
from tickets.documents import calendar, pdf, qr

pytestmark = pytest.mark.django_db(transaction=True)


def send_all(now: datetime) -> None:
    retrying.run_due(now=now + timedelta(seconds=5))


def test_the_confirmation_holds_every_ticket(
    provider: FakeProvider, now: datetime, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    order = buy(provider, quantity=3)

    send_all(now)
    send_all(now)

    [letter] = mailoutbox
    names = [attachment[0] for attachment in letter.attachments]
    assert letter.subject == f"Your tickets for {order.event.title}"
    assert letter.to == ["ana@example.com"]
    assert names == [f"maguey-{order.event.slug}.pdf", f"maguey-{order.event.slug}.ics"]
    assert f"/orders/{order.reference}/" in letter.body
    assert "$84.00" in letter.body
    assert letter.extra_headers["Message-ID"].startswith(f"<{Email.objects.get().pk}@")
    assert Email.objects.get().sent_at is not None


def test_a_refund_and_the_way_back_are_written(
    provider: FakeProvider, now: datetime, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    order = buy(provider)
    finding.send_links("ana@example.com", now=now)
    refunds.refund_order(order.pk, reason=Refund.Reason.OWNER, cause="c", now=now)

    send_all(now)
    send_all(now)

    subjects = {letter.subject for letter in mailoutbox}
    assert f"Your way back to {order.event.title}" in subjects
    assert f"Your money for {order.event.title} is on its way back" in subjects


def test_what_a_guest_typed_is_data_in_the_pdf(provider: FakeProvider) -> None:
    order = buy(provider, quantity=2)
    order.name = '#panic("x") */ ] $ \\ "'
    order.save(update_fields=["name"])

    document = pdf.order_pdf(order)

    assert document[:5] == b"%PDF-"


def test_a_qr_code_says_what_it_is() -> None:
    with translation.override("en"):
        assert "<title>QR code of a ticket</title>" in qr.svg("abc")
    assert qr.png("abc")[:4] == b"\x89PNG"


def test_the_calendar_entry_is_the_same_one_again(provider: FakeProvider) -> None:
    order = buy(provider)

    assert calendar.order_calendar(order) == calendar.order_calendar(order)
    assert f"UID:{order.pk}@maguey".encode() in calendar.order_calendar(order)
