import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from maguey import constraints
from payments.models import Order

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("as_table_owner")]


def test_every_rule_of_the_database_holds_and_nothing_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("verify_constraints")

    assert capsys.readouterr().out.splitlines()[-1] == f"All {len(constraints.rules())} rules held."
    assert not Order.objects.exists()


def test_every_rule_has_a_case() -> None:
    tried = {verdict.rule for verdict in constraints.verify()}

    assert tried == constraints.rules()


def test_every_named_constraint_is_in_the_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint UNION SELECT indexname FROM pg_indexes")
        there = {row[0] for row in cursor.fetchall()}

    assert {rule for rule in constraints.rules() if "." not in rule} <= there


def test_a_rule_that_is_gone_is_reported() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ticket_types DROP CONSTRAINT tickets_type_never_above_capacity")
    try:
        with pytest.raises(CommandError, match="tickets_type_never_above_capacity"):
            call_command("verify_constraints")
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "ALTER TABLE ticket_types ADD CONSTRAINT tickets_type_never_above_capacity "
                "CHECK (capacity >= held + sold)"
            )


@pytest.mark.parametrize(
    ("broken", "mended", "rule"),
    [
        (
            "ALTER TABLE payment_failures NO FORCE ROW LEVEL SECURITY",
            "ALTER TABLE payment_failures FORCE ROW LEVEL SECURITY",
            "payment_failures.forced",
        ),
        (
            "GRANT UPDATE (amount_cents) ON payment_failures TO maguey_web",
            "REVOKE UPDATE (amount_cents) ON payment_failures FROM maguey_web",
            "payment_failures.service_never_changes_amounts",
        ),
        (
            "CREATE POLICY anybody ON payment_failures FOR SELECT TO maguey_web USING (true)",
            "DROP POLICY anybody ON payment_failures",
            "payment_failures.stranger_reads_nothing",
        ),
    ],
)
def test_a_row_shown_to_the_wrong_people_is_reported(broken: str, mended: str, rule: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(broken)
    try:
        with pytest.raises(CommandError, match=rule):
            call_command("verify_constraints")
    finally:
        with connection.cursor() as cursor:
            cursor.execute(mended)
