"""Django's backend for PostgreSQL, with a look at the connection in place of a question to the server.

With CONN_HEALTH_CHECKS Django asks the server `SELECT 1` before each request's first statement: a round trip. A server
that has closed a connection has said so on it, and the system knows.
"""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that is known to be there for as long as nothing has come on it unasked."""

    def is_usable(self) -> bool:
        """Say whether the server is still at the other end; where something waits to be read, ask it."""
        if self.connection is None or self.connection.closed:
            return False
        watched = select.poll()
        watched.register(self.connection.fileno(), select.POLLIN)
        return not watched.poll(0) or super().is_usable()
