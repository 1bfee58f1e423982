from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from payments import bounces, retrying
from payments.models import Email, PaymentFailure
from tests.buying import buy, clock
from tests.fakes import FakeProvider

pytestmark = pytest.mark.django_db(transaction=True)


def knock(recipient: str, *, sent: str = "maguey:maguey", **changes: Any) -> int:
    """Knock as one mail service does (Postmark's bounce webhook)."""
    told = {
        "RecordType": "Bounce",
        "ID": 42,
        "Type": "HardBounce",
        "Email": recipient,
        "MessageID": "00000000-0000-0000-0000-000000000000",
        "Description": "The server was unable to deliver your message.",
        "Details": "550 no such user",
        "BouncedAt": "2026-11-21T01:02:03Z",
        **changes,
    }
    word = "Basic " + b64encode(sent.encode()).decode()
    answer = Client().post(
        "/anymail/postmark/tracking/", told, content_type="application/json", headers={"Authorization": word}
    )
    return answer.status_code


def test_a_bounce_is_shown_to_the_guest_and_the_owner_once(provider: FakeProvider, client: Client) -> None:
    order = buy(provider)
    retrying.run_due(now=clock() + timedelta(seconds=5))
    page = reverse("tickets:order", args=[order.reference])
    before = client.get(page).content.decode()

    answers = [knock(order.email.upper()) for _ in range(2)]

    assert answers == [200, 200]
    letter = Email.objects.get()
    assert (letter.bounced_at is not None, "550" in letter.bounce_reason or "deliver" in letter.bounce_reason) == (
        True, True
    )  # fmt: skip
    failure = PaymentFailure.objects.get()
    assert (failure.error_code, failure.order, failure.resolved) == ("email_bounced", order, False)
    shown = client.get(page).content.decode()
    assert "came back" not in before
    assert f"Our mail to {order.email} came back" in shown
    assert '<details class="mend" open>' in shown


def test_another_address_puts_it_right(provider: FakeProvider, client: Client) -> None:
    order = buy(provider)
    retrying.run_due(now=clock() + timedelta(seconds=5))
    knock(order.email)

    client.post(reverse("tickets:mend", args=[order.reference]), {"email": "ana.ruiz@example.com"})

    assert PaymentFailure.objects.get().resolved
    page = client.get(reverse("tickets:order", args=[order.reference])).content.decode()
    assert "came back" not in page


def test_an_address_we_never_wrote_to_changes_nothing(provider: FakeProvider) -> None:
    buy(provider)
    retrying.run_due(now=clock() + timedelta(seconds=5))

    assert knock("nobody@example.com") == 200
    assert knock("ana@example.com", RecordType="Open", Type="Open") == 200
    assert knock("ana@example.com", RecordType="SpamComplaint", Type="SpamComplaint") == 200

    assert not PaymentFailure.objects.exists()
    assert Email.objects.get().bounced_at is None


def test_a_knock_without_the_secret_is_refused(provider: FakeProvider) -> None:
    order = buy(provider)
    retrying.run_due(now=clock() + timedelta(seconds=5))

    assert knock(order.email, sent="maguey:wrong") == 400
    assert Email.objects.get().bounced_at is None


def test_a_letter_of_long_ago_is_left_alone(provider: FakeProvider) -> None:
    order = buy(provider)
    Email.objects.update(sent_at=clock() - timedelta(days=15), next_attempt_at=None)

    assert bounces.note(recipient=order.email, reason="x", now=clock()) == 0


def test_a_letter_without_an_order_is_noted_without_a_failure() -> None:
    Email.objects.create(kind="x", cause="x", recipient="a@example.com", created_at=clock(), sent_at=clock())

    assert bounces.note(recipient="a@example.com", reason="x\x00y", now=clock()) == 1
    assert (Email.objects.get().bounce_reason, PaymentFailure.objects.exists()) == ("xy", False)
