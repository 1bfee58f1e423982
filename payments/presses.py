"""A form that is pressed twice does once what it is for: the pages' own use of idempotency keys."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db.models import Model

from payments import idempotency
from payments.exceptions import StillBusy
from payments.idempotency import Answer, Keep, Keeping, KeyInUse, Request
from payments.models import Order
from payments.orders import Beside

CALLER = "page"
LONGEST_PRESS = 64
# What a form sends beside what was chosen on it.
NOT_CHOSEN = ("press", "csrfmiddlewaretoken")
# An address is the key to an order or a table: under this name the console hides it.
WHERE = "secret_where"
# A second press waits for the first to finish rather than act on its own.
LOOKS = 20
LOOK_SECONDS = 0.15

Choice = dict[str, Any]  # Any: whatever JSON was chosen
Place = Callable[[Beside], Order]
Lead = Callable[[str], None]


def forget(row: Model) -> None:
    """Keep no record beside the row itself."""


def tidy(press: str) -> str:
    """Return the mark by which a form's second press is known, or a new one where none that fits was sent."""
    return press if 0 < len(press) <= LONGEST_PRESS and press.isprintable() else str(uuid4())


def digest_of(choice: Choice) -> str:
    """Return what tells one choice from another."""
    return hashlib.sha256(json.dumps(choice, sort_keys=True, default=str).encode()).hexdigest()[:32]


def place_once(wish: str, choice: Choice, place: Place, *, path: str, now: datetime) -> Order:
    """Place an order for a wish, or find the one it has placed; where that ended unpaid, place another.

    `place` is given what says what to write in the same commit as the order. Raises what `place` raises.
    """
    number = 0
    while True:
        placed = place_or_find(Request(f"{wish}:{number}", CALLER, "POST", path, choice), place, now=now)
        if not has_ended(placed, now=now):
            return placed
        number += 1


def place_or_find(request: Request, place: Place, *, now: datetime) -> Order:
    """Place the order under its key, or find it there. Raises what `place` raises."""

    def act(keeping: Keeping) -> Answer:
        return answer_for(place(lambda order: [keeping(answer_for(order))]))

    answer = idempotency.answer_with_effect(request, act, now=now)
    return Order.objects.get(reference=answer.body["reference"])


def answer_patiently(request: Request, act: Callable[[Keep], Answer], *, now: datetime) -> Answer | None:
    """Answer a request once; while a twin is at it, wait a little. None where that takes too long."""
    for _ in range(LOOKS):
        with suppress(KeyInUse):
            return idempotency.answer_once(request, act, now=now)
        time.sleep(LOOK_SECONDS)
    return None


def answer_for(order: Order) -> Answer:
    """Return what is kept under a key: the way to the order."""
    return Answer(201, {"reference": order.reference})


def has_ended(order: Order, *, now: datetime) -> bool:
    """Say whether an order can no longer become goods."""
    return order.status in (Order.Status.EXPIRED, Order.Status.CANCELLED) or order.is_overdue(now)


def act_once(typed: Mapping[str, str], act: Callable[[Lead], object], *, path: str, now: datetime) -> str:
    """Do what a form asks for and return where it leads; a second press is led there too, and nothing is done again.

    `act` is given a step that says where, to run in the transaction of what it does. The same form with something else
    typed is another wish.

    Raises what `act` raises, and StillBusy where the first press takes too long.
    """
    choice = {name: value for name, value in typed.items() if name not in NOT_CHOSEN}
    wish = f"{tidy(typed.get('press', ''))}:{digest_of({'path': path, **choice})}"

    def act_and_keep(keep: Keep) -> Answer:
        answers: list[Answer] = []

        def lead(where: str) -> None:
            answers.append(Answer(303, {WHERE: where}))
            keep(answers[0])

        act(lead)
        return answers[0]

    answer = answer_patiently(Request(wish, CALLER, "POST", path, choice), act_and_keep, now=now)
    if answer is None:
        raise StillBusy
    return str(answer.body[WHERE])
