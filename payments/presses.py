"""A form that is pressed twice places one order: the pages' own use of idempotency keys."""

import hashlib
import json
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import uuid4

from payments import idempotency
from payments.exceptions import StillHolding
from payments.idempotency import Answer, Keep, KeyInUse, Request
from payments.models import Order

CALLER = "page"
LONGEST_PRESS = 64
# A second press waits for the first to finish rather than hold places of its own.
LOOKS = 20
LOOK_SECONDS = 0.15

Choice = dict[str, Any]  # Any: whatever JSON was chosen
Place = Callable[[Callable[[Order], None]], Order]


def tidy(press: str) -> str:
    """Return the mark by which a form's second press is known, or a new one where none that fits was sent."""
    return press if 0 < len(press) <= LONGEST_PRESS and press.isprintable() else str(uuid4())


def digest_of(choice: Choice) -> str:
    """Return what tells one choice from another."""
    return hashlib.sha256(json.dumps(choice, sort_keys=True, default=str).encode()).hexdigest()[:32]


def place_once(wish: str, choice: Choice, place: Place, *, path: str, now: datetime) -> Order:
    """Place an order for a wish, or find the one it has placed; where that ended unpaid, place another.

    `place` is given a step to run in the transaction that writes the order.
    Raises what `place` raises, and StillHolding where the first press takes too long.
    """
    number = 0
    while True:
        placed = place_or_find(Request(f"{wish}:{number}", CALLER, "POST", path, choice), place, now=now)
        if not has_ended(placed, now=now):
            return placed
        number += 1


def place_or_find(request: Request, place: Place, *, now: datetime) -> Order:
    """Place the order under its key, or find it there; while a twin is at it, wait a little. Raises StillHolding."""

    def act(keep: Keep) -> Answer:
        return answer_for(place(lambda order: keep(answer_for(order))))

    for _ in range(LOOKS):
        with suppress(KeyInUse):
            answer = idempotency.answer_once(request, act, now=now)
            return Order.objects.get(reference=answer.body["reference"])
        time.sleep(LOOK_SECONDS)
    raise StillHolding


def answer_for(order: Order) -> Answer:
    """Return what is kept under a key: the way to the order."""
    return Answer(201, {"reference": order.reference})


def has_ended(order: Order, *, now: datetime) -> bool:
    """Say whether an order can no longer become goods."""
    return order.status in (Order.Status.EXPIRED, Order.Status.CANCELLED) or order.is_overdue(now)
