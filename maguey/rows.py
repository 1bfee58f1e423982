"""The row-level security of failures, tried as each actor: what each sees, and what each is refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction

from maguey.samples import Samples
from owners.models import OwnerAssignment
from payments import identity
from payments.identity import NOBODY, SERVICE, Actor
from payments.models import PaymentFailure
from tickets.models import Event

TABLE = "payment_failures"
WEB, WORKER = "maguey_web", "maguey_worker"
RESOLUTION = ("metadata", "resolution_note", "resolved", "resolved_at", "resolved_by_id")
# Who may do what with which columns; what is not here, nobody but the owner of the table may.
GRANTS = {
    *((role, privilege, "*") for role in (WEB, WORKER) for privilege in ("SELECT", "INSERT")),
    *((role, "UPDATE", column) for role in (WEB, WORKER) for column in RESOLUTION),
}
OF_THE_TABLE = """
    SELECT grantee::regrole::text, privilege_type, '*' FROM pg_class, aclexplode(relacl)
    WHERE oid = 'payment_failures'::regclass AND grantee <> relowner
"""
OF_COLUMNS = """
    SELECT grantee::regrole::text, privilege_type, attname FROM pg_attribute, aclexplode(attacl)
    WHERE attrelid = 'payment_failures'::regclass
"""
IS_FORCED = "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = 'payment_failures'::regclass"
# Roles that would stand above policies: a superuser, one that passes them by, the owner of any table of ours.
ABOVE = """
    SELECT count(*) FROM pg_roles r WHERE r.rolname IN ('maguey_web', 'maguey_worker') AND (
        r.rolsuper OR r.rolbypassrls OR r.rolcreaterole
        OR EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid)
        OR pg_has_role(r.oid, 'maguey_migrate', 'MEMBER'))
"""

REFUSED = "refused"
INSUFFICIENT_PRIVILEGE = "42501"
READ = "SELECT FROM payment_failures WHERE id IN (%(mine)s, %(foreign)s)"
WRITE = "INSERT INTO payment_failures (id) VALUES (gen_random_uuid())"
RESOLVE = (
    "UPDATE payment_failures SET resolved = true, resolved_at = now(), resolved_by_id = %(by)s, "
    "resolution_note = 'done'"
)
SETTLE = "UPDATE payment_failures SET metadata = '{}' WHERE id IN (%(mine)s, %(foreign)s)"
PURGE = "DELETE FROM payment_failures"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One thing somebody tries: how many rows they reach, or that they are refused."""

    rule: str
    role: str
    who: str
    statement: str
    reaches: int | str


ATTEMPTS = (
    Attempt("nobody_reads_nothing", WEB, "nobody", READ, 0),
    Attempt("nobody_writes_nothing", WEB, "nobody", WRITE, REFUSED),
    Attempt("service_reads", WEB, "service", READ, 2),
    Attempt("service_settles", WEB, "service", SETTLE, 2),
    Attempt("service_never_deletes", WEB, "service", PURGE, REFUSED),
    Attempt("service_never_changes_amounts", WEB, "service", "UPDATE payment_failures SET amount_cents = 1", REFUSED),
    Attempt("worker_reads", WORKER, "nobody", READ, 2),
    Attempt("worker_settles", WORKER, "nobody", SETTLE, 2),
    Attempt("worker_never_deletes", WORKER, "service", PURGE, REFUSED),
    Attempt("worker_never_truncates", WORKER, "service", "TRUNCATE payment_failures CASCADE", REFUSED),
    Attempt("person_reads_their_nights", WEB, "owner", READ, 1),
    Attempt("person_resolves_their_nights", WEB, "owner", RESOLVE, 1),
    Attempt("person_resolves_as_themselves", WEB, "owner", RESOLVE.replace("%(by)s", "%(other)s"), REFUSED),
    Attempt("person_only_resolves", WEB, "owner", f"{RESOLVE}, metadata = '[]'", REFUSED),
    Attempt("person_writes_nothing", WEB, "owner", WRITE, REFUSED),
    Attempt("stranger_reads_nothing", WEB, "stranger", READ, 0),
    Attempt("stranger_resolves_nothing", WEB, "stranger", RESOLVE, 0),
)
STANDING = ("grants", "forced", "roles_below_policies")


def rules() -> set[str]:
    """Name every rule of this table's rows."""
    return {f"{TABLE}.{name}" for name in (*STANDING, *(attempt.rule for attempt in ATTEMPTS))}


def verify(samples: Samples) -> Iterator[tuple[str, bool, str]]:
    """Try everything, in a transaction that is rolled back; yield each rule, whether it held, and what was said."""
    for name, held, said in (granted(), *standing()):
        yield f"{TABLE}.{name}", held, said
    scene = Scene(samples)
    for attempt in ATTEMPTS:
        reached = try_one(attempt, scene)
        yield f"{TABLE}.{attempt.rule}", reached == attempt.reaches, f"reached {reached}"


def granted() -> tuple[str, bool, str]:
    """Compare what is granted with what is to be."""
    with connection.cursor() as cursor:
        cursor.execute(f"{OF_THE_TABLE} UNION {OF_COLUMNS}")
        differ = GRANTS ^ set(cursor.fetchall())
    return "grants", not differ, f"differ: {sorted(differ)}" if differ else "as they are to be"


def standing() -> Iterator[tuple[str, bool, str]]:
    """Look whether the table holds everybody to its policies, and whether nobody stands above them."""
    with connection.cursor() as cursor:
        cursor.execute(IS_FORCED)
        forced = bool(cursor.fetchone()[0])
        cursor.execute(ABOVE)
        above = int(cursor.fetchone()[0])
    yield "forced", forced, "forced" if forced else "not forced"
    yield "roles_below_policies", not above, f"{above} roles stand above"


class Scene:
    """An owner, a stranger, a failure of the owner's night and one of another's."""

    def __init__(self, samples: Samples) -> None:
        """Make the people and the rows."""
        mine = samples.row(Event)
        owner = User.objects.create(username=f"owner-{mine.pk}")
        stranger = User.objects.create(username=f"stranger-{mine.pk}")
        OwnerAssignment.objects.create(user=owner, role=OwnerAssignment.Role.OWNER, event=mine)
        OwnerAssignment.objects.create(user=stranger, role=OwnerAssignment.Role.DOOR, event=mine)
        self.people: dict[str, Actor] = {
            "nobody": NOBODY,
            "service": SERVICE,
            "owner": identity.person(owner.pk),
            "stranger": identity.person(stranger.pk),
        }
        self.mine: UUID = samples.row(PaymentFailure, event=mine).pk
        self.foreign: UUID = samples.row(PaymentFailure, event=samples.row(Event)).pk

    def names(self, who: str) -> dict[str, UUID | int | None]:
        """Return what statements call these rows and people."""
        by, other = self.people[who].user_id, self.people["stranger"].user_id
        return {"mine": self.mine, "foreign": self.foreign, "by": by, "other": other}


def try_one(attempt: Attempt, scene: Scene) -> int | str:
    """Try one thing as somebody, and take it back; return how many rows were reached."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {attempt.role}")
            with identity.acting(scene.people[attempt.who]):
                cursor.execute(scene.people[attempt.who].words())
                cursor.execute(attempt.statement, scene.names(attempt.who))
            reached = int(cursor.rowcount)
            transaction.set_rollback(True)
    except DatabaseError as error:
        is_refused = getattr(error.__cause__, "sqlstate", "") == INSUFFICIENT_PRIVILEGE
        return REFUSED if is_refused else str(error).splitlines()[0]
    return reached
