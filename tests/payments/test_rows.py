"""Rows written together, by statements that are made once."""

from datetime import datetime
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.forms import model_to_dict
from django.test.utils import CaptureQueriesContext

from payments.models import Fulfilment, Order, Payment, rows
from payments.models.rows import Write
from tests.buying import buy, hold, start
from tests.fakes import FakeProvider

pytestmark = pytest.mark.django_db(transaction=True)


def test_rows_are_written_together(provider: FakeProvider, now: datetime) -> None:
    order = hold()
    payment = start(order)
    order.phone, payment.told_by = "+1 555 0100", "evt_1"
    promised = Fulfilment(order=order, created_at=now, next_attempt_at=now)

    with CaptureQueriesContext(connection) as asked:
        rows.write(rows.updated(order, "phone"), rows.updated(payment, "told_by"), rows.inserted(promised))

    assert len(asked) == 1
    assert Order.objects.get().phone == "+1 555 0100"
    assert Payment.objects.get().told_by == "evt_1"
    assert Fulfilment.objects.get().created_at == now


def test_none_is_written_where_one_is_not_there(provider: FakeProvider) -> None:
    order = hold()
    order.phone = "+1 555 0100"
    stranger = Order(pk="00000000-0000-4000-8000-000000000000", phone="+1 555 0199")

    missing = rows.updated(stranger, "phone")
    with pytest.raises(rows.RowMissing, match="UPDATE") as caught:
        rows.commit(rows.updated(order, "phone"), missing, rows.updated(order, "language"))

    assert caught.value.write is missing
    assert Order.objects.get().phone == ""


def test_a_row_that_is_not_needed_may_be_missing(provider: FakeProvider) -> None:
    order = hold()
    order.phone = "+1 555 0100"
    nowhere = Write("UPDATE orders SET phone = '' WHERE id = %s", (uuid4(),), is_needed=False)

    with CaptureQueriesContext(connection) as asked:
        rows.commit(nowhere, rows.updated(order, "phone"))

    assert len(asked) == 1
    assert Order.objects.get().phone == "+1 555 0100"


def test_what_a_constraint_refuses_is_not_called_missing(provider: FakeProvider) -> None:
    order = hold()

    with pytest.raises(IntegrityError) as caught:
        rows.commit(rows.inserted(order))

    assert not isinstance(caught.value, rows.RowMissing)


def test_a_commit_of_its_own_is_refused_inside_another(provider: FakeProvider) -> None:
    order = hold()

    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        rows.commit(rows.updated(order, "phone"))


@pytest.mark.django_db(transaction=False)
def test_a_tests_own_transaction_holds_a_commit(now: datetime) -> None:
    order = hold()
    order.phone = "+1 555 0100"

    rows.commit(rows.updated(order, "phone"))

    assert Order.objects.get().phone == "+1 555 0100"


def test_a_row_that_is_read_is_as_it_was_saved(provider: FakeProvider) -> None:
    order = buy(provider)

    (found,) = rows.ask(f"SELECT {rows.columns(Order)} FROM orders WHERE id = %s", order.pk)  # noqa: S608 (our own names)
    (read,) = rows.read(found, Order)

    kept = Order.objects.get()
    assert read.get_deferred_fields() == set()
    assert model_to_dict(read) == model_to_dict(kept)
    assert read.created_at == kept.created_at


def test_a_statement_is_prepared_when_it_comes_again(provider: FakeProvider) -> None:
    order = hold()
    statement = "SELECT reference FROM orders WHERE id = %s AND 'prepared' <> ''"

    assert [rows.ask(statement, order.pk) for _ in range(3)] == [[(order.reference,)]] * 3

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", ["%'prepared' <> ''%"])
        assert cursor.fetchone() == (1,)
