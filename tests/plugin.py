"""What must be true before Django reads its settings: real servers, in places of the tests' own."""

import os
import socket
from urllib.parse import urlsplit

from maguey import embedded

LAST_REDIS_DATABASE = 15


def own_database(redis_url: str) -> str:
    """Return the address of the tests' own database on a Redis server: the last one, or one before for each worker."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    number = LAST_REDIS_DATABASE - worker
    parts = urlsplit(redis_url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}?db={number}"
    return parts._replace(path=f"/{number}").geturl()


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


# Where the browser journeys start a sandbox of their own; the pages' security policy names it.
os.environ["STRIPE_API_BASE"] = f"http://127.0.0.1:{free_port()}"
os.environ["STRIPE_JS_URL"] = os.environ["STRIPE_API_BASE"] + "/stripe.js"
os.environ["MAGUEY_ENV"] = "demo"
os.environ["ERROR_LOG"] = "false"  # it writes on a connection of its own, across tests
os.environ["DATABASE_ROLE"] = "migrate"
embedded.ensure_running()
os.environ["REDIS_URL"] = own_database(os.environ.get("REDIS_URL") or embedded.redis_url())
