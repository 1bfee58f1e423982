"""Lines of the log: whose request they belong to, and what they never say."""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from logging.config import dictConfig

import pytest
import structlog
from django.test import Client, override_settings
from hypothesis import given
from hypothesis import strategies as st

from maguey import logs

REFERENCE = "Zx3_kP-9aQ0mT7vB2cL5wE"


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """Write the log as in production, into memory."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    described = logs.formatter(readable=False)
    handler.setFormatter(described.pop("()")(**described))
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("to ana@example.com now", "to [hidden] now"),
        ("ana%40example.com", "[hidden]"),
        ("card 4242 4242 4242 4242", "card [hidden]"),
        ("4242424242424242", "[hidden]"),
        ("pi_3Nabc_secret_Q1w2", "pi_3Nabc_secret_[hidden]"),
        ("key sk_test_4eC39Hq", "key [hidden]"),
        ("whsec_abc", "[hidden]"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer [hidden]"),
        (f"/orders/{REFERENCE}/", "/orders/[hidden]/"),
        ("call +1 212 555 0100", "call [hidden]"),
        ("redis://me:hush@host/0", "redis://[hidden]@host/0"),
        ("pi_3NabcDEFghiJKLmnoPQRstuv", "pi_3NabcDEFghiJKLmnoPQRstuv"),
        ("a_word_that_is_22_long", "[hidden]"),
        ("a_name_of_a_function_x", "a_name_of_a_function_x"),
        ("from 203.0.113.77.", "from [hidden]."),
        ("from 203.0.113.77:443 to 127.0.0.1:8000", "from [hidden]:443 to 127.0.0.1:8000"),
        ("from 2001:db8::8a2e:370:7334, at 18:33:44.123", "from [hidden], at 18:33:44.123"),
        ("from 2001:db8:0:0:1:8a2e:370:7334", "from [hidden]"),
        ("at 1209 North Orange Street, twice", "at [hidden], twice"),
        ("DETAIL:  Failing row contains (7, Ana Ruiz, Calle 8).", "DETAIL:  Failing row contains [hidden]"),
        ("0b7f7c1e-3d68-4c1c-9a55-5f0d7d3c2b11", "0b7f7c1e-3d68-4c1c-9a55-5f0d7d3c2b11"),
    ],
)
def test_secrets_are_hidden_and_ids_are_kept(said: str, kept: str) -> None:
    assert logs.hide(said) == kept


@given(st.lists(st.sampled_from([*"ab-_ .:@1+Z", "sk_test_", "whsec_", "_secret_", "Bearer ", "4242"])).map("".join))
def test_what_is_plain_holds_nothing_to_be_hidden(text: str) -> None:
    if logs.PLAIN.fullmatch(text):
        assert not any(secret.search(text) for secret in (*logs.SECRETS, logs.CARD))


def test_a_line_of_anybody_is_json_without_secrets(lines: StringIO) -> None:
    logging.getLogger("somebody").warning("mail to %s", "ana@example.com")

    written = json.loads(lines.getvalue())
    assert (written["event"], written["level"], written["logger"]) == ("mail to [hidden]", "warning", "somebody")


def test_named_values_are_hidden_at_any_depth(lines: StringIO) -> None:
    structlog.get_logger("somebody").warning("paid", order="7", guest={"email": "x", "said": ["ana@example.com"]})

    written = json.loads(lines.getvalue())
    assert (written["order"], written["guest"]) == ("7", {"email": "[hidden]", "said": ["[hidden]"]})


def test_a_traceback_is_hidden_too(lines: StringIO) -> None:
    try:
        raise ValueError("ana@example.com")
    except ValueError:
        logging.getLogger("somebody").exception("failed")

    written = json.loads(lines.getvalue())
    assert "ValueError: [hidden]" in written["exception"]
    assert "ana@" not in lines.getvalue()


def test_a_request_is_one_line_with_its_id_and_without_its_query(lines: StringIO, client: Client) -> None:
    client.get("/health/live/?email=ana@example.com")

    written = json.loads(lines.getvalue())
    assert (written["event"], written["request"], written["code"]) == ("request_finished", "GET /health/live/", 200)
    assert len(written["request_id"]) == 36


def test_a_proxys_request_id_is_kept_only_where_a_proxy_is_trusted(lines: StringIO, client: Client) -> None:
    with override_settings(DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID=False):
        client.get("/health/live/", headers={"x-request-id": "from-a-stranger"})
    with override_settings(DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID=True):
        client.get("/health/live/", headers={"x-request-id": "from-the-proxy"})

    strangers, proxys = (json.loads(line)["request_id"] for line in lines.getvalue().splitlines())
    assert (len(strangers), proxys) == (36, "from-the-proxy")


def test_the_demos_lines_are_for_people() -> None:
    described = {"version": 1, "formatters": {"line": logs.formatter(readable=True)}, "disable_existing_loggers": False}
    dictConfig(described)
    handler = logging.StreamHandler()
    made = logs.formatter(readable=True)
    handler.setFormatter(made.pop("()")(**made))
    record = logging.LogRecord("somebody", logging.INFO, "", 1, "hello ana@example.com", None, None)

    assert "hello [hidden]" in handler.format(record)
