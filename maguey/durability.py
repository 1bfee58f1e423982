"""A server that may forget a commit is refused: an acknowledged payment must outlive a power cut."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

# PostgreSQL, "Write Ahead Log": with any other value a crash may lose commits, or the whole database.
SAFE = {
    "synchronous_commit": ("on", "remote_apply"),
    "fsync": ("on",),
    "full_page_writes": ("on",),
}
QUESTION = "SELECT " + ", ".join(f"current_setting('{name}')" for name in SAFE)


def watch_connections() -> None:
    """Look at every connection when it is made, in whichever process."""
    connection_created.connect(refuse_forgetful, dispatch_uid="durability")


def refuse_forgetful(sender: object, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:  # Any: Django's signal
    """Close a connection whose server may forget. Raises ImproperlyConfigured."""
    answers = connection.connection.execute(QUESTION).fetchone()
    for (name, safe), value in zip(SAFE.items(), answers, strict=True):
        if value not in safe:
            connection.close()
            raise ImproperlyConfigured(f"PostgreSQL has {name} = {value}: a crash could lose payments. Set it to on.")


def refuse_at_start() -> None:
    """Let a server process end at its start rather than at its first guest. Raises ImproperlyConfigured.

    One that cannot be reached yet is looked at when it can be.
    """
    try:
        connection.ensure_connection()
    except OperationalError:
        return
    connection.close()
