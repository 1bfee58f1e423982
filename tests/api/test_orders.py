from functools import partial
from typing import Any

import pytest
from django.db import DataError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from payments import idempotency, orders
from payments.models import IdempotencyKey, Order, Payment
from payments.sandbox.testing import Sandbox
from tests.buying import clock, come_back, hold
from tests.factories.tickets import EventFactory, PromoCodeFactory, TicketTypeFactory
from tests.factories.vip import TableFactory, hold_table
from tests.fakes import FakeProvider
from tests.threads import all_at_once, held_elsewhere
from tickets.models import TicketType
from vip import tables
from vip.models import Table

pytestmark = pytest.mark.django_db(transaction=True)
ANSWER = idempotency.Answer(200, {})


def post(path: str, body: Any = None, *, key: str | None = "k1") -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return Client().post(f"/api/v1/{path}", body or {}, content_type="application/json", headers=headers)


def wanted(type_: TicketType, *, quantity: int = 2) -> dict[str, Any]:
    return {
        "event": type_.event.slug,
        "items": [{"ticket_type": type_.slug, "quantity": quantity}],
        "name": "Ana Ruiz",
        "email": "ana@example.com",
    }


def test_the_whole_flow(sandbox: Sandbox) -> None:
    type_ = TicketTypeFactory.create()
    tables.lay_out(type_.event)
    night = Client().get(f"/api/v1/events/{type_.event.slug}/").json()
    assert (night["ticket_types"][0]["available"], night["ticket_types"][0]["all_in_cents"]) == (100, 2800)
    assert len(night["tables"]) == 26
    assert Client().get("/api/v1/events/").json()["count"] == 1

    placed = post("orders/", wanted(type_))
    reference = placed.json()["reference"]
    begun = post(f"orders/{reference}/payments/", {"mode": "elements"}, key="k2")
    sandbox.pay(begun.json()["client_secret"].split("_secret")[0])
    come_back(Order.objects.get())
    shown = Client().get(f"/api/v1/orders/{reference}/").json()

    assert (placed.status_code, placed.json()["total_cents"], placed.json()["status"]) == (201, 5600, "pending")
    assert begun.status_code == 201
    assert (shown["status"], shown["truth"], len(shown["tickets"])) == ("fulfilled", "delivered", 2)


def test_a_repeat_gets_the_first_answer() -> None:
    type_ = TicketTypeFactory.create()

    first, again = post("orders/", wanted(type_)), post("orders/", wanted(type_))

    assert first.json() == again.json()
    assert again.status_code == 201
    assert first["Location"] == again["Location"] == f"/api/v1/orders/{first.json()['reference']}/"
    assert (first.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
    assert Order.objects.count() == 1


def test_a_key_with_another_body_is_refused() -> None:
    type_ = TicketTypeFactory.create()
    post("orders/", wanted(type_))

    answer = post("orders/", wanted(type_, quantity=3))

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert Order.objects.count() == 1


@pytest.mark.parametrize(("key", "code"), [(None, "idempotency_key_missing"), ("k" * 256, "idempotency_key_invalid")])
def test_a_key_is_needed(key: str | None, code: str) -> None:
    answer = post("orders/", wanted(TicketTypeFactory.create()), key=key)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert not Order.objects.exists()


@pytest.mark.parametrize("product", ["tickets", "a table"])
def test_fifty_equal_requests_at_once_place_one_order(product: str) -> None:
    body = wanted(TicketTypeFactory.create()) if product == "tickets" else table_wanted(TableFactory.create())

    answers: list[Any] = all_at_once(50, lambda _: post("orders/", body))
    after = [post("orders/", body) for answer in answers if answer.status_code == 409]

    running = [answer for answer in answers if answer.status_code == 409]
    equal = [answer.json() for answer in [*answers, *after] if answer.status_code == 201]
    assert {(answer.json()["code"], answer["Retry-After"]) for answer in running} <= {("idempotency_key_in_use", "1")}
    assert len(equal) == 50
    assert all(answer == equal[0] for answer in equal)
    assert Order.objects.get().reference == equal[0]["reference"]


def test_a_refusal_leaves_the_key_free() -> None:
    type_ = TicketTypeFactory.create(capacity=1)

    refused = post("orders/", wanted(type_))
    TicketType.objects.update(capacity=10)
    placed = post("orders/", wanted(type_))

    assert (refused.status_code, refused.json()["code"]) == (409, "sold_out")
    assert placed.status_code == 201


@pytest.mark.parametrize("step", ["payments.idempotency.keeping", "tickets.holds.places", "maguey.api.views.respond"])
def test_a_request_cut_off_leaves_both_order_and_answer_or_neither(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    type_ = TicketTypeFactory.create()

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(step, die)
        with pytest.raises(KeyboardInterrupt):
            post("orders/", wanted(type_))
    assert Order.objects.count() == IdempotencyKey.objects.count() == (1 if step.endswith("respond") else 0)

    assert post("orders/", wanted(type_)).status_code == 201
    assert Order.objects.count() == 1


def test_a_hold_is_three_statements_and_the_last_is_the_commit() -> None:
    type_ = TicketTypeFactory.create()
    post("orders/", wanted(type_), key="k0")

    with CaptureQueriesContext(connection) as captured:
        assert post("orders/", wanted(type_)).status_code == 201

    assert len(captured) == 3


def test_a_hold_of_what_is_sold_out_writes_nothing() -> None:
    type_ = TicketTypeFactory.create(capacity=1)
    said: list[str] = []

    def listen(execute: Any, sql: str, *rest: Any) -> Any:
        said.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(listen):
        assert post("orders/", wanted(type_)).json()["code"] == "sold_out"

    assert [sql for sql in said if not sql.startswith("SELECT")] == []


def after_the_look(monkeypatch: pytest.MonkeyPatch, body: dict[str, Any]) -> list[Any]:
    """Have another request with the same key answered just after the next one has looked; return its answer."""
    look, answers = idempotency.look, []

    def look_before_the_other(request: idempotency.Request) -> idempotency.Known | None:
        known = look(request)
        monkeypatch.setattr(idempotency, "look", look)
        answers.append(post("orders/", body))
        return known

    monkeypatch.setattr(idempotency, "look", look_before_the_other)
    return answers


def test_a_twin_that_comes_second_gets_the_first_ones_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    type_ = TicketTypeFactory.create()
    first = after_the_look(monkeypatch, wanted(type_))

    second = post("orders/", wanted(type_))

    assert second.json() == first[0].json()
    assert (second.status_code, second.headers["Idempotent-Replayed"]) == (201, "true")
    assert TicketType.objects.get().held == 2
    assert Order.objects.count() == 1


def test_a_twin_that_is_refused_gets_the_first_ones_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    type_ = TicketTypeFactory.create(capacity=2)
    first = after_the_look(monkeypatch, wanted(type_))

    assert post("orders/", wanted(type_)).json() == first[0].json()


def test_a_key_taken_meanwhile_by_another_request_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    type_ = TicketTypeFactory.create()
    after_the_look(monkeypatch, wanted(type_, quantity=3))

    assert post("orders/", wanted(type_)).json()["code"] == "idempotency_key_reused"
    assert Order.objects.get().lines[0]["quantity"] == 3


def test_a_key_is_in_use_while_its_request_runs_and_free_once_that_has_died() -> None:
    reference = hold().reference
    post(f"orders/{reference}/extend/")
    key = IdempotencyKey.objects.get()
    key.delete()
    with held_elsewhere(key):
        answer = post(f"orders/{reference}/cancel/")

    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (409, "idempotency_key_in_use", "1")
    assert post(f"orders/{reference}/cancel/").status_code == 200


def test_a_request_that_loses_its_key_with_its_connection_leaves_nothing() -> None:
    order = hold()
    request = idempotency.Request("key", "guest", "POST", "/orders/", {})

    def lengthen(keep: idempotency.Keep) -> idempotency.Answer:
        orders.extend_hold(order.pk, now=clock(), remember=lambda _: keep(ANSWER))
        return ANSWER

    def slowly(keep: idempotency.Keep) -> idempotency.Answer:
        idempotency.let_go(request)
        idempotency.answer_once(request, lambda twin: twin(ANSWER) or ANSWER, now=clock())
        return lengthen(keep)

    with pytest.raises(idempotency.KeyInUse):
        idempotency.answer_once(request, slowly, now=clock())

    assert Order.objects.get().extended_at is None
    assert idempotency.answer_once(request, slowly, now=clock()).is_replay


def test_a_key_whose_reading_failed_is_free_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    request = idempotency.Request("key", "guest", "POST", "/", {})
    with monkeypatch.context() as patched:
        patched.setattr(idempotency, "ASK", idempotency.ASK.replace("SELECT id", "SELECT 1 / 0, id"))
        # A row, for the fault to be met in.
        IdempotencyKey.objects.create(
            scope="guest", key="key", method="POST", path="/", fingerprint=request.fingerprint, created_at=clock()
        )
        with pytest.raises(DataError):
            idempotency.answer_once(request, lambda _: idempotency.Answer(200, {}), now=clock())

    (elsewhere,) = all_at_once(
        1, lambda _: idempotency.answer_once(request, lambda _: idempotency.Answer(200, {}), now=clock())
    )

    assert isinstance(elsewhere, idempotency.Answer), elsewhere


def test_a_payments_secret_is_never_stored(sandbox: Sandbox) -> None:
    reference = post("orders/", wanted(TicketTypeFactory.create())).json()["reference"]

    first = post(f"orders/{reference}/payments/", {}, key="p")
    again = post(f"orders/{reference}/payments/", {}, key="p")

    assert first.json() == again.json()
    assert Payment.objects.count() == 1
    assert IdempotencyKey.objects.get(key="p").response_body is None


def test_the_hosted_road(sandbox: Sandbox) -> None:
    reference = post("orders/", wanted(TicketTypeFactory.create())).json()["reference"]

    answer = post(f"orders/{reference}/payments/", {"mode": "checkout"}, key="p")

    assert "redirect_url" in answer.json()
    assert "client_secret" not in answer.json()


def test_extending_and_letting_go() -> None:
    reference = post("orders/", wanted(TicketTypeFactory.create())).json()["reference"]

    assert post(f"orders/{reference}/extend/", key=None).status_code == 200
    assert post(f"orders/{reference}/extend/", key=None).json()["code"] == "already_extended"
    assert post(f"orders/{reference}/cancel/", key=None).json()["status"] == "cancelled"
    assert post(f"orders/{reference}/cancel/", key=None).json()["code"] == "order_closed"
    assert post(f"orders/{reference}/payments/", {}, key="x").json()["code"] == "order_closed"


def table_wanted(chosen: Table, **changes: Any) -> dict[str, Any]:
    body = {"event": chosen.event.slug, "table": chosen.code, "party_size": 4, "guests": [{"name": "Beto"}]}
    return {**body, "name": "Ana Ruiz", "email": "ana@example.com", **changes}


def test_the_whole_flow_of_a_table(sandbox: Sandbox) -> None:
    table = TableFactory.create()
    path = f"/api/v1/events/{table.event.slug}/"
    [found] = Client().get(path).json()["tables"]
    assert (found["status"], found["all_in_cents"]) == ("free", 24_000)

    placed = post("orders/", table_wanted(table))
    reference = placed.json()["reference"]
    held = Client().get(path).json()["tables"][0]["status"]
    begun = post(f"orders/{reference}/payments/", {}, key="k2")
    sandbox.pay(begun.json()["client_secret"].split("_secret")[0])
    come_back(Order.objects.get())
    shown = Client().get(f"/api/v1/orders/{reference}/").json()

    assert (placed.status_code, placed.json()["total_cents"]) == (201, 24_000)
    assert placed.json()["reservation"] == {
        "table": table.code,
        "status": "held",
        "party_size": 4,
        "deposit_cents": 24_000,
        "balance_cents": 56_000,
        "passes": [],
    }
    assert held == "held"
    assert (shown["status"], shown["reservation"]["status"]) == ("fulfilled", "confirmed")
    assert [one["name"] for one in shown["reservation"]["passes"]] == ["Ana Ruiz", "Beto", "", ""]
    assert Client().get(path).json()["tables"][0]["status"] == "taken"


def test_a_table_repeated_under_its_key_is_the_same_table() -> None:
    table = TableFactory.create()

    first, again = post("orders/", table_wanted(table)), post("orders/", table_wanted(table))

    assert first.json() == again.json()
    assert Order.objects.count() == 1


def test_the_loser_of_a_table_is_told_so() -> None:
    table = TableFactory.create()
    post("orders/", table_wanted(table))

    lost = post("orders/", table_wanted(table), key="k2")

    assert (lost.status_code, lost.json()["code"]) == (409, "race_condition_lost")
    assert not Payment.objects.exists()


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"table": "Z9"}, 422, "unknown_table"),
        ({"party_size": 9}, 422, "party_does_not_fit"),
        ({"party_size": None}, 422, "invalid"),
        ({"guests": [{"name": "a"}] * 5}, 422, "too_many_names"),
        ({"items": [{"ticket_type": "general", "quantity": 1}]}, 422, "invalid"),
        ({"table": "A\x00"}, 422, "invalid"),
    ],
)
def test_a_table_asked_for_wrongly_is_a_problem(change: dict[str, Any], status: int, code: str) -> None:
    answer = post("orders/", table_wanted(TableFactory.create(), **change))

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not Order.objects.exists()


def test_a_blocked_table_is_shown_so_and_refused() -> None:
    table = TableFactory.create(blocked=True, blocked_reason="repairs")

    shown = Client().get(f"/api/v1/events/{table.event.slug}/").json()["tables"]
    answer = post("orders/", table_wanted(table))

    assert [found["status"] for found in shown] == ["blocked"]
    assert (answer.status_code, answer.json()["code"]) == (409, "table_blocked")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"items": []}, 422),
        ({"items": [{"ticket_type": "x", "quantity": 0}]}, 422),
        ({"items": [{"ticket_type": "x", "quantity": -1}]}, 422),
        ({"items": [{"ticket_type": "x", "quantity": 10**30}]}, 422),
        ({"items": [{"ticket_type": "x", "quantity": 1}]}, 422),
        ({"items": "many"}, 422),
        ({"email": "nobody"}, 422),
        ({"name": "A\x00B"}, 422),
        ({"name": ["a"]}, 422),
        ({"event": "nowhere"}, 404),
        ({"event": None}, 422),
    ],
)
def test_bad_input_is_a_problem_and_never_a_traceback(change: dict[str, Any], status: int) -> None:
    answer = post("orders/", {**wanted(TicketTypeFactory.create()), **change})

    assert answer.status_code == status
    assert answer.json()["code"]
    assert not Order.objects.exists()


def test_a_price_that_is_sent_is_never_read() -> None:
    body = {**wanted(TicketTypeFactory.create()), "total_cents": 1, "status": "paid"}

    assert post("orders/", body).json()["total_cents"] == 5600


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "orders/nowhere/", b"", 404),
        ("GET", "events/nowhere/", b"", 404),
        ("GET", "orders/a%00b/", b"", 404),
        ("POST", "orders/a%00b/payments/", b"{}", 404),
        ("GET", "events/a%00b/", b"", 404),
        ("PUT", "orders/", b"{}", 405),
        ("POST", "orders/", b"{", 400),
        ("POST", "orders/", b"\xff", 400),
        ("POST", "orders/", b"[" * 50_000, 400),
        ("POST", "orders/", b"[]", 422),
        ("POST", "orders/", b"null", 422),
    ],
)
def test_every_no_is_a_problem_document(method: str, path: str, body: bytes, status: int) -> None:
    headers = {"Idempotency-Key": "k"}
    answer = Client().generic(method, f"/api/v1/{path}", body, content_type="application/json", headers=headers)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_night_in_draft_is_not_shown() -> None:
    event = EventFactory.create(status="draft")

    assert Client().get(f"/api/v1/events/{event.slug}/").status_code == 404


def test_the_schema_and_its_pages_are_served(settings: Settings) -> None:
    assert Client().get("/api/v1/schema/").status_code == 200
    assert Client().get("/api/v1/docs/").status_code == 200


def test_a_fault_of_ours_is_a_problem_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    from tickets import checkout

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(checkout, "buy_tickets", fail)
    answer = post("orders/", wanted(TicketTypeFactory.create()))

    assert answer.status_code == 500
    assert "secret" not in answer.content.decode()


def test_what_a_key_was_sent_for_is_counted() -> None:
    type_ = TicketTypeFactory.create()
    for quantity in (2, 2, 2, 3):
        post("orders/", wanted(type_, quantity=quantity))

    key = IdempotencyKey.objects.get()

    assert (key.replays, key.mismatches) == (2, 1)


@pytest.mark.parametrize(("act", "status"), [("extend", "pending"), ("cancel", "cancelled")])
def test_more_time_and_letting_go_are_answered_once_per_key(act: str, status: str) -> None:
    reference = hold().reference
    path = f"orders/{reference}/{act}/"

    first, again = post(path, key="k9"), post(path, key="k9")
    other = post(path, key="k10")

    assert (first.status_code, first.json()["status"]) == (200, status)
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first.json(), "true")
    assert (other.status_code, other.json()["code"]) == (409, {"extend": "already_extended"}.get(act, "order_closed"))
    assert post(path, key=None).status_code == 409
    assert post(path, key="k" * 256).json()["code"] == "idempotency_key_invalid"


@pytest.mark.parametrize("product", ["tickets", "a table"])
def test_fifty_equal_requests_to_pay_open_one_intent(provider: FakeProvider, product: str) -> None:
    reference = (hold() if product == "tickets" else hold_table(TableFactory.create())).reference

    answers = all_at_once(50, lambda _: post(f"orders/{reference}/payments/", {}, key="pay"))
    after = post(f"orders/{reference}/payments/", {}, key="pay")

    running = [answer for answer in answers if answer.status_code == 409]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {(answer.json()["code"], answer["Retry-After"]) for answer in running} <= {("idempotency_key_in_use", "1")}
    assert (after.status_code, len(provider.intents), Payment.objects.count()) == (201, 1, 1)
    assert {answer.json()["payment_id"] for answer in answers if answer.status_code == 201} <= {
        after.json()["payment_id"]
    }


def test_a_key_is_its_callers_alone() -> None:
    type_ = TicketTypeFactory.create()
    headers = {"Idempotency-Key": "1"}
    ask: Any = partial(
        Client().post, "/api/v1/orders/", wanted(type_), content_type="application/json", headers=headers
    )

    mine, another = ask(REMOTE_ADDR="192.0.2.1"), ask(REMOTE_ADDR="192.0.2.2")
    again = ask(REMOTE_ADDR="192.0.2.1")

    assert (another.status_code, "Idempotent-Replayed" in another) == (201, False)
    assert another.json()["reference"] != mine.json()["reference"] == again.json()["reference"]
    assert not IdempotencyKey.objects.filter(scope__contains="192.0.2").exists()


@pytest.mark.parametrize(
    ("limit", "method", "path"),
    [
        ("READS_PER_ADDRESS", "GET", "events/"),
        ("READS_PER_ADDRESS", "GET", "events/nowhere/"),
        ("READS_PER_ADDRESS", "GET", "orders/nowhere/"),
        ("WRITES_PER_ADDRESS", "POST", "orders/"),
        ("WRITES_PER_ADDRESS", "POST", "orders/nowhere/extend/"),
        ("WRITES_PER_ADDRESS", "POST", "orders/nowhere/cancel/"),
        ("WRITES_PER_ADDRESS", "POST", "orders/nowhere/payments/"),
    ],
)
def test_who_asks_too_often_is_told_when_to_come_back(
    monkeypatch: pytest.MonkeyPatch, limit: str, method: str, path: str
) -> None:
    monkeypatch.setattr(f"maguey.api.views.{limit}", "1/minute")

    answers = [Client().generic(method, f"/api/v1/{path}") for _ in range(2)]
    elsewhere = Client().generic(method, f"/api/v1/{path}", REMOTE_ADDR="192.0.2.2")

    assert [answer.status_code == 429 for answer in [*answers, elsewhere]] == [False, True, False]
    assert answers[1].json()["code"] == "too_many_requests"
    assert 1 <= int(answers[1]["Retry-After"]) <= 60


def test_a_code_takes_off_through_the_api_what_it_takes_off_on_the_page() -> None:
    type_ = TicketTypeFactory.create(price_cents=2500, fee_cents=300)
    promo = PromoCodeFactory.create(code="CUMBIA", percent=10, capacity=1)

    placed = post("orders/", {**wanted(type_), "code": " cumbia "})
    again = post("orders/", {**wanted(type_), "code": "CUMBIA"}, key="k2")
    unknown = post("orders/", {**wanted(type_), "code": "NOBODY"}, key="k3")
    with_a_table = post("orders/", table_wanted(TableFactory.create(), code="CUMBIA"), key="k4")

    promo.refresh_from_db()
    assert (placed.status_code, placed.json()["total_cents"], promo.held) == (201, 2 * 2520, 1)
    assert again.json()["code"] in {"code_used_up", "code_used_by_guest"}
    assert unknown.json()["code"] == "unknown_code"
    assert (with_a_table.status_code, with_a_table.json()["code"]) == (422, "invalid")
    assert Order.objects.count() == 1
