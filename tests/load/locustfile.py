"""A busy night: guests who buy tickets and tables, a provider that tells of it, and an owner who looks on.

`make load` sends it to our own machine, `make load HOST=https://staging.example` to another. On our own machine the
ledger is audited at the end; elsewhere the operator does so. The report with its plots is .maguey/load.html.

LOAD_NIGHT, LOAD_STRIPE, LOAD_PUBLISHABLE_KEY, LOAD_WEBHOOK_SECRET and LOAD_OWNER name what stands elsewhere.
"""

import json
import os
import random
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import stripe
from locust import HttpUser, between, events, task
from locust.env import Environment
from requests.adapters import HTTPAdapter

PROJECT = Path(__file__).resolve().parents[2]
NIGHT = os.environ.get("LOAD_NIGHT", "noche-de-cumbia")
STRIPE = os.environ.get("LOAD_STRIPE", "http://127.0.0.1:8901")
PUBLISHABLE_KEY = os.environ.get("LOAD_PUBLISHABLE_KEY", "pk_test_maguey")
SECRET = os.environ.get("LOAD_WEBHOOK_SECRET", "whsec_maguey")
OWNER = os.environ.get("LOAD_OWNER", "owner:maguey")
OURS = ("127.0.0.1", "localhost")
# What a guest may be told: the places went, the hold ended, or somebody was a moment earlier.
KIND_REFUSALS = (404, 409, 410, 422)
_numbers = count()


class Visitor(HttpUser):
    """Anybody, from an address of their own where that is possible: limits count by address."""

    abstract = True
    wait_time = between(0.5, 2)

    def on_start(self) -> None:
        """Take an address."""
        if urlsplit(self.host or "").hostname in OURS:
            number = next(_numbers)
            adapter = HTTPAdapter()
            adapter.init_poolmanager(2, 2, source_address=(f"127.9.{number // 250}.{1 + number % 250}", 0))
            self.client.mount("http://", adapter)

    def send(self, path: str, body: dict[str, Any], name: str) -> Any:  # Any: JSON
        """Send one wish under a key; return what was made, or None where it was kindly refused."""
        headers = {"Idempotency-Key": str(uuid4())}
        with self.client.post(f"/api/v1/{path}", json=body, headers=headers, name=name, catch_response=True) as answer:
            if answer.status_code in KIND_REFUSALS:
                answer.success()
            return answer.json() if answer.status_code in (200, 201) else None

    def pay(self, order: dict[str, Any]) -> None:
        """Pay by a good card, as Stripe.js does, and come back to our page."""
        reference = order["reference"]
        started = self.send(f"orders/{reference}/payments/", {"provider": "stripe", "mode": "elements"}, "start to pay")
        if started is None:
            return
        secret = started["client_secret"]
        words = {"client_secret": secret, "payment_method": "pm_card_visa", "key": PUBLISHABLE_KEY}
        intent = secret.partition("_secret_")[0]
        self.client.post(f"{STRIPE}/v1/payment_intents/{intent}/confirm", data=words, name="(Stripe) confirm")
        self.client.get(f"/orders/{reference}/return/", name="come back")

    def named(self) -> dict[str, str]:
        """Return who somebody says they are."""
        return {"name": "Ana Ruiz", "email": f"ana{random.randrange(10_000)}@example.com"}


class TicketBuyer(Visitor):
    """Looks at the night and buys a few tickets."""

    weight = 10

    @task
    def buy(self) -> None:
        """From the night's page to tickets."""
        self.client.get(f"/nights/{NIGHT}/", name="the night")
        items = [{"ticket_type": "general", "quantity": random.randint(1, 4)}]
        if order := self.send("orders/", {"event": NIGHT, "items": items, **self.named()}, "hold tickets"):
            self.pay(order)


class TableBuyer(Visitor):
    """Looks at the room and books a table; half think better of it."""

    weight = 2

    @task
    def book(self) -> None:
        """From the room's map to a host's page."""
        self.client.get(f"/nights/{NIGHT}/tables/", name="the room")
        night = self.client.get(f"/api/v1/events/{NIGHT}/", name="the night, for programs").json()
        free = [table for table in night["tables"] if table["status"] == "free"]
        if not free:
            return
        table = random.choice(free)
        wish = {"event": NIGHT, "table": table["code"], "party_size": table["capacity_min"], **self.named()}
        if order := self.send("orders/", wish, "hold a table"):
            if random.random() < 0.5:
                self.pay(order)
            else:
                self.send(f"orders/{order['reference']}/cancel/", {}, "let a table go")


class Provider(Visitor):
    """Tells of things, twice each."""

    weight = 2

    @task
    def tell(self) -> None:
        """Deliver one signed event, and deliver it again."""
        event = {"id": f"evt_load_{uuid4().hex}", "type": "customer.created", "data": {"object": {"id": "cus_1"}}}
        body = json.dumps(event)
        signature = stripe.WebhookSignature.generate_signature_header(body, SECRET, None)
        headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
        for name in ("an event", "the event again"):
            self.client.post("/webhooks/stripe/", data=body, headers=headers, name=name)


class Owner(Visitor):
    """Watches the night from the console."""

    weight = 1

    def on_start(self) -> None:
        """Sign in."""
        super().on_start()
        self.client.get("/accounts/login/", name="sign in")
        name, _, password = OWNER.partition(":")
        words = {"login": name, "password": password, "csrfmiddlewaretoken": self.client.cookies["csrftoken"]}
        self.client.post("/accounts/login/", data=words, headers={"Referer": f"{self.host}/"}, name="sign in")

    @task
    def look(self) -> None:
        """Look at home, at orders and at what failed."""
        for path in ("/admin/", "/admin/payments/order/", "/admin/payments/paymentfailure/"):
            self.client.get(path, name=f"the console: {path}")


@events.quitting.add_listener
def audit(environment: Environment, **_: Any) -> None:  # Any: locust's own
    """Compare the books with the provider's where they are ours; what is wrong fails the run."""
    if urlsplit(environment.host or "").hostname not in OURS:
        return
    command = [sys.executable, "manage.py", "audit_ledger", "--provider", "stripe"]
    if subprocess.run(command, cwd=PROJECT, check=False).returncode:
        environment.process_exit_code = 1
