"""A purchase from the page: pressed twice, made once; thought over, made anew."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime

from payments import expiry, presses
from payments.exceptions import PaymentsError
from payments.models import IdempotencyKey, Order
from payments.orders import Beside, Buyer
from tickets import checkout
from tickets.models import Event


def buy_once(
    event: Event, *, press: str, quantities: Mapping[str, int], buyer: Buyer, now: datetime, code: str = ""
) -> Order:
    """Hold places for a guest, or find the order that this very form has made already.

    A double click, Back or a reload finds the same order. The same form with another choice lets
    the earlier one go first: nobody competes with themselves. Where the order ended unpaid, the
    places are taken again.

    Raises what `checkout.buy_tickets` raises.
    """
    choice = {"quantities": dict(quantities), **asdict(buyer), "code": code}
    wish = f"{press}:{event.slug}:"
    chosen = wish + presses.digest_of(choice)
    let_go_of_others(wish, chosen, now=now)

    def place(beside: Beside) -> Order:
        return checkout.buy_tickets(event, quantities=quantities, buyer=buyer, code=code, now=now, beside=beside)

    return presses.place_once(chosen, choice, place, path=event.slug, now=now)


def let_go_of_others(wish: str, chosen: str, *, now: datetime) -> None:
    """Give back what the same form held before with another choice, where no money is at stake."""
    earlier = IdempotencyKey.objects.filter(scope=presses.CALLER, key__startswith=wish, response_status=201)
    bodies = earlier.exclude(key__startswith=chosen).values_list("response_body", flat=True)
    references = [body["reference"] for body in bodies if body]
    for order in Order.objects.filter(reference__in=references, status=Order.Status.PENDING):
        with suppress(PaymentsError):  # being paid, or the provider is silent: it stays as it is
            expiry.cancel_order(order.pk, now=now)
