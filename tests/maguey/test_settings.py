import pytest

from maguey import settings

KEPT_ALIVE = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"


def test_what_a_databases_address_asks_for_stands_beside_our_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "DATABASE_ROLE", "web")
    asked = "sslmode=verify-full&sslrootcert=/ca.pem&options=-c%20work_mem%3D8MB&connect_timeout=9"
    monkeypatch.setenv("DATABASE_URL", f"postgres://web:pw@db.example:5433/maguey?{asked}")

    found = settings.database()

    assert (found["HOST"], found["PORT"], found["NAME"]) == ("db.example", 5433, "maguey")
    assert found["OPTIONS"] == {
        "sslmode": "verify-full",
        "sslrootcert": "/ca.pem",
        "connect_timeout": 9,
        "prepare_threshold": 1,
        "options": f"-c work_mem=8MB {KEPT_ALIVE} -c idle_in_transaction_session_timeout=15s -c lock_timeout=5s"
        " -c statement_timeout=20s",
    }


def test_an_address_that_asks_for_nothing_has_our_limits_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "DATABASE_ROLE", "migrate")
    monkeypatch.setenv("DATABASE_URL_MIGRATE", "postgres://migrate:pw@db.example/maguey")

    assert settings.database()["OPTIONS"] == {
        "connect_timeout": 5,
        "prepare_threshold": 1,
        "options": f"{KEPT_ALIVE} -c idle_in_transaction_session_timeout=15s",
    }
