"""The roles, the database and the default privileges that the product expects, made once and repeatable."""

from pathlib import Path

import psycopg
from psycopg import sql

from maguey.embedded.cluster import SUPERUSER

DATABASE = "maguey"
OWNER = "maguey_migrate"
DONE = "made by maguey/embedded, 1"  # raise the number when the files in sql/ change

SQL = Path(__file__).parent / "sql"


def connect(socket_dir: Path, database: str) -> psycopg.Connection:
    """Connect as the superuser, every statement a transaction of its own."""
    return psycopg.connect(
        host=str(socket_dir),
        user=SUPERUSER,
        dbname=database,
        autocommit=True,
        connect_timeout=5,
        application_name="maguey",
    )


def ensure(socket_dir: Path) -> None:
    """Make what is missing, finishing what a killed process left half made.

    A comment on the database is written last and says that all is done. It spares template1 a visit, which would
    get in the way of a test database being copied from it.
    """
    with connect(socket_dir, "postgres") as connection:
        if _is_done(connection):
            return
        connection.execute(_read("roles.sql"))
        _create_database(connection)
    for database in (DATABASE, "template1"):
        with connect(socket_dir, database) as connection:
            connection.execute(_read("privileges.sql"))
    with connect(socket_dir, "postgres") as connection:
        connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(DATABASE), sql.Literal(DONE)))


def _is_done(connection: psycopg.Connection) -> bool:
    row = connection.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [DATABASE]
    ).fetchone()
    return row is not None and row[0] == DONE


def _create_database(connection: psycopg.Connection) -> None:
    if connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
        )


def _read(name: str) -> str:
    return (SQL / name).read_text()
