import base64

import pytest
import stripe

from payments.sandbox.app import create_app
from payments.sandbox.stripe import API_VERSION, forms
from payments.sandbox.stripe.errors import ApiError
from payments.sandbox.testing import Sandbox
from tests.sandbox.making import intent

INTENTS = "http://127.0.0.1:8901/v1/payment_intents"


def test_forms_nest() -> None:
    pairs = [("a[b][0][c]", "1"), ("a[b][1][c]", "2"), ("types[]", "x"), ("types[]", "y"), ("plain", "")]

    assert forms.decode(pairs) == {"a": {"b": [{"c": "1"}, {"c": "2"}]}, "types": ["x", "y"], "plain": ""}


@pytest.mark.parametrize("name", ["a[b", "a]b[", "[a]", "a" + "[b]" * 20])
def test_broken_names_are_refused(name: str) -> None:
    with pytest.raises(ApiError):
        forms.decode([(name, "1")])


@pytest.mark.parametrize("key", ["sk_test_unknown", "sk_live_123456789"])
def test_an_unknown_key_is_refused(sandbox: Sandbox, key: str) -> None:
    with pytest.raises(stripe.AuthenticationError):
        sandbox.client(key).v1.payment_intents.list()


def test_no_key_is_refused(sandbox: Sandbox) -> None:
    assert sandbox.session.get(INTENTS).status_code == 401


def test_basic_authentication_takes_the_key_as_name(sandbox: Sandbox) -> None:
    word = base64.b64encode(b"sk_test_maguey:").decode()

    assert sandbox.session.get(INTENTS, headers={"Authorization": f"Basic {word}"}).status_code == 200


def test_headers_name_request_and_version(sandbox: Sandbox) -> None:
    answer = sandbox.session.get(INTENTS, headers={"Authorization": "Bearer sk_test_maguey"})

    assert answer.headers["Request-Id"].startswith("req_")
    assert answer.headers["Stripe-Version"] == API_VERSION == stripe.api_version


def test_refusals_are_not_to_be_repeated(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.retrieve("pi_nothing")

    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
    assert (refused.value.headers or {})["Stripe-Should-Retry"] == "false"


def test_what_is_not_built_is_said_loudly(
    sandbox: Sandbox, client: stripe.StripeClient, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.customers.list()

    assert refused.value.http_status == 404
    assert "SANDBOX" in caplog.text
    assert [line["kind"] for line in sandbox.log()] == ["not_built", "request"]


def test_another_version_is_refused(sandbox: Sandbox) -> None:
    headers = {"Authorization": "Bearer sk_test_maguey", "Stripe-Version": "2023-08-16"}

    assert sandbox.session.get(INTENTS, headers=headers).status_code == 400


def test_browsers_of_any_origin_may_call(sandbox: Sandbox) -> None:
    answer = sandbox.session.options(INTENTS, headers={"Access-Control-Request-Headers": "authorization"})

    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization"


@pytest.mark.parametrize("words", [{"secret_keys": ["sk_live_1"]}, {"publishable_keys": ["pk_live_1"]}])
def test_live_keys_do_not_start_a_sandbox(words: dict[str, list[str]]) -> None:
    with pytest.raises(ValueError, match="keys only"):
        create_app(**words)  # type: ignore[arg-type] # one of two lists


def test_lists_page_forwards_and_backwards(client: stripe.StripeClient) -> None:
    made = [intent(client).id for _ in range(5)]

    first = client.v1.payment_intents.list({"limit": 2})
    forwards = [item.id for item in first.auto_paging_iter()]
    backwards = client.v1.payment_intents.list({"limit": 2, "ending_before": made[0]})

    assert (first.has_more, [item.id for item in first.data]) == (True, made[:2:-1])
    assert forwards == made[::-1]
    assert [item.id for item in backwards.auto_paging_iter()] == made[1:]


def test_lists_filter_by_moment(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    intent(client)
    sandbox.advance(100)
    later = intent(client)

    found = client.v1.payment_intents.list({"created": {"gte": later.created}})

    assert [item.id for item in found.data] == [later.id]


@pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 101}, {"starting_after": "pi_nothing"}])
def test_impossible_pages_are_refused(
    client: stripe.StripeClient, params: stripe.params.PaymentIntentListParams
) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.list(params)


def test_only_references_expand(client: stripe.StripeClient) -> None:
    made = intent(client)

    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.retrieve(made.id, {"expand": ["amount"]})


def test_books_in_a_file_outlive_the_process(tmp_path: object) -> None:
    path = f"{tmp_path}/books.sqlite3"
    first = Sandbox(database=path)
    made = intent(first.client())
    first.close()

    second = Sandbox(database=path)

    assert second.client().v1.payment_intents.retrieve(made.id).id == made.id
    second.close()
