"""docs/api.md is kept true: every request on it is sent, in its order, and answered as the page says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from owners.models import StaffKey
from payments.exceptions import PaymentsError
from payments.models import Order
from tests.buying import come_back, pay
from tests.factories.tickets import EventFactory, TicketTypeFactory
from tests.fakes import FakeProvider
from vip import tables

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = Path(settings.BASE_DIR) / "docs" / "api.md"
COMMAND = re.compile(
    r"""curl\ -s\ (?P<flags>-H\ "\$KEY"\ )?  # a key may stand before the address, or after it
    "?\$API/(?P<path>[^\s"]+)"?
    (?P<rest>[^`]*?)(?=\ncurl|\n```)""",
    re.VERBOSE,
)
SENT = re.compile(r"-d '(?P<body>\{.*?\})'", re.DOTALL)


def commands() -> list[tuple[str, dict[str, Any] | None, bool]]:
    """Return each request of the page: its path, what it sends, and whether with a key."""
    found = []
    for block in re.findall(r"```sh\n(.*?)\n```", PAGE.read_text(), re.DOTALL):
        for match in COMMAND.finditer(f"{block}\n```"):
            body = SENT.search(match["rest"])
            with_key = bool(match["flags"]) or "$KEY" in match["rest"]
            found.append((match["path"], json.loads(body["body"]) if body else None, with_key))
    return found


def test_every_request_of_the_page_is_answered(provider: FakeProvider) -> None:
    night = EventFactory.create(slug="noche-de-cumbia")
    TicketTypeFactory.create(event=night, slug="general")
    tables.lay_out(night)
    _, key = StaffKey.objects.create_key(name="docs", user=User.objects.create_superuser("chief"))
    reference, answers = "", {}

    for number, (path, body, with_key) in enumerate(commands()):
        headers = {"Idempotency-Key": f"k{number}"} | ({"Authorization": f"Api-Key {key}"} if with_key else {})
        where = "/api/v1/" + path.replace("$REFERENCE", reference)
        if "refunds/" in where and body is not None:
            order = Order.objects.get(reference=reference)
            pay(provider, order)
            come_back(order)
        ask: Any = Client().get if body is None else Client().post
        sent = {} if body is None else {"data": body, "content_type": "application/json"}
        answer = ask(where, headers=headers, **sent)
        answers[f"{number} {path}"] = answer.status_code
        if path == "orders/" and not reference:
            reference = answer.json()["reference"]

    assert len(answers) >= 11
    assert set(answers.values()) <= {200, 201}, answers


def refusals(base: type[PaymentsError] = PaymentsError) -> Iterator[type[PaymentsError]]:
    """Return every way the product says no."""
    for refusal in base.__subclasses__():
        yield refusal
        yield from refusals(refusal)


def test_every_code_of_the_page_has_the_status_it_says() -> None:
    rows = re.findall(r"^\| ([\d, ]+) \| (.*?) \|", PAGE.read_text(), re.MULTILINE)
    said = {code: statuses.split(", ") for statuses, codes in rows for code in re.findall(r"`(\w+)`", codes)}

    ours = {refusal.code: refusal.status for refusal in refusals() if refusal.code in said}

    assert len(ours) > 25
    assert {code: status for code, status in ours.items() if str(status) not in said[code]} == {}
