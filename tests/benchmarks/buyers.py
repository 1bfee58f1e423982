"""Guests who buy through the API and the provider's own, many at once, with as little work as a client can do."""

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from tests.benchmarks.stampede import Line, request
from tests.proof.club import Club

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SERVER_ERRORS = range(500, 600)
NO_ANSWER = 0
TRIES = 10
PAUSE_SECONDS = 0.5


@dataclass
class Night:
    """What a crowd has seen of a night; moments are seconds since 1970, waits are seconds."""

    paid_at: dict[str, float] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)


class Buyer:
    """One guest, on a line of their own."""

    def __init__(self, club: Club, night: Night, *, kind: str = "general") -> None:
        self._web = Line(club.plan.web_port)
        self._stripe = Line(int(club.plan.sandbox_url.rpartition(":")[2]))
        self._night = night
        self._kind = kind

    async def buy(self) -> bool:
        """Hold a place, pay by a good card and come back; False where somebody said no."""
        wish = {"event": "noche", "items": [{"ticket_type": self._kind, "quantity": 1}]}
        order = await self._insist("orders/", {**wish, "name": "Ana Ruiz", "email": "ana@example.com"})
        if order is None:
            return False
        reference = order["reference"]
        started = await self._insist(f"orders/{reference}/payments/", {"provider": "stripe", "mode": "elements"})
        if started is None or not await self._give_card(started["client_secret"]):
            return False
        self._night.paid_at[reference] = time.time()
        await self._ask(request("GET", f"/orders/{reference}/return/"))
        return True

    def go(self) -> None:
        """Leave."""
        self._web.close()
        self._stripe.close()

    async def _insist(self, path: str, body: dict[str, Any]) -> Any:  # Any: JSON
        """Send a wish under one key until it is made or refused."""
        headers = {**JSON, "Idempotency-Key": str(uuid4())}
        sent = request("POST", f"/api/v1/{path}", body=json.dumps(body).encode(), headers=headers)
        for _ in range(TRIES):
            status, answered = await self._ask(sent)
            if status in (200, 201):
                return json.loads(answered)
            if status in (404, 409, 410, 422) and b"in_use" not in answered:
                self._night.refused[json.loads(answered)["code"]] += 1
                return None
            await asyncio.sleep(PAUSE_SECONDS)  # the provider was silent, or the first try is still at it
        return None

    async def _ask(self, sent: bytes) -> tuple[int, bytes]:
        began = time.perf_counter()
        try:
            status, body = await self._web.ask(sent)
        except TimeoutError:  # as bad as a wait can be, and counted as one
            self._web.close()
            status, body = NO_ANSWER, b""
        self._night.waits.append(time.perf_counter() - began)
        self._night.statuses[status] += 1
        return status, body

    async def _give_card(self, client_secret: str) -> bool:
        """Confirm as Stripe.js does; ask again where Stripe fails."""
        path = f"/v1/payment_intents/{client_secret.partition('_secret_')[0]}/confirm"
        words = {"key": "pk_test_maguey", "client_secret": client_secret, "payment_method": "pm_card_visa"}
        for _ in range(TRIES):
            status, body = await self._stripe.ask(request("POST", path, body=urlencode(words).encode(), headers=FORM))
            if status == 200:
                return bool(json.loads(body)["status"] == "succeeded")
            await asyncio.sleep(PAUSE_SECONDS)
        return False


def crowd(club: Club, *, at_once: int, each: int) -> Night:
    """Let so many guests at once buy, each so many times one after the other."""
    night = Night()

    async def buy_all(buyer: Buyer) -> None:
        for _ in range(each):
            await buyer.buy()
        buyer.go()

    async def everybody() -> None:
        await asyncio.gather(*(buy_all(Buyer(club, night)) for _ in range(at_once)))

    asyncio.run(everybody())
    return night


def rush(club: Club, *, guests: int, seconds: float, kind: str) -> tuple[Night, int]:
    """Let guests come one by one within so many seconds; return what they saw and how many have bought."""
    night = Night()

    async def come(number: int) -> bool:
        await asyncio.sleep(seconds * number / guests)
        buyer = Buyer(club, night, kind=kind)
        try:
            return await buyer.buy()
        finally:
            buyer.go()

    async def everybody() -> int:
        return sum(await asyncio.gather(*(come(number) for number in range(guests))))

    bought = asyncio.run(everybody())
    return night, bought
