"""What every test may use."""

import pkgutil
import sys
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import redis
import stripe
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase, override_settings
from pytest_django.fixtures import Settings

from payments import gateways, identity, kept, wake
from payments.gateways import stripe as stripe_gateway
from payments.management import commands
from payments.sandbox.testing import Sandbox
from tests import emptying
from tests.browser import ARGUMENTS, BROWSER
from tests.fakes import FakeProvider

TESTS = Path(__file__).parent
# Where the money code is tested, every branch of which must be walked.
MEASURED = [TESTS / path for path in ("payments", "api", "owners/test_rows.py", "tickets/test_purchases.py")]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Measure no coverage outside the tests that are there for it: a tracer makes everything half as slow again.

    A command is imported when it is first called, perhaps by a test that is not measured: so here, while all are.
    """
    if session.items and (measurer := measurer_of(session.config)):
        for module in pkgutil.iter_modules(commands.__path__, commands.__name__ + "."):
            import_module(module.name)
        measurer.pause()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Measure coverage where the money code is tested."""
    measurer = measurer_of(item.config)
    if measurer is None or not any(item.path.is_relative_to(path) for path in MEASURED):
        return (yield)
    for remembering in money_code_that_remembers():
        remembering.cache_clear()  # what another test has asked would not be walked again
    measurer.resume()
    try:
        return (yield)
    finally:
        measurer.pause()


@cache
def money_code_that_remembers() -> list[Any]:  # Any: functools' own
    """Return the functions of the money code that remember every answer."""
    modules = [module for name, module in sys.modules.items() if name.partition(".")[0] == "payments"]
    found = [value for module in modules for value in vars(module).values() if hasattr(value, "cache_parameters")]
    return [remembering for remembering in found if remembering.cache_parameters()["maxsize"] is None]


def measurer_of(config: pytest.Config) -> Any:  # Any: pytest-cov ships no types
    """Return what starts and stops the measuring of coverage, where that was asked for."""
    return getattr(config.pluginmanager.getplugin("_cov"), "cov_controller", None)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    """Start the system's Chromium, quietly."""
    return {"executable_path": BROWSER, "args": ARGUMENTS}


@pytest.fixture(scope="session", autouse=True)
def tables_are_emptied_cheaply() -> Iterator[None]:
    """Empty after a test what it filled; Django would truncate every table there is."""

    def empty(_: TransactionTestCase) -> None:
        emptying.empty_tables()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Be the web once the database is made: its grants and policies hold for tests as for the product."""
    options = connection.settings_dict["OPTIONS"]
    of_the_owner = options["options"]
    settings.DATABASE_ROLE = "web"
    options["options"] += " -c role=maguey_web"
    connection.close()
    yield
    options["options"] = of_the_owner
    connection.close()


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Hash passwords fast: no test is about how slow they are to guess."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(autouse=True)
def looks_as_the_service() -> Iterator[None]:
    """Let a test see every failure; its requests begin as nobody, and its threads too."""
    with identity.acting(identity.SERVICE):
        yield


@pytest.fixture(autouse=True)
def no_page_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test render its own pages."""
    monkeypatch.setattr(kept, "_pages", {})


@pytest.fixture
def as_table_owner(transactional_db: None) -> Iterator[None]:
    """Be the role that migrates, for what it alone may do."""
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE NONE")
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")


@pytest.fixture
def now() -> datetime:
    """Return this moment."""
    return datetime.now(tz=UTC)


@pytest.fixture(autouse=True)
def plain_static_files(settings: Settings) -> None:
    """Serve static files by their own names, each looked for when asked: no test needs the manifest or the list."""
    settings.WHITENOISE_AUTOREFRESH = True
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture(scope="session")
def redis_server() -> Iterator["redis.Redis[bytes]"]:
    """Return the tests' own Redis database."""
    with redis.Redis.from_url(settings.REDIS_URL) as server:
        yield server


@pytest.fixture(autouse=True)
def empty_redis(redis_server: "redis.Redis[bytes]") -> None:
    """Begin each test with nothing counted against anybody."""
    redis_server.flushdb()


@pytest.fixture(autouse=True)
def broker_is_believed() -> None:
    """Let no test inherit another's silence towards the broker."""
    wake.pause.until = 0


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> FakeProvider:
    """Return a provider in memory, in the place of every gateway."""
    fake = FakeProvider()

    def only_this_one(provider: str) -> FakeProvider:
        return fake

    monkeypatch.setattr(gateways, "for_provider", only_this_one)
    return fake


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Return a Stripe of this test's own, spoken to by the real SDK in this process."""
    books = Sandbox()
    client = books.client()

    def client_of_this_test() -> stripe.StripeClient:
        return client

    monkeypatch.setattr(stripe_gateway, "client", client_of_this_test)
    yield books
    books.close()
