"""Rows written together, by statements that are made once."""

from datetime import datetime

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from payments.models import Fulfilment, Order, Payment, rows
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

    with pytest.raises(DatabaseError, match="1 of 2 rows"), transaction.atomic():
        rows.write(rows.updated(order, "phone"), rows.updated(stranger, "phone"))

    assert Order.objects.get().phone == ""


def test_a_row_that_is_read_is_as_it_was_saved(provider: FakeProvider) -> None:
    order = buy(provider)

    (found,) = rows.ask(f"SELECT {rows.columns(Order)} FROM orders WHERE id = %s", order.pk)  # noqa: S608 (our own names)
    (read,) = rows.read(found, Order)

    kept = Order.objects.get()
    assert [getattr(read, field.attname) for field in rows.plain_fields(Order)] == [
        getattr(kept, field.attname) for field in rows.plain_fields(Order)
    ]
    assert read.lines == kept.lines  # read when somebody asks for them


def test_a_statement_is_prepared_when_it_comes_again(provider: FakeProvider) -> None:
    order = hold()
    statement = "SELECT reference FROM orders WHERE id = %s AND 'prepared' <> ''"

    assert [rows.ask(statement, order.pk) for _ in range(3)] == [[(order.reference,)]] * 3

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", ["%'prepared' <> ''%"])
        assert cursor.fetchone() == (1,)
