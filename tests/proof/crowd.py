"""Guests with phones: each from an address of its own, each trying again until something says no for good."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import urllib3

from tests.proof.club import Club

PATIENCE_SECONDS = 60.0
ANSWER_SECONDS = 15.0
PAUSE_SECONDS = 0.3
FINAL = (200, 201, 400, 402, 404, 410, 422)


@dataclass(frozen=True, slots=True)
class Sale:
    """What one guest tried to buy, and whether the provider took their money."""

    reference: str
    quantity: int
    is_paid: bool


@dataclass
class Crowd:
    """So many guests, one after another at each phone, until it is time to go."""

    club: Club
    phones: int = 20
    sales: list[Sale] = field(default_factory=list)
    _is_over: threading.Event = field(default_factory=threading.Event)
    _pool: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        """Hand out the phones."""
        self._pool = ThreadPoolExecutor(self.phones)

    def __enter__(self) -> "Crowd":
        for phone in range(self.phones):
            self._pool.submit(self._use, phone)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._pool.shutdown()

    def _use(self, phone: int) -> None:
        turn = 0
        while not self._is_over.is_set():
            turn += 1
            guest = Guest(self.club, address=f"127.{1 + phone // 250}.{turn % 250}.{1 + phone % 250}")
            if sale := guest.buy(quantity=1 + turn % 4, comes_back=turn % 2 == 0):
                self.sales.append(sale)


class Guest:
    """One person buying tickets through the API and Stripe's own."""

    def __init__(self, club: Club, *, address: str) -> None:
        self._club = club
        self._http = urllib3.PoolManager(source_address=(address, 0), retries=False, timeout=ANSWER_SECONDS)
        self._deadline = time.monotonic() + PATIENCE_SECONDS

    def buy(self, *, quantity: int, comes_back: bool) -> Sale | None:
        """Hold, open the way to pay, give a good card; half come back to our page afterwards."""
        body = {
            "event": "noche",
            "items": [{"ticket_type": "general", "quantity": quantity}],
            "name": "Ana Ruiz",
            "email": "ana@example.com",
        }
        order = self._insist("orders/", body)
        if order is None:
            return None
        reference = order["reference"]
        started = self._insist(f"orders/{reference}/payments/", {"provider": "stripe", "mode": "elements"})
        is_paid = bool(started) and self._give_card(started["client_secret"])
        if comes_back:
            self._ask("GET", f"{self._club.plan.site_url}/orders/{reference}/return/")
        self._http.clear()
        return Sale(reference, quantity, is_paid)

    def _insist(self, path: str, body: dict[str, Any]) -> Any:  # Any: JSON
        """Send a POST under one key until the answer is final; return what was made, or None."""
        key = str(uuid4())
        while time.monotonic() < self._deadline:
            answer = self._ask("POST", f"{self._club.plan.site_url}/api/v1/{path}", body, {"Idempotency-Key": key})
            if answer and answer.status in FINAL:
                return answer.json() if answer.status in (200, 201) else None
            time.sleep(PAUSE_SECONDS)
        return None

    def _give_card(self, client_secret: str) -> bool:
        """Confirm as Stripe.js does, and ask how it stands whenever the answer is lost."""
        intent_id = client_secret.partition("_secret_")[0]
        address = f"{self._club.plan.sandbox_url}/v1/payment_intents/{intent_id}"
        words = f"key=pk_test_maguey&client_secret={client_secret}"
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        while time.monotonic() < self._deadline:
            seen = self._ask("GET", f"{address}?{words}")
            if seen and seen.status == 200 and seen.json()["status"] in ("succeeded", "canceled"):
                return bool(seen.json()["status"] == "succeeded")
            self._ask("POST", f"{address}/confirm", f"{words}&payment_method=pm_card_visa", form)
        return False

    def _ask(self, method: str, address: str, body: Any = None, headers: Any = None) -> Any:  # Any: urllib3's own
        """Send one request; None where no answer came."""
        sent = {"json": body} if isinstance(body, dict) else {"body": body}
        try:
            return self._http.request(method, address, headers=headers, redirect=False, **sent)
        except urllib3.exceptions.HTTPError:
            time.sleep(PAUSE_SECONDS)
            return None
