"""A purchase from the page: pressed twice, made once; thought over, made anew."""

import hashlib
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime

from payments import expiry, idempotency
from payments.exceptions import PaymentsError
from payments.idempotency import Answer, Keep, KeyInUse, Request
from payments.models import IdempotencyKey, Order
from payments.orders import Buyer
from tickets import checkout
from tickets.exceptions import StillHolding
from tickets.models import Event

CALLER = "page"
# A second press waits for the first to finish rather than hold places of its own.
LOOKS = 20
LOOK_SECONDS = 0.15


def buy_once(
    event: Event, *, press: str, quantities: Mapping[str, int], buyer: Buyer, now: datetime, code: str = ""
) -> Order:
    """Hold places for a guest, or find the order that this very form has made already.

    A double click, Back or a reload finds the same order. The same form with another choice lets
    the earlier one go first: nobody competes with themselves. Where the order ended unpaid, the
    places are taken again.

    Raises what `checkout.buy_tickets` raises, and StillHolding where the first press takes too long.
    """
    choice = {"quantities": dict(quantities), **asdict(buyer), "code": code}
    digest = hashlib.sha256(json.dumps(choice, sort_keys=True).encode()).hexdigest()[:32]
    wish = f"{press}:{event.slug}:"
    let_go_of_others(wish, wish + digest, now=now)
    number = 0
    while True:
        request = Request(f"{wish}{digest}:{number}", CALLER, "POST", event.slug, choice)
        placed = place_or_find(event, request, quantities=quantities, buyer=buyer, code=code, now=now)
        if not has_ended(placed, now=now):
            return placed
        number += 1


def place_or_find(
    event: Event, request: Request, *, quantities: Mapping[str, int], buyer: Buyer, code: str, now: datetime
) -> Order:
    """Place the order under its key, or find it there; while a twin is at it, wait a little.

    Raises StillHolding.
    """

    def place(keep: Keep) -> Answer:
        placed = checkout.buy_tickets(
            event,
            quantities=quantities,
            buyer=buyer,
            code=code,
            now=now,
            remember=lambda order: keep(answer_for(order)),
        )
        return answer_for(placed)

    for _ in range(LOOKS):
        with suppress(KeyInUse):
            answer = idempotency.answer_once(request, place, now=now)
            return Order.objects.get(reference=answer.body["reference"])
        time.sleep(LOOK_SECONDS)
    raise StillHolding


def answer_for(order: Order) -> Answer:
    """Return what is kept under a key: the way to the order."""
    return Answer(201, {"reference": order.reference})


def has_ended(order: Order, *, now: datetime) -> bool:
    """Say whether an order can no longer become tickets."""
    return order.status in (Order.Status.EXPIRED, Order.Status.CANCELLED) or order.is_overdue(now)


def let_go_of_others(wish: str, chosen: str, *, now: datetime) -> None:
    """Give back what the same form held before with another choice, where no money is at stake."""
    earlier = IdempotencyKey.objects.filter(scope=CALLER, key__startswith=wish, response_status=201)
    bodies = earlier.exclude(key__startswith=chosen).values_list("response_body", flat=True)
    references = [body["reference"] for body in bodies if body]
    for order in Order.objects.filter(reference__in=references, status=Order.Status.PENDING):
        with suppress(PaymentsError):  # being paid, or the provider is silent: it stays as it is
            expiry.cancel_order(order.pk, now=now)
