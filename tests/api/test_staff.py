from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from owners.models import OwnerAssignment, StaffKey
from payments import idempotency
from payments.models import IdempotencyKey, PaymentFailure, Refund
from tests.buying import buy, clock, fresh, hold, pay
from tests.factories.tickets import EventFactory, TicketTypeFactory, in_days
from tests.factories.vip import TableFactory, buy_table
from tests.fakes import FakeProvider
from tests.owners.console import hire
from tests.threads import all_at_once
from tickets.models import Event

pytestmark = pytest.mark.django_db(transaction=True)


def key_of(user: User, **fields: Any) -> str:
    _, key = StaffKey.objects.create_key(name="till", user=user, **fields)
    return key


@pytest.fixture
def chief() -> str:
    user = User.objects.create_user("chief")
    OwnerAssignment.objects.create(user=user, role="owner")
    return key_of(user)


def owner_of(event: Event, *, role: str = "owner") -> str:
    user = User.objects.create_user(f"{role} of {event.slug}")
    OwnerAssignment.objects.create(user=user, role=role, event=event)
    return key_of(user)


def get(path: str, key: str = "", **query: str) -> Any:
    return Client().get(f"/api/v1/{path}", query, headers={"Authorization": f"Api-Key {key}"} if key else {})


def post(path: str, body: Any, key: str, *, once: str = "k1") -> Any:
    headers = {"Authorization": f"Api-Key {key}", "Idempotency-Key": once}
    return Client().post(f"/api/v1/{path}", body, content_type="application/json", headers=headers)


DATES = {
    "doors_at": in_days(10).isoformat(),
    "starts_at": in_days(10.1).isoformat(),
    "ends_at": in_days(10.3).isoformat(),
    "sales_start_at": in_days(-1).isoformat(),
    "sales_end_at": in_days(10.2).isoformat(),
}


def plan(**changes: Any) -> dict[str, Any]:
    return {
        "slug": "noche-nueva",
        "title": "Noche Nueva",
        **DATES,
        "status": "published",
        "ticket_types": [{"slug": "general", "name": "General", "price_cents": 2500, "fee_cents": 300, "capacity": 50}],
        **changes,
    }


# --- who comes in ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["orders/", "refunds/", "failures/", "events/noche/reservations/"])
def test_nobody_comes_in_without_a_key(path: str) -> None:
    answer = get(path)

    assert (answer.status_code, answer.json()["code"], answer["WWW-Authenticate"]) == (
        401, "not_authenticated", "Api-Key"
    )  # fmt: skip


def test_a_key_that_ended_or_never_was_lets_nobody_in(chief: str) -> None:
    user = User.objects.get()
    ended = key_of(user, revoked=True)
    late = key_of(user, expiry_date=clock() - timedelta(seconds=1))
    right_word = get("orders/", chief)
    keys = [ended, late, "nothing", chief + "x", "a\x00b", f"{chief} "[1:]]

    answers = [get("orders/", key).status_code for key in keys]
    User.objects.update(is_active=False)

    assert right_word.status_code == 200
    assert answers == [401] * len(keys)
    assert get("orders/", chief).status_code == 401


def test_a_doors_key_runs_nothing() -> None:
    event = EventFactory.create()

    answer = get("orders/", owner_of(event, role="door"))

    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


def test_when_a_key_was_used_is_known_to_the_minute(chief: str) -> None:
    get("orders/", chief)
    first = StaffKey.objects.get().last_used_at
    get("orders/", chief)

    assert first is not None
    assert StaffKey.objects.get().last_used_at == first


def test_a_key_sees_its_own_nights_only(provider: FakeProvider) -> None:
    mine, theirs = buy(provider), buy(provider)
    key = owner_of(mine.event)
    PaymentFailure.objects.create(
        cause="x",
        category="declined",
        severity="info",
        payment_type="ga_ticket",
        event=theirs.event,
        created_at=clock(),
    )

    seen = [order["reference"] for order in get("orders/", key).json()["results"]]
    other = PaymentFailure.objects.get().pk

    assert seen == [mine.reference]
    assert get("failures/", key).json()["results"] == []
    assert post(f"failures/{other}/resolve/", {"note": "x"}, key).status_code == 404
    assert post(f"orders/{theirs.reference}/refunds/", {}, key, once="k2").status_code == 404
    assert get(f"events/{theirs.event.slug}/reservations/", key).status_code == 404
    assert not Refund.objects.exists()


def test_too_many_requests_are_told_when_to_come_back(chief: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maguey.api.views.PER_KEY", "2/minute")

    answers = [get(path, chief) for path in ("refunds/", "orders/", "events/")]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2]["Retry-After"]) >= 1
    assert get("events/").status_code == 200


def test_no_other_site_may_read_an_answer(chief: str) -> None:
    answer = Client().get("/api/v1/events/", headers={"Origin": "https://elsewhere.example"})

    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


# --- nights ---------------------------------------------------------------------------------------


def test_a_night_is_put_on_with_types_and_tables_once(chief: str) -> None:
    first, again = post("events/", plan(), chief), post("events/", plan(), chief)

    assert (first.status_code, first.json()) == (201, again.json())
    assert again["Idempotent-Replayed"] == "true"
    night = Event.objects.get()
    assert (night.ticket_types.get().all_in_cents, night.tables.count()) == (2800, 26)
    assert [type_["available"] for type_ in first.json()["ticket_types"]] == [50]


def test_a_key_purged_long_ago_makes_no_second_night(chief: str) -> None:
    first = post("events/", plan(), chief)
    IdempotencyKey.objects.all().delete()

    again = post("events/", plan(), chief)

    assert (again.status_code, again.json()["slug"], Event.objects.count()) == (201, first.json()["slug"], 1)


def test_fifty_equal_requests_make_one_night(chief: str) -> None:
    answers = all_at_once(50, lambda _: post("events/", plan(), chief))

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"idempotency_key_in_use"}
    assert post("events/", plan(), chief).status_code == 201
    assert (Event.objects.count(), Event.objects.get().tables.count()) == (1, 26)


def test_a_crash_between_night_and_tables_is_mended_by_the_same_key(
    chief: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("vip.tables.lay_out", lambda night, remember: 1 / 0)
        assert post("events/", plan(), chief).status_code == 500

    mended = post("events/", plan(), chief)

    assert (mended.status_code, len(mended.json()["tables"]), Event.objects.count()) == (201, 26, 1)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"ends_at": in_days(10).isoformat(), "starts_at": in_days(11).isoformat()}, 422, "dates_out_of_order"),
        ({"sales_end_at": in_days(-2).isoformat()}, 422, "dates_out_of_order"),
        ({"slug": "taken"}, 409, "slug_taken"),
        ({"title": " "}, 422, "invalid"),
        ({"ticket_types": [plan()["ticket_types"][0]] * 2}, 422, "invalid"),
    ],
)
def test_a_night_that_cannot_be_is_refused(chief: str, changes: dict[str, Any], status: int, code: str) -> None:
    EventFactory.create(slug="taken")

    answer = post("events/", plan(**changes), chief)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert Event.objects.count() == 1


def test_who_runs_single_nights_puts_on_none() -> None:
    answer = post("events/", plan(), owner_of(EventFactory.create()))

    assert (answer.status_code, Event.objects.count()) == (403, 1)


# --- orders and refunds ---------------------------------------------------------------------------


def test_orders_are_found_page_by_page(provider: FakeProvider, chief: str) -> None:
    type_ = TicketTypeFactory.create()
    references = [hold(type_, quantity=1).reference for _ in range(5)]

    seen: list[str] = []
    page = get("orders/", chief, limit="2").json()
    hold(type_, quantity=1)  # what is added meanwhile moves nothing
    while True:
        seen += [order["reference"] for order in page["results"]]
        if page["next"] is None:
            break
        page = Client().get(page["next"], headers={"Authorization": f"Api-Key {chief}"}).json()

    assert seen == references[::-1]


def test_orders_are_filtered(provider: FakeProvider, chief: str) -> None:
    paid, waiting = buy(provider), hold()

    def found(**asked: str) -> list[str]:
        return [order["reference"] for order in get("orders/", chief, **asked).json()["results"]]

    assert found(status="fulfilled") == [paid.reference]
    assert found(event=waiting.event.slug) == [waiting.reference]
    assert found(email="ANA@example.com", status="pending") == [waiting.reference]
    assert found(email="nobody@example.com") == []
    assert found(kind="vip_reservation") == []
    assert found(created_from=(clock() + timedelta(hours=1)).isoformat()) == []
    assert len(found(created_to=(clock() + timedelta(hours=1)).isoformat())) == 2


@pytest.mark.parametrize(
    "asked", [{"status": "odd"}, {"created_from": "yesterday"}, {"colour": "red"}, {"email": "no"}, {"event": "ü ü"}]
)
def test_a_filter_that_makes_no_sense_is_refused(chief: str, asked: dict[str, str]) -> None:
    answer = get("orders/", chief, **asked)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_filter")


@pytest.mark.parametrize("position", [b"nonsense", b"p=yesterday", b"p=2026-01-01\x00", b"p=1&o=9999999", b"o=-1"])
def test_a_cursor_that_is_none_of_ours_is_refused(chief: str, position: bytes) -> None:
    hold()

    answer = get("orders/", chief, cursor=b64encode(position).decode())

    assert answer.status_code in {200, 400}
    assert answer.status_code == 200 or answer.json()["code"] == "bad_filter"


def test_an_order_goes_back_whole_once(provider: FakeProvider, chief: str) -> None:
    order = buy(provider)
    path = f"orders/{order.reference}/refunds/"

    first, again = post(path, {}, chief), post(path, {}, chief)
    more = post(path, {}, chief, once="k2")

    assert (first.status_code, first.json()["amount_cents"]) == (201, order.total_cents)
    assert again.json() == first.json()
    assert (more.status_code, more.json()["code"]) == (409, "nothing_to_refund")
    assert Refund.objects.get().amount_cents == order.total_cents
    assert [refund["order"] for refund in get("refunds/", chief, event=order.event.slug).json()["results"]] == [
        order.reference
    ]


def test_one_ticket_goes_back_once(provider: FakeProvider, chief: str) -> None:
    order = buy(provider, quantity=3)
    path = f"orders/{order.reference}/refunds/"

    first = post(path, {"tickets": [2]}, chief)
    again = post(path, {"tickets": [2]}, chief, once="k2")

    assert (first.status_code, first.json()["amount_cents"]) == (201, 2800)
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_refund")
    assert fresh(order).status == "fulfilled"


def test_an_unpaid_order_has_nothing_to_send_back(chief: str) -> None:
    answer = post(f"orders/{hold().reference}/refunds/", {}, chief)

    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_refund")


def test_one_callers_key_says_nothing_to_another(provider: FakeProvider, chief: str) -> None:
    order = buy(provider)
    other = owner_of(order.event)
    post(f"orders/{order.reference}/refunds/", {"tickets": [1]}, chief)

    answer = post(f"orders/{order.reference}/refunds/", {"tickets": [1]}, other)

    assert (answer.status_code, "Idempotent-Replayed" in answer) == (409, False)


def test_fifty_equal_refunds_send_the_money_once(provider: FakeProvider, chief: str) -> None:
    order = buy(provider)

    answers = all_at_once(50, lambda _: post(f"orders/{order.reference}/refunds/", {}, chief))

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert Refund.objects.get().amount_cents == order.total_cents


# --- failures -------------------------------------------------------------------------------------


def failure_in(event: Event, **fields: Any) -> PaymentFailure:
    values = {"category": "fulfilment", "severity": "critical", "payment_type": "ga_ticket", "created_at": clock()}
    return PaymentFailure.objects.create(
        cause=f"c{PaymentFailure.objects.count()}", event=event, **{**values, **fields}
    )


def test_failures_come_unresolved_first_and_are_resolved_with_a_note(chief: str) -> None:
    event = EventFactory.create()
    old = failure_in(event, created_at=clock() - timedelta(days=1))
    failure_in(event, resolved=True, resolved_at=clock(), resolution_note="done", category="declined")

    listed = get("failures/", chief).json()["results"]
    resolved = post(f"failures/{old.pk}/resolve/", {"note": "Called the guest."}, chief)

    assert [failure["resolved"] for failure in listed] == [False, True]
    assert (resolved.status_code, resolved.json()["resolved"]) == (200, True)
    old.refresh_from_db()
    assert (old.resolution_note, old.resolved_by) == ("Called the guest.", User.objects.get())
    assert get("failures/", chief, resolved="false", event=event.slug).json()["results"] == []
    assert len(get("failures/", chief, category="declined", resolved="true").json()["results"]) == 1


def test_a_delivery_is_tried_afresh(provider: FakeProvider, chief: str) -> None:
    order = hold()
    pay(provider, order)
    waiting = failure_in(order.event, order=order)

    assert post(f"failures/{waiting.pk}/retry/", {}, chief).json() == {"started": False}
    failure = failure_in(order.event)
    assert post(f"failures/{failure.pk}/retry/", {}, chief, once="k2").json() == {"started": False}


def test_a_nights_tables_in_figures(provider: FakeProvider, chief: str) -> None:
    table = TableFactory.create(code="F1")
    party = buy_table(provider, table, size=4)
    TableFactory.create(event=table.event, code="F2")

    seen = get(f"events/{table.event.slug}/reservations/", chief).json()

    assert (seen["revenue_cents"], seen["expected"], seen["arrived"]) == (24_000, 4, 0)
    assert [(row["table"], row["status"], row["revenue_cents"]) for row in seen["tables"]] == [
        ("F1", "confirmed", 24_000),
        ("F2", None, 0),
    ]
    assert seen["balance_due_cents"] == party.balance_cents


# --- keys in the console --------------------------------------------------------------------------


def test_a_key_is_shown_once_and_ended_in_the_console() -> None:
    owner = User.objects.create_superuser("owner", "owner@example.com", "maguey")
    console = Client()
    console.force_login(owner)

    made = console.post(
        reverse("admin:owners_staffkey_add"),
        {"name": "till", "user": owner.pk, "expiry_date_0": "", "expiry_date_1": ""},
        follow=True,
    ).content.decode()
    key = made.split("shown only now: ")[1].split("<")[0].strip()
    works = get("orders/", key).status_code
    listed = console.get(reverse("admin:owners_staffkey_changelist")).content.decode()
    row = StaffKey.objects.get()
    ended = console.post(
        reverse("admin:owners_staffkey_changelist"), {"action": "revoke", "_selected_action": row.pk}, follow=True
    )

    assert (works, key in listed, row.hashed_key == key) == (200, False, False)
    assert "Ended: 1." in ended.content.decode()
    assert get("orders/", key).status_code == 401


@pytest.mark.parametrize("model", ["staffkey", "ownerassignment"])
def test_who_may_do_what_is_not_for_admins_to_say(model: str) -> None:
    console = Client()
    console.force_login(hire("staff", "admin"))

    assert console.get(reverse(f"admin:owners_{model}_changelist")).status_code == 403
    assert console.get(reverse(f"admin:owners_{model}_add")).status_code == 403
    assert console.get(reverse("admin:owners_alert_changelist")).status_code == 200


def test_a_longest_key_still_fits(chief: str) -> None:
    assert post("events/", plan(), chief, once="k" * idempotency.LONGEST).status_code == 201
