from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

import manage
from maguey import acting
from owners.models import OwnerAssignment, StaffKey
from payments import actors, tasks
from payments.models import Order
from tests.buying import buy, clock, hold, pay, tell
from tests.factories.tickets import TicketTypeFactory
from tests.factories.vip import TableFactory, buy_table
from tests.fakes import FakeProvider
from tests.tickets.test_views import typed
from tickets.models import TicketReservation
from vip.models import VipReservation

pytestmark = pytest.mark.django_db(transaction=True)


def who(model: type = Order, **found: object) -> list[dict[str, Any]]:
    """Return who is written in a model's records, in order."""
    records = model.pgh_event_model.objects.filter(**found)  # type: ignore[attr-defined]  # the library's own
    return [context or {} for context in records.order_by("pgh_id").values_list("pgh_context", flat=True)]


def without_log(actor: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in actor.items() if name != "log"}


def test_a_guest_is_a_guest_and_costs_no_statement(client: Client) -> None:
    type_ = TicketTypeFactory.create()

    with CaptureQueriesContext(connection) as spent:
        client.post(f"/nights/{type_.event.slug}/buy/", typed(type_))

    (guest,) = who()
    assert without_log(guest) == {"by": "guest"}
    assert len(guest["log"]) == 36
    assert not [query for query in spent if "auth_user" in query["sql"] or "django_session" in query["sql"]]


def test_an_owner_is_named_with_the_button_they_pressed(provider: FakeProvider, client: Client) -> None:
    order = buy(provider)
    owner = User.objects.create_superuser("owner", "owner@example.com", "maguey")
    client.force_login(owner)

    client.post(reverse("admin:payments_order_changelist"), {"action": "refund", "_selected_action": [str(order.pk)]})

    refund = order.payments.get().refunds.get()
    (asked,) = who(type(refund))
    assert without_log(asked) == {"by": "staff", "did": "payments_order_changelist:refund", "user": owner.pk}


def test_a_program_is_named_by_the_person_its_key_speaks_for(provider: FakeProvider, client: Client) -> None:
    order = buy(provider)
    owner = User.objects.create_user("owner", "owner@example.com")
    OwnerAssignment.objects.create(user=owner, role="owner")
    _, key = StaffKey.objects.create_key(name="books", user=owner)

    client.post(
        f"/api/v1/orders/{order.reference}/refunds/",
        {"reason": "requested"},
        content_type="application/json",
        headers={"Authorization": f"Api-Key {key}", "Idempotency-Key": "one"},
    )

    (asked,) = who(type(order.payments.get().refunds.get()))
    assert without_log(asked) == {"by": "key", "did": "order_refunds", "user": owner.pk}


def test_a_program_without_a_key_is_a_guest(client: Client) -> None:
    type_ = TicketTypeFactory.create()
    wanted = {
        "event": type_.event.slug,
        "items": [{"ticket_type": type_.slug, "quantity": 1}],
        "email": "ana@example.com",
        "name": "Ana",
    }

    client.post("/api/v1/orders/", wanted, content_type="application/json", headers={"Idempotency-Key": "one"})

    assert [without_log(actor) for actor in who()] == [{"by": "guest"}]


def test_a_provider_is_named_with_its_event(provider: FakeProvider) -> None:
    tell(provider, pay(provider, hold()), "payment_intent.succeeded", event_id="evt_1")

    assert without_log(who()[-1]) == {"by": "provider", "did": "stripe", "event": "evt_1"}


def test_a_task_is_named_with_its_kind_of_work(provider: FakeProvider) -> None:
    order = hold()
    Order.objects.update(expires_at=order.created_at)

    tasks.expire_holds.apply()
    acting.task_begins("1", tasks.run, ("refund", "x"))
    TicketReservation.objects.update(status="pending")
    acting.task_ends("1")
    TicketReservation.objects.update(status="released")

    assert without_log(who()[-1]) == {"by": "task", "did": "payments.tasks.expire_holds"}
    assert [without_log(actor).get("did", "nobody") for actor in who(TicketReservation)] == [
        "payments.tasks.expire_holds",
        "payments.tasks.run:refund",
        "nobody",
    ]


def test_a_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    Order.objects.filter(pk=hold().pk).update(expires_at="2026-01-01T00:00Z")
    monkeypatch.setattr("sys.argv", ["manage.py", "expire_holds"])

    manage.main()

    assert without_log(who()[-1]) == {"by": "command", "did": "expire_holds"}


def test_an_actor_is_gone_with_its_transaction_and_its_block() -> None:
    with actors.acting(actors.COMMAND, "test"):
        order = hold()
    with transaction.atomic():
        Order.objects.update(email="b@example.com")
    start_of_life, later = who(pgh_obj=order)

    assert start_of_life == {"by": "command", "did": "test"}
    assert later == {}


def test_a_statement_that_names_an_actor_answers_as_if_it_did_not() -> None:
    order = hold()

    with actors.acting(actors.GUEST), connection.cursor() as cursor:
        cursor.execute("UPDATE orders SET name = 'Lu%is' WHERE true RETURNING name")
        answered = cursor.fetchall()
        cursor.execute("UPDATE orders SET phone = %s RETURNING phone", ["5 %"])
        with_parameters = cursor.fetchone()
        cursor.executemany("UPDATE orders SET phone = %s WHERE id = %s", [("1", order.pk)])
        changed = Order.objects.filter(pk=order.pk).update(email="c@example.com")

    assert (answered, with_parameters, changed) == ([("Lu%is",)], ("5 %",), 1)
    assert without_log(who()[-1]) == {"by": "guest"}


def test_door_staff_are_named_where_somebody_is_let_in(provider: FakeProvider, client: Client) -> None:
    seat = buy_table(provider, TableFactory.create(event__doors_at=clock())).passes.get(number=1)
    client.force_login(User.objects.create_superuser("door", "door@example.com", "maguey"))

    client.post(reverse("door:door"), {"code": seat.code})

    (arrived,) = who(VipReservation)
    assert (arrived["by"], arrived["did"]) == ("staff", "door")


def test_a_connection_that_is_made_anew_names_actors_once() -> None:
    connection.close()
    with actors.acting(actors.GUEST):
        hold()

    assert connection.execute_wrappers.count(actors.carry) == 1
    assert [without_log(actor) for actor in who()] == [{"by": "guest"}]
