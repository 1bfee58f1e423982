"""Every kind of trouble: each owner concerned is told once, by email and in the console, and once again."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core.mail import EmailMultiAlternatives

from owners import alerts, attempts, watch
from owners.models import Alert, FailedSignIn
from payments import checkout, expiry, refunds, retrying
from payments.exceptions import GatewayRefused
from payments.gateways.types import IntentStatus
from payments.models import Email, PaymentFailure, ProviderCall, Refund, WebhookEvent
from tests.buying import buy, clock, come_back, hold, intent_of, knock, pay, start, tell
from tests.factories.tickets import EventFactory, TicketTypeFactory
from tests.fakes import FakeProvider, dispute_object, event_body
from tests.owners.console import client_of, give_up, owner
from tickets.models import Event

pytestmark = pytest.mark.django_db(transaction=True)

Cause = Callable[[FakeProvider, datetime], None]
FAR = timedelta(hours=10)


def fulfilment_exhausted(provider: FakeProvider, now: datetime) -> None:
    give_up(provider, TicketTypeFactory.create(event=noche()), now=now)


def late_payment_refunded(provider: FakeProvider, now: datetime) -> None:
    type_ = TicketTypeFactory.create(event=noche(), capacity=2)
    order = hold(type_)
    payment = start(order)
    provider.fail_next("cancel_intent")
    expiry.expire_order(order.pk, now=now + timedelta(minutes=36))
    buy(provider, type_, quantity=2)
    provider.pay(intent_of(payment))
    checkout.ask_provider(order, now=now)


def double_payment_refunded(provider: FakeProvider, now: datetime) -> None:
    order = hold(TicketTypeFactory.create(event=noche()))
    first = start(order)
    checkout.close_payment(first, now=now)
    pay(provider, order)
    come_back(order)
    provider.set_status(intent_of(first), IntentStatus.OPEN)  # the bank's word comes after all
    provider.pay(intent_of(first))
    assert tell(provider, first, "payment_intent.succeeded") == 200


def refund_failed(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider, TicketTypeFactory.create(event=noche()))
    provider.fail_next("refund", error=GatewayRefused("no funds", provider_code="balance_insufficient"))
    refunds.refund_order(order.pk, reason=Refund.Reason.OWNER, cause="asked", now=now)
    retrying.run_due(now=now + timedelta(seconds=1))


def dispute(provider: FakeProvider, now: datetime) -> None:
    order = buy(provider, TicketTypeFactory.create(event=noche()))
    id_ = provider.dispute(intent_of(order.payments.get()))
    assert knock(event_body("charge.dispute.created", dispute_object(provider.disputes[id_]))) == 200
    retrying.run_due(now=now + timedelta(seconds=5))


def amount_mismatch(provider: FakeProvider, now: datetime) -> None:
    order = hold(TicketTypeFactory.create(event=noche()))
    provider.pay(intent_of(start(order)), cents=100)
    checkout.ask_provider(order, now=now)


def webhook_backlog(provider: FakeProvider, now: datetime) -> None:
    received = now - timedelta(minutes=6)
    WebhookEvent.objects.create(
        provider="stripe", event_id="evt_waits", type="x", payload={}, status="failed", received_at=received
    )
    watch.look_around(now=now)


def webhook_silence(provider: FakeProvider, now: datetime) -> None:
    type_ = TicketTypeFactory.create(event=noche(), capacity=50)
    for _ in range(3):
        buy(provider, type_)
    watch.look_around(now=clock())


def email_delivery_failing(provider: FakeProvider, now: datetime) -> None:
    for number in range(3):
        Email.objects.create(kind="x", cause=f"c{number}", recipient="a@example.com", created_at=now, attempts=3)
    watch.look_around(now=now)


def provider_unreachable(provider: FakeProvider, now: datetime) -> None:
    for number in range(3):
        ProviderCall.objects.create(
            operation_type="intent_create", operation_id=str(number), key=f"k{number}", state="unknown",
            created_at=now, last_used_at=now,
        )  # fmt: skip
    watch.look_around(now=now)


def sign_in_attack(provider: FakeProvider, now: datetime) -> None:
    for number in range(20):
        attempts.keep(f"root{number}", step=FailedSignIn.Step.PASSWORD, address="203.0.113.9", now=now)
    watch.look_around(now=now)


def noche() -> Event:
    """Return the night it is about."""
    return Event.objects.filter(slug="noche").first() or EventFactory.create(slug="noche")


@dataclass(frozen=True)
class Kind:
    """What causes it, what its email is called, where it leads, and whether it is of one night."""

    cause: Cause
    title: str
    page: str = "/admin/payments/paymentfailure/{}/change/"
    is_of_one_night: bool = False


KINDS = [
    Kind(fulfilment_exhausted, "Paid, no tickets: ana@example.com", is_of_one_night=True),
    Kind(late_payment_refunded, "Paid after the hold ended: ana@example.com", is_of_one_night=True),
    Kind(double_payment_refunded, "Paid twice: ana@example.com", is_of_one_night=True),
    Kind(refund_failed, "Refund failed: ana@example.com", is_of_one_night=True),
    Kind(dispute, "Disputed by the cardholder: ana@example.com", is_of_one_night=True),
    Kind(amount_mismatch, "Amount differs from the order: ana@example.com", is_of_one_night=True),
    Kind(
        webhook_backlog,
        "Events of the payment service are waiting",
        "/admin/payments/webhookevent/?status__in=pending,processing,failed",
    ),
    Kind(webhook_silence, "Guests pay, and the payment service tells nothing", "/admin/payments/webhookevent/"),
    Kind(email_delivery_failing, "Mail does not go out", "/admin/payments/email/?sent_at__isnull=True"),
    Kind(
        provider_unreachable,
        "The payment service does not answer at all",
        "/admin/payments/providercall/?state__exact=unknown",
    ),
    Kind(sign_in_attack, "Somebody tries to sign in as one of us"),
]


@pytest.fixture
def chief() -> User:
    return owner("chief")


@pytest.fixture
def host() -> User:
    """Return the owner of the night it is about, and leave beside them one of another night."""
    owner("stranger", event=EventFactory.create(slug="otra"))
    return owner("host", event=noche())


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.cause.__name__)
def test_each_owner_concerned_is_told_once_and_once_again(
    provider: FakeProvider, now: datetime, chief: User, mailoutbox: list[EmailMultiAlternatives], kind: Kind
) -> None:
    told = ["chief@example.com", *(["host@example.com"] if kind.is_of_one_night else [])]

    kind.cause(provider, now)
    failure = PaymentFailure.objects.exclude(severity="info").get()
    Email.objects.filter(sent_at=None).update(next_attempt_at=None)  # the guests' own letters are not looked at
    alerts.tell(failure, now)  # the same cause once more
    retrying.run_due(now=now + FAR)
    first = heard(mailoutbox)
    told_before = len(mailoutbox)
    again = [alerts.send_again(now=failure.created_at + timedelta(minutes=minutes)) for minutes in (29, 31, 62)]
    retrying.run_due(now=now + FAR)
    second = heard(mailoutbox[told_before:])

    assert (again, Alert.objects.filter(channel="console").count()) == ([0, 1, 0], 1)
    assert first == [(address, f"[Maguey] {kind.title}") for address in told]
    assert second == [(address, f"[Maguey] Still open: {kind.title}") for address in told]
    link = kind.page.format(failure.pk)
    assert {leads_to(letter) for letter in mailoutbox if letter.to[0] in told} == {link}
    assert client_of(chief).get(link).status_code == 200


def heard(letters: list[EmailMultiAlternatives]) -> list[tuple[str, str]]:
    """Return which of us were written to, and under which title."""
    return sorted((letter.to[0], letter.subject) for letter in letters if letter.to[0] != "ana@example.com")


def leads_to(letter: EmailMultiAlternatives) -> str:
    """Return the page a letter leads to."""
    found = re.search(r"What to do next: http://127.0.0.1:8000(\S+)", str(letter.body))
    assert found
    return found[1]
