from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, ProgrammingError, connection, transaction

from maguey.samples import Samples
from payments import checkout, fulfilment, orders, purging, refunds, retrying
from payments.gateways import stripe_events
from payments.models import Email, Fulfilment, Order, Payment, PaymentFailure, Refund, WebhookEvent
from tests.buying import buy, clock, come_back, fresh, hold, pay, start, tell
from tests.factories.vip import buy_table
from tests.fakes import FakeProvider
from tickets import addresses
from tickets.models import Ticket, TicketReservation
from vip import cancelling, passes
from vip.models import GuestPass, VipReservation

in_commits = pytest.mark.django_db(transaction=True)
RECORDS = [model for model in apps.get_models() if hasattr(model, "pgh_tracked_model")]


def record_of(model: type) -> Any:  # Any: made by the library, one for each model
    return model.pgh_event_model  # type: ignore[attr-defined]  # the library's own


def kept(model: type, *fields: str) -> list[tuple[Any, ...]]:
    """Return what was recorded of a model, in order."""
    return list(record_of(model).objects.order_by("pgh_id").values_list("pgh_label", *fields))


@pytest.mark.django_db
def test_a_record_is_neither_changed_nor_deleted() -> None:
    samples = Samples()
    for model in RECORDS:
        row = samples.row(model)
        table = model._meta.db_table
        for statement in (f"UPDATE {table} SET pgh_label = 'other'", f"DELETE FROM {table}"):  # noqa: S608 (our own)
            with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
                run("SET LOCAL ROLE NONE", statement)
            for role in ("maguey_web", "maguey_worker"):
                with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                    run(f"SET LOCAL ROLE {role}", statement)
        assert model.objects.get(pk=row.pk).pgh_label == row.pgh_label


def run(*statements: str) -> None:
    """Run statements as they are."""
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.mark.django_db
def test_a_change_made_by_those_who_serve_is_recorded() -> None:
    order = hold()

    run("SET LOCAL ROLE maguey_web", "UPDATE orders SET email = 'b@example.com'", "RESET ROLE")

    assert [label for (label,) in kept(Order)] == ["placed", "readdressed"]
    assert order.email != fresh(order).email


def test_no_name_and_no_address_is_copied_into_a_record() -> None:
    personal = {"name", "email", "phone", "recipient", "holder_name", "holder_email", "host_name", "context", "guests"}

    copied = {(model._meta.db_table, field.name) for model in RECORDS for field in model._meta.fields}

    assert not {(table, name) for table, name in copied if name in personal}
    assert ("records_of_emails", "last_error") not in copied


@in_commits
def test_an_orders_life_is_recorded_from_hold_to_tickets(provider: FakeProvider) -> None:
    order = hold()
    orders.extend_hold(order.pk, now=clock())
    pay(provider, order)
    come_back(order)
    addresses.mend(order.pk, email="ana.ruiz@example.com", now=clock())

    assert kept(Order, "status") == [
        ("placed", "pending"),
        ("extended", "pending"),
        ("moved", "paid"),
        ("moved", "fulfilled"),
        ("readdressed", "fulfilled"),
    ]
    assert kept(Payment, "status") == [("started", "started"), ("moved", "succeeded")]
    first, extended = record_of(Order).objects.order_by("pgh_id")[:2]
    assert extended.expires_at - first.expires_at == timedelta(minutes=10)


@in_commits
def test_what_only_keeps_books_is_not_recorded(provider: FakeProvider) -> None:
    order = buy(provider)
    buy_table(provider)

    assert kept(Fulfilment) == kept(Ticket) == kept(TicketReservation) == []
    assert kept(VipReservation) == kept(GuestPass) == []
    assert fresh(order).fulfilment.attempts == 1


@in_commits
def test_a_try_that_failed_is_recorded_with_its_error_and_the_next(provider: FakeProvider) -> None:
    order = hold()
    order.ticket_reservations.update(status="released")
    pay(provider, order)
    come_back(order)
    next_try = order.fulfilment.next_attempt_at
    order.ticket_reservations.update(status="pending")
    fulfilment.retry(order, now=clock())
    come_back(order)

    (tried, afresh) = record_of(Fulfilment).objects.order_by("pgh_id")
    assert (tried.pgh_label, tried.attempts, tried.next_attempt_at) == ("tried", 1, next_try)
    assert "holds 0 places" in tried.last_error
    assert (afresh.pgh_label, afresh.attempts) == ("afresh", 0)
    assert fresh(order).status == Order.Status.FULFILLED


@in_commits
def test_a_refund_is_recorded_from_promise_to_arrival(provider: FakeProvider) -> None:
    order = buy(provider)
    refunds.refund_order(order.pk, reason=Refund.Reason.OWNER, cause="test", now=clock())
    provider.fail_next("refund")
    retrying.run_due(now=clock())
    retrying.run_due(now=clock() + timedelta(minutes=1))

    assert kept(Refund, "status", "attempts") == [
        ("promised", "pending", 0),
        ("tried", "pending", 1),
        ("moved", "submitted", 2),
        ("moved", "succeeded", 2),
    ]
    assert kept(Ticket, "status", "position") == [("moved", "void", 1), ("moved", "void", 2)]
    assert kept(TicketReservation, "status", "quantity") == [("moved", "released", 2)]


@in_commits
def test_a_letter_is_recorded_when_it_fails_and_when_it_goes(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.core.mail import EmailMultiAlternatives

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no mail server")

    buy(provider)
    with monkeypatch.context() as patched:
        patched.setattr(EmailMultiAlternatives, "send", refuse)
        retrying.run_due(now=clock())
    retrying.run_due(now=clock() + timedelta(minutes=1))

    assert kept(Email, "attempts") == [("tried", 1), ("sent", 2)]


@in_commits
def test_a_failure_is_recorded_when_it_comes_and_when_it_is_put_right(provider: FakeProvider) -> None:
    order = hold()
    start(order)
    provider.decline("pi_1")
    checkout.ask_provider(order, now=clock())
    provider.pay("pi_1")
    come_back(order)

    assert kept(PaymentFailure, "order", "resolved") == [
        ("recorded", order.pk, False),
        ("resolved", order.pk, True),
    ]


@in_commits
def test_a_party_and_its_seats_are_recorded(provider: FakeProvider) -> None:
    reservation = buy_table(provider, size=2)
    passes.name_seat(reservation.pk, 2, name="Luz", now=clock())
    passes.reissue(reservation.pk, 2, now=clock())
    cancelling.cancel_by_venue(reservation.pk, reason="Leak", by_id=None, now=clock())

    assert kept(VipReservation, "status") == [("moved", "cancelled_by_venue")]
    assert sorted(kept(GuestPass, "number", "status")) == [
        ("moved", 1, "void"),
        ("moved", 2, "void"),
        ("named", 2, "valid"),
        ("renewed", 2, "valid"),
    ]


@in_commits
def test_records_outlive_the_holds_they_are_of(provider: FakeProvider) -> None:
    order = hold()
    long_ago = clock() - timedelta(days=40)
    TicketReservation.objects.update(status="released", expires_at=long_ago)
    Order.objects.update(status="expired", closed_at=long_ago)

    assert ("ticket_reservations", 1) in list(purging.purge(now=clock()))

    assert kept(TicketReservation, "order", "quantity") == [("moved", order.pk, 2)]


@in_commits
def test_what_an_event_is_about_is_kept(provider: FakeProvider) -> None:
    payment = pay(provider, hold())
    tell(provider, payment, "payment_intent.succeeded")
    tell(provider, payment, "payment_intent.created")

    assert set(WebhookEvent.objects.values_list("about", "status")) == {("pi_1", "processed"), ("pi_1", "ignored")}


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ({"id": "pi_1", "object": "payment_intent"}, "pi_1"),
        ({"id": "ch_1", "payment_intent": "pi_1"}, "pi_1"),
        ({"id": "cs_1", "payment_intent": None}, "cs_1"),
        ({"id": "re_1", "payment_intent": {"id": "pi_1"}}, "pi_1"),
        ({"payment_intent": {}}, ""),
        (["pi_1"], ""),
    ],
)
def test_an_event_is_about_a_payment_however_it_names_it(data: Any, named: str) -> None:
    assert stripe_events.about(data) == named
