"""A club's old books: a few guests served by the product itself, then copied over two years of nights."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from payments import expiry
from tests.buying import come_back, hold, pay, tell
from tests.emptying import question
from tests.factories.tickets import EventFactory, TicketTypeFactory
from tests.fakes import FakeProvider
from tests.owners.console import decline
from tickets.models import TicketType

NIGHTS = 200
TICKETS_OF_A_UNIT = 8

# Rows of a night are copied once a night; all others once a unit.
OF_NIGHTS = ("events", "ticket_types")
# Not copied: what Django lays down, and the context of a record, which many records share.
LEFT_OUT = ("django_", "auth_", "pghistory_", "account_", "owner_assignments")
# Each copy's number, its night, and by how much it is older than what was copied; night 0 is the first one's own.
UNITS = """
SELECT n, n::bigint * %(nights)s / (%(copies)s + 1) AS night, (n - 1) * interval '730 days' / %(copies)s AS age
FROM generate_series(1, %(copies)s) AS n
"""
NIGHTLY = """
SELECT n, n AS night, n * interval '730 days' / %(nights)s AS age FROM generate_series(1, %(nights)s - 1) AS n
"""
GUESTS = "'guest' || n %% 300000 || '@example.com'"
ADDRESSES = {"email", "customer_email", "recipient", "holder_email"}
# Names at the provider, which other tables repeat.
NUMBERED = {"about", "stripe_payment_intent_id", "stripe_event_id", "external_payment_id", "external_session_id"}


def fill(tickets: int, *, provider: FakeProvider, now: datetime) -> TicketType:
    """Write books with so many tickets, as many events from providers, and the orders that belong to them."""
    type_ = serve_a_unit(provider, now=now)
    copies = tickets // TICKETS_OF_A_UNIT - 1
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE NONE")
        cursor.execute(question())
        tables = [table for (table,) in cursor.fetchall() if not table.startswith(LEFT_OUT)]
        # The rules were kept when the product wrote the rows that are copied; here only their number counts.
        cursor.execute(";".join(f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in tables))
        for table in tables:
            copy(cursor, table, copies)
        cursor.execute(
            "UPDATE ticket_types SET sold = counted.sold, capacity = counted.sold + 100 FROM "
            "(SELECT ticket_type_id, count(*) AS sold FROM tickets GROUP BY 1) AS counted WHERE id = ticket_type_id"
        )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(";".join(f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in tables))
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE NONE")
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("RESET ROLE")
    return type_


def serve_a_unit(provider: FakeProvider, *, now: datetime) -> TicketType:
    """Sell eight tickets, each order told of by two events, and refuse a card whose hold then ends."""
    event = EventFactory.create(doors_at=now + timedelta(hours=3))
    type_ = TicketTypeFactory.create(event=event, capacity=100)
    for _ in range(TICKETS_OF_A_UNIT // 2):
        order = hold(type_, now=now)
        payment = pay(provider, order)
        for told in ("payment_intent.processing", "payment_intent.succeeded"):
            tell(provider, payment, told)
        come_back(order)
    decline(provider, type_, "card_declined")
    expiry.expire_overdue(now=now + timedelta(hours=1))
    return type_


def copy(cursor: Any, table: str, copies: int) -> None:  # Any: Django's wrapper has no public type
    """Copy the rows of one table, each copy shifted into its own time and under its own names."""
    columns = columns_of(cursor, table)
    unique = named_once(cursor, table, columns)
    picked = {name: shifted(table, name, kind, name in unique) for name, (kind, own) in columns.items() if not own}
    quoted = ", ".join(f'"{name}"' for name in picked)
    values = ", ".join(picked.values())
    series = NIGHTLY if table in OF_NIGHTS else UNITS
    cursor.execute(
        f"INSERT INTO {table} ({quoted}) SELECT {values} FROM ({series}) AS copies, {table} AS row",  # noqa: S608
        {"copies": copies, "nights": NIGHTS},
    )


def shifted(table: str, name: str, kind: str, unique: bool) -> str:
    """Return what a column of a copy holds."""
    column = f'row."{name}"'
    of_a_night = table in OF_NIGHTS or name in ("ticket_type_id", "event_id")
    if kind == "uuid" and of_a_night:
        return f"CASE night WHEN 0 THEN {column} ELSE md5({column}::text || ':' || night)::uuid END"
    if kind == "uuid":
        return f"md5({column}::text || n)::uuid"
    if kind == "timestamp with time zone":
        return f"{column} - age"
    if name in ADDRESSES:
        return f"CASE {column} WHEN '' THEN '' ELSE {GUESTS} END"
    if unique or name in NUMBERED:
        return f"CASE {column} WHEN '' THEN '' ELSE right({column} || '-' || n, 64) END"
    return column


def columns_of(cursor: Any, table: str) -> dict[str, tuple[str, bool]]:  # Any: see copy
    """Return a table's columns: their type, and whether the database fills them by itself."""
    cursor.execute(
        "SELECT column_name, data_type, is_identity = 'YES' OR is_generated = 'ALWAYS' "
        "FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s ORDER BY ordinal_position",
        [table],
    )
    return {name: (kind, own) for name, kind, own in cursor.fetchall()}


def named_once(cursor: Any, table: str, columns: dict[str, tuple[str, bool]]) -> set[str]:  # Any: see copy
    """Return the words that no two rows of a table may share."""
    words: set[str] = set()
    for rule in connection.introspection.get_constraints(cursor, table).values():
        kinds = {name: columns[name][0] for name in rule["columns"] or () if name in columns}
        if rule["unique"] and "uuid" not in kinds.values():
            words |= {name for name, kind in kinds.items() if kind in ("character varying", "text")}
    return words - {"provider", "kind", "status", "operation_type"}
