"""Failures as PostgreSQL itself shows them: raw SQL as each actor, past Django and past every filter of ours."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.http import HttpRequest, StreamingHttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from psycopg.errors import InsufficientPrivilege

from maguey import rows
from owners import resolving
from owners.acting import ActAsWhoIsSignedIn
from owners.models import OwnerAssignment, StaffKey
from payments import failures, identity
from payments.failures import Category, Severity, Trouble
from payments.models import PaymentFailure, WebhookEvent
from tests.buying import buy, fresh, tell
from tests.factories.tickets import EventFactory
from tests.fakes import FakeProvider
from tickets.models import Event

pytestmark = pytest.mark.django_db(transaction=True)

Link = psycopg.Connection[Any]  # Any: rows of any shape


class Club:
    """Two nights with a failure each and one of no night, and everybody who may or may not see them."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.a, self.b = EventFactory.create(), EventFactory.create()
        for cause, night in (("a", self.a), ("b", self.b), ("none", None)):
            self.fail(cause, night)
        self.anna = self.hire("anna", "owner", self.a)
        self.bert = self.hire("bert", "admin", self.b)
        self.every = self.hire("every", "owner", None)
        self.door = self.hire("door", "door", self.a)
        self.gone = self.hire("gone", "owner", self.a, is_active=False)
        self.stranger = User.objects.create_user("stranger")
        self.chief = User.objects.create_superuser("chief")

    def fail(self, cause: str, night: Event | None) -> None:
        PaymentFailure.objects.create(
            cause=cause, category="declined", severity="info", amount_cents=2800,
            payment_type="ga_ticket", event=night, created_at=self.now,
        )  # fmt: skip

    def hire(self, name: str, role: str, night: Event | None, *, is_active: bool = True) -> User:
        user = User.objects.create_user(name, is_staff=True, is_active=is_active)
        OwnerAssignment.objects.create(user=user, role=role, event=night)
        return user


@pytest.fixture
def club(now: datetime) -> Club:
    return Club(now)


@contextmanager
def link(role: str = "maguey_web") -> Iterator[Link]:
    """Open a connection of our own as a role of the product."""
    wanted = {**connection.get_connection_params(), "options": f"-c role={role}"}
    for ours in ("cursor_factory", "context"):
        wanted.pop(ours, None)
    with psycopg.connect(**wanted, autocommit=True) as opened:
        yield opened


@contextmanager
def talk(opened: Link, actor: str, user: User | None = None) -> Iterator[Link]:
    """Say who acts, as SQL would, for one transaction."""
    with opened.transaction():
        words = "SELECT set_config('maguey.actor', %s, true), set_config('maguey.user_id', %s, true)"
        opened.execute(words, [actor, str(user.pk) if user else ""])
        yield opened


def seen(opened: Link) -> set[str]:
    return {row[0] for row in opened.execute("SELECT cause FROM payment_failures")}


def refusal(opened: Link, actor: str, user: User | None, statement: str) -> type[Exception] | None:
    try:
        with talk(opened, actor, user):
            opened.execute(statement)  # type: ignore[call-overload]  # psycopg wants literals
    except psycopg.Error as error:
        return type(error)
    return None


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("anna", {"a"}),
        ("bert", {"b"}),
        ("every", {"a", "b", "none"}),
        ("chief", {"a", "b", "none"}),
        ("door", set()),
        ("gone", set()),
        ("stranger", set()),
    ],
)
def test_each_person_sees_the_failures_of_the_nights_they_run(club: Club, who: str, sees: set[str]) -> None:
    with link() as web, talk(web, "owner", getattr(club, who)):
        assert seen(web) == sees


def test_nobody_sees_nothing_and_the_service_everything(club: Club) -> None:
    with link() as web:
        assert seen(web) == set()
        for actor, user in (("", None), ("", club.chief), ("owner", None), ("odd", club.chief)):
            with talk(web, actor, user):
                assert seen(web) == set()
        with talk(web, "service"):
            assert seen(web) == {"a", "b", "none"}
    with link("maguey_worker") as worker:
        assert seen(worker) == {"a", "b", "none"}


def test_an_owner_resolves_what_is_theirs_and_reaches_nothing_else(club: Club) -> None:
    named = f"resolved = true, resolved_at = now(), resolved_by_id = {club.anna.pk}"
    resolve = f"UPDATE payment_failures SET {named}, resolution_note = 'done'"  # noqa: S608 (our own number)
    with link() as web:
        with talk(web, "owner", club.anna):
            assert web.execute(resolve).rowcount == 1
        with talk(web, "owner", club.anna):
            assert web.execute(f"UPDATE payment_failures SET {named}, resolution_note = 'anew'").rowcount == 0  # noqa: S608 (as above)
        with talk(web, "owner", club.door):
            assert web.execute(resolve).rowcount == 0

    assert list(PaymentFailure.objects.filter(resolved=True).values_list("cause", "resolved_by")) == [
        ("a", club.anna.pk)
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payment_failures SET resolved = true, resolved_at = now(), resolved_by_id = {bert}",
        "UPDATE payment_failures SET resolved = true, resolved_at = now(), resolution_note = 'by nobody'",
        "UPDATE payment_failures SET resolution_note = 'not resolved'",
        "UPDATE payment_failures SET amount_cents = 1",
        "UPDATE payment_failures SET event_id = NULL",
        "UPDATE payment_failures SET resolved = true, resolved_at = now(), resolved_by_id = {anna}, metadata = '[]'",
        "INSERT INTO payment_failures (id) VALUES (gen_random_uuid())",
        "DELETE FROM payment_failures",
        "TRUNCATE payment_failures CASCADE",
        "ALTER TABLE payment_failures DISABLE ROW LEVEL SECURITY",
        "DROP POLICY person_reads ON payment_failures",
    ],
)  # fmt: skip
def test_an_owner_is_refused_everything_else(club: Club, statement: str) -> None:
    before = list(PaymentFailure.objects.order_by("cause").values())

    with link() as web:
        said = refusal(web, "owner", club.anna, statement.format(anna=club.anna.pk, bert=club.bert.pk))

    assert said is InsufficientPrivilege
    assert list(PaymentFailure.objects.order_by("cause").values()) == before


def test_the_service_writes_and_settles_but_never_deletes(club: Club, now: datetime) -> None:
    trouble = Trouble(cause="new", category=Category.DECLINED, severity=Severity.INFO)
    with identity.acting(identity.NOBODY):
        assert failures.record(trouble, now=now)
        assert failures.settle("new", "It went away.", now=now) == 1

    for role in ("maguey_web", "maguey_worker"):
        with link(role) as service:
            for statement in (
                "DELETE FROM payment_failures",
                "TRUNCATE payment_failures CASCADE",
                "UPDATE payment_failures SET amount_cents = 1",
                "UPDATE payment_failures SET cause = 'other'",
            ):
                assert refusal(service, "service", None, statement) is InsufficientPrivilege
    assert PaymentFailure.objects.count() == 4


def test_a_purge_that_forgets_its_condition_is_refused(provider: FakeProvider) -> None:
    order = buy(provider)
    tell(provider, order.payments.get(), "payment_intent.succeeded")

    with link("maguey_worker") as worker:
        for table in ("webhook_events", "orders", "payments", "tickets", "payment_failures"):
            with pytest.raises(psycopg.Error):
                worker.execute(f"DELETE FROM {table}")  # type: ignore[call-overload]  # noqa: S608
            with pytest.raises(InsufficientPrivilege):
                worker.execute(f"TRUNCATE {table} CASCADE")  # type: ignore[call-overload]
    assert fresh(order).status == "fulfilled"
    assert WebhookEvent.objects.count() == 1


def test_an_identity_is_gone_with_its_transaction(club: Club) -> None:
    with link() as web:
        with talk(web, "owner", club.anna):
            assert seen(web) == {"a"}
        assert seen(web) == set()
        with talk(web, "service"):
            assert len(seen(web)) == 3
            raise_back(web)
        assert seen(web) == set()
        assert web.execute("SELECT current_setting('maguey.user_id')").fetchone() == ("",)


def raise_back(web: Link) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero), web.transaction():
        web.execute("SELECT 1 / 0")


def test_grants_are_those_written_down_and_nobody_stands_above_them(as_table_owner: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT grantee, privilege_type, column_name FROM information_schema.column_privileges "
            "WHERE table_name = 'payment_failures' AND grantee <> 'maguey_migrate'"
        )
        columns = set(cursor.fetchall())
        cursor.execute(
            "SELECT grantee, privilege_type, '*' FROM information_schema.table_privileges "
            "WHERE table_name = 'payment_failures' AND grantee <> 'maguey_migrate'"
        )
        tables = set(cursor.fetchall())

    assert tables == {grant for grant in rows.GRANTS if grant[2] == "*"}
    assert {grant for grant in columns if grant[1] == "UPDATE"} == {grant for grant in rows.GRANTS if grant[2] != "*"}
    assert [held for _, held, _ in (rows.granted(), *rows.standing())] == [True, True, True]


# --- through Django, which says who acts ----------------------------------------------------------


def causes() -> set[str]:
    return set(PaymentFailure.objects.values_list("cause", flat=True))


def test_a_query_that_forgets_its_filter_shows_an_owner_only_theirs(club: Club) -> None:
    with identity.acting(identity.person(club.anna.pk)):
        assert causes() == {"a"}
        resolution = {"resolved_at": club.now, "resolved_by_id": club.anna.pk, "resolution_note": "done"}
        assert PaymentFailure.objects.update(resolved=True, **resolution) == 1
    with identity.acting(identity.NOBODY):
        assert causes() == set()


def test_an_identity_is_the_statements_own_whatever_stands_around_it(club: Club, now: datetime) -> None:
    trouble = Trouble(cause="new", category=Category.DECLINED, severity=Severity.INFO)

    with identity.acting(identity.person(club.anna.pk)), transaction.atomic():
        assert causes() == {"a"}
        failures.record(trouble, now=now)
        assert causes() == {"a"}
        with transaction.atomic():
            failures.settle("new", "note", now=now)
            transaction.set_rollback(True)
        assert causes() == {"a"}
        with identity.acting(identity.NOBODY):
            assert causes() == set()

    assert PaymentFailure.objects.get(cause="new").resolved is False


@pytest.mark.parametrize("inside", [False, True])
def test_rows_read_in_parts_and_statements_sent_in_bulk_say_who_acts(club: Club, *, inside: bool) -> None:
    for number in range(5):
        club.fail(f"a{number}", club.a)

    with identity.acting(identity.person(club.anna.pk)):
        if inside:
            with transaction.atomic():
                read = [failure.cause for failure in PaymentFailure.objects.order_by("cause").iterator(chunk_size=2)]
        else:
            read = [failure.cause for failure in PaymentFailure.objects.order_by("cause").iterator(chunk_size=2)]
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE payment_failures SET resolved = true, resolved_at = now(), resolved_by_id = %s, "
                "resolution_note = 'done' WHERE cause = %s",
                [(club.anna.pk, "a"), (club.anna.pk, "b")],
            )

    assert read == ["a", "a0", "a1", "a2", "a3", "a4"]
    assert set(PaymentFailure.objects.filter(resolved=True).values_list("cause", flat=True)) == {"a"}


def test_an_owner_resolves_a_failure_of_their_night_only(club: Club, now: datetime) -> None:
    mine, foreign = PaymentFailure.objects.get(cause="a"), PaymentFailure.objects.get(cause="b")

    with identity.acting(identity.person(club.anna.pk)):
        assert not resolving.resolve(foreign.pk, user=club.anna, now=now, note="Not mine.")
        assert resolving.resolve(mine.pk, user=club.anna, now=now, note="Paid in cash.")

    mine.refresh_from_db()
    assert (mine.resolved_by, mine.resolution_note) == (club.anna, "Paid in cash.")


def test_a_thousand_requests_over_one_connection_never_show_a_foreign_row(club: Club) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()
    wanted = [(club.anna, {"a"}), (club.bert, {"b"}), (club.stranger, set()), (club.every, {"a", "b", "none"})]

    for number in range(1000):
        user, sees = wanted[number % len(wanted)]
        with identity.acting(identity.person(user.pk)):
            assert causes() == sees

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone() == pid


def test_a_thousand_requests_over_a_pool_never_show_a_foreign_row(club: Club) -> None:
    wanted = [(club.anna.pk, {"a"}), (club.bert.pk, {"b"}), (club.stranger.pk, set())]

    def ask(worker: int) -> set[int]:
        pids = set()
        for number in range(250):
            user_id, sees = wanted[(worker + number) % len(wanted)]
            web = connection.copy("pooled")
            web.settings_dict["OPTIONS"] = {**web.settings_dict["OPTIONS"], "pool": {"min_size": 1, "max_size": 2}}
            web.settings_dict["CONN_MAX_AGE"] = 0
            with identity.acting(identity.person(user_id)), web.cursor() as cursor:
                cursor.execute("SELECT cause, pg_backend_pid() FROM payment_failures")
                found = cursor.fetchall()
            assert {cause for cause, _ in found} == sees
            pids.update(pid for _, pid in found)
            web.close()
        return pids

    with ThreadPoolExecutor(4) as threads:
        used = set().union(*threads.map(ask, range(4)))
    pooled = connection.copy("pooled")
    pooled.settings_dict["OPTIONS"] = {**pooled.settings_dict["OPTIONS"], "pool": True}
    pooled.close_pool()

    assert 1 <= len(used) <= 2


def test_each_request_of_the_console_acts_as_who_is_signed_in(club: Club) -> None:
    for user, sees in ((club.chief, True), (club.stranger, False), (club.chief, True)):
        client = Client()
        client.force_login(user)
        page = client.get(reverse("admin:payments_paymentfailure_changelist"))
        assert (page.status_code == 200) is sees
    assert len(causes()) == 3


def test_an_answer_written_bit_by_bit_is_written_as_who_asked(club: Club) -> None:
    def answer(request: HttpRequest) -> StreamingHttpResponse:
        identity.become(identity.person(club.anna.pk))
        return StreamingHttpResponse(failure.cause for failure in PaymentFailure.objects.iterator())

    with identity.acting(identity.NOBODY):
        streamed = ActAsWhoIsSignedIn(answer)(RequestFactory().get("/"))
        assert causes() == set()
        assert isinstance(streamed, StreamingHttpResponse)
        assert b"".join(streamed) == b"a"  # type: ignore[arg-type]  # not an asynchronous one
        assert causes() == set()


def test_a_program_of_the_api_acts_as_the_person_of_its_key(club: Club) -> None:
    key, _ = StaffKey.objects.create_key(name="till", user=club.anna)[::-1]

    answer = Client().get(reverse("api:failures"), headers={"Authorization": f"Api-Key {key}"})

    assert [found["id"] for found in answer.json()["results"]] == [str(PaymentFailure.objects.get(cause="a").pk)]
