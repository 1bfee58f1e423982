"""PostgreSQL by a connection of one's own: for what may neither wait for a request's, nor share its fate."""

from typing import Any

from django.db import connections

PATIENCE_SECONDS = 2
LIMITS = f" -c statement_timeout={PATIENCE_SECONDS}s -c lock_timeout=1s"


def address(name: str) -> dict[str, Any]:  # Any: psycopg's own
    """Return where PostgreSQL is, as this process's role, with little patience; `name` is shown in its activity."""
    configured = connections["default"].settings_dict
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    found = {name: configured[key] for name, key in names.items() if configured[key]}
    return {
        **configured["OPTIONS"],
        **found,
        "options": configured["OPTIONS"].get("options", "") + LIMITS,
        "connect_timeout": PATIENCE_SECONDS,
        "application_name": f"maguey-{name}",
    }
