"""A connection whose server has gone is noticed without a question; one that is there is asked nothing."""

import select

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories.tickets import EventFactory
from tickets.models import Event

pytestmark = pytest.mark.django_db(transaction=True)


def begin_a_request() -> None:
    """Have the connection looked at before its next statement, as a new request does."""
    connection.close_if_unusable_or_obsolete()
    connection.health_check_done = False


def let_the_server_close_it() -> None:
    """Have the server close the connection, as one that restarts does, and wait for the word of it."""
    with connection.cursor() as cursor:
        cursor.execute("SET idle_session_timeout = 1")
    select.select([connection.connection], [], [], 10)


def test_a_connection_that_is_there_is_asked_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    EventFactory.create()
    begin_a_request()
    monkeypatch.setattr("django.db.backends.postgresql.base.DatabaseWrapper.is_usable", lambda _: pytest.fail("asked"))

    with CaptureQueriesContext(connection) as asked:
        assert Event.objects.count() == 1

    assert len(asked) == 1


def test_a_connection_that_the_server_has_closed_is_made_anew() -> None:
    EventFactory.create()
    let_the_server_close_it()

    begin_a_request()

    assert Event.objects.count() == 1


def test_a_word_of_the_servers_is_no_reason_to_leave() -> None:
    connection.ensure_connection()
    before = connection.connection
    with connection.cursor() as cursor:
        cursor.execute("LISTEN maguey")
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("NOTIFY maguey")
    other.close()
    select.select([before], [], [], 10)

    begin_a_request()

    assert Event.objects.count() == 0
    assert connection.connection is before


def test_no_connection_is_no_use() -> None:
    connection.close()

    assert not connection.is_usable()
