"""What must be true before Django reads its settings: real servers, in places of the tests' own."""

import os
from urllib.parse import urlsplit

from maguey import embedded

TEST_REDIS_DATABASE = 15


def own_database(redis_url: str) -> str:
    """Return the address of the tests' own database on a Redis server."""
    parts = urlsplit(redis_url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}?db={TEST_REDIS_DATABASE}"
    return parts._replace(path=f"/{TEST_REDIS_DATABASE}").geturl()


os.environ["MAGUEY_ENV"] = "demo"
os.environ["DATABASE_ROLE"] = "migrate"
embedded.ensure_running()
os.environ["REDIS_URL"] = own_database(os.environ.get("REDIS_URL") or embedded.redis_url())
