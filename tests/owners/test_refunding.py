"""Refunds from the console."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from owners.models import OwnerAssignment
from payments import refunds, retrying
from payments.gateways.types import RefundStatus
from payments.models import Refund
from tests.buying import buy, clock
from tests.fakes import FakeProvider
from tests.owners.test_console import act

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def console() -> Client:
    """Return an owner at the console."""
    user = User.objects.create_superuser("rosa", "rosa@example.com", "maguey")
    OwnerAssignment.objects.create(user=user, role="owner")
    client = Client()
    client.force_login(user)
    return client


def test_an_owner_refunds_one_ticket_once(provider: FakeProvider, now: datetime, console: Client) -> None:
    order = buy(provider, quantity=2)
    ticket = order.tickets.get(position=1)

    assert "On its way back: $28.00." in act(console, "tickets_ticket", "refund", ticket.pk)
    assert "Nothing of this can be refunded any more." in act(console, "tickets_ticket", "refund", ticket.pk)
    retrying.run_due(now=now + timedelta(minutes=1))

    assert [refund.amount_cents for refund in provider.refunds.values()] == [2800]
    assert list(order.tickets.order_by("position").values_list("status", flat=True)) == ["void", "valid"]


def test_an_owner_sends_a_failed_refund_again(provider: FakeProvider, now: datetime, console: Client) -> None:
    order = buy(provider)
    provider.refunds_start_as = RefundStatus.FAILED
    [failed] = refunds.refund_order(order.pk, reason=Refund.Reason.OWNER, cause="owner", now=now)
    retrying.run_due(now=now + timedelta(seconds=1))
    provider.refunds_start_as = RefundStatus.SUCCEEDED

    assert "is on its way again" in act(console, "payments_refund", "try_again", failed.pk)
    retrying.run_due(now=clock())

    done = Refund.objects.get(status=Refund.Status.SUCCEEDED)
    assert "needs nothing" in act(console, "payments_refund", "try_again", done.pk)


def test_a_failed_refund_whose_money_went_back_otherwise_says_so(
    provider: FakeProvider, now: datetime, console: Client
) -> None:
    order = buy(provider)
    provider.refunds_start_as = RefundStatus.FAILED
    [failed] = refunds.refund_order(order.pk, reason=Refund.Reason.OWNER, cause="owner", now=now)
    retrying.run_due(now=now + timedelta(seconds=1))
    provider.refunds_start_as = RefundStatus.SUCCEEDED
    refunds.refund_order(order.pk, reason=Refund.Reason.OWNER, cause="by hand", now=now)

    assert "by another way" in act(console, "payments_refund", "try_again", failed.pk)
