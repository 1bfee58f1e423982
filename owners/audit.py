"""The invariants that must hold on live data, each as one question whose answer must be empty."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from owners.models import LedgerAudit
from payments import failures, identity, reconcile
from payments.failures import Category, Severity, Trouble


@dataclass(frozen=True, slots=True)
class Invariant:
    """One thing that must always be true; the query finds what breaks it, as one text a row."""

    number: int
    sentence: str
    query: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What one question brought up."""

    number: int
    sentence: str
    broken_by: list[str]

    @property
    def holds(self) -> bool:
        """Say whether the invariant holds."""
        return not self.broken_by


LIVING = "t.status <> 'void'"
INVARIANTS = (
    Invariant(
        1,
        "Every succeeded payment has an order with goods or its money back, or a person was called.",
        """
        SELECT p.external_payment_id FROM payments p JOIN orders o ON o.id = p.order_id
        WHERE p.status = 'succeeded' AND o.status NOT IN ('fulfilled', 'refunded')
          AND p.refunded_cents < p.received_cents
          AND NOT EXISTS (SELECT FROM fulfilments f WHERE f.order_id = o.id AND f.next_attempt_at IS NOT NULL)
          AND NOT EXISTS (SELECT FROM payment_failures x WHERE x.order_id = o.id AND x.severity = 'critical')
        """,
    ),
    Invariant(
        2,
        "No order has two payments that are not going back.",
        """
        SELECT o.reference FROM orders o JOIN payments p ON p.order_id = o.id
        WHERE p.status = 'succeeded' AND p.refunded_cents < p.received_cents
        GROUP BY o.reference HAVING count(*) > 1
        """,
    ),
    Invariant(
        3,
        "A fulfilled order has as many living tickets as it bought, less those refunded; one taken back has none.",
        f"""
        SELECT o.reference FROM orders o
        WHERE o.kind = 'ga_ticket' AND o.status = 'fulfilled'
          AND (SELECT count(*) FROM tickets t WHERE t.order_id = o.id AND {LIVING})
              <> CASE WHEN EXISTS (SELECT FROM ticket_reservations h WHERE h.order_id = o.id AND h.status = 'fulfilled')
                 THEN (SELECT sum((line->>'quantity')::int) FROM jsonb_array_elements(o.lines) line)
                    - (SELECT count(*) FROM refund_items i JOIN refunds r ON r.id = i.refund_id
                       JOIN payments p ON p.id = r.payment_id
                       WHERE p.order_id = o.id AND i.taken_back_at IS NOT NULL)
                 ELSE 0 END
        """,  # noqa: S608 (our own words)
    ),
    Invariant(
        3,
        "A fulfilled order of a table has its table, with a living pass for every seat, or it was cancelled.",
        """
        SELECT o.reference FROM orders o LEFT JOIN vip_reservations v ON v.order_id = o.id
        WHERE o.kind = 'vip_reservation' AND o.status = 'fulfilled'
          AND NOT EXISTS (SELECT FROM payments p WHERE p.order_id = o.id AND p.refunded_cents > 0)
          AND coalesce(v.status, '') NOT IN ('cancelled_by_guest', 'cancelled_by_venue')
          AND (coalesce(v.status, '') NOT IN ('confirmed', 'arrived', 'seated', 'completed', 'no_show')
               OR v.party_size <> (SELECT count(*) FROM vip_guest_passes g
                                   WHERE g.reservation_id = v.id AND g.status <> 'void'))
        """,
    ),
    Invariant(
        4,
        "Held and sold equal the rows they count, and never pass capacity.",
        f"""
        SELECT e.slug || '/' || y.slug FROM ticket_types y JOIN events e ON e.id = y.event_id
        WHERE y.held + y.sold > y.capacity
           OR y.held <> (SELECT coalesce(sum(r.quantity), 0) FROM ticket_reservations r
                         WHERE r.ticket_type_id = y.id AND r.status = 'pending')
           OR y.sold <> (SELECT count(*) FROM tickets t WHERE t.ticket_type_id = y.id AND {LIVING})
        """,  # noqa: S608 (our own words)
    ),
    Invariant(
        5,
        "No table has two live reservations on a night, and none stands for an order that is over.",
        """
        SELECT e.slug || '/' || t.code FROM vip_reservations v
        JOIN vip_tables t ON t.id = v.table_id JOIN events e ON e.id = v.event_id
        WHERE v.status IN ('held', 'confirmed', 'arrived', 'seated') GROUP BY e.slug, t.code HAVING count(*) > 1
        UNION
        SELECT e.slug || '/' || t.code FROM vip_reservations v JOIN orders o ON o.id = v.order_id
        JOIN vip_tables t ON t.id = v.table_id JOIN events e ON e.id = v.event_id
        WHERE v.status IN ('held', 'confirmed', 'arrived', 'seated')
          AND o.status IN ('expired', 'cancelled', 'refunded')
        """,
    ),
    Invariant(
        6,
        "No unpaid order holds places longer than the grace after its end, unless a bank is deciding about it.",
        """
        SELECT o.reference FROM orders o WHERE o.status = 'pending' AND o.expires_at < %(grace)s
          AND NOT EXISTS (SELECT FROM payments p WHERE p.order_id = o.id AND p.status = 'processing')
        """,
    ),
    Invariant(
        7,
        "No event waits past its lease and its time.",
        """
        SELECT w.event_id FROM webhook_events w
        WHERE w.status IN ('pending', 'processing')
          AND coalesce(w.locked_until, w.next_attempt_at, w.received_at) < %(stale)s
        """,
    ),
    Invariant(
        8,
        "Every critical failure has an alert.",
        """
        SELECT x.cause FROM payment_failures x
        WHERE x.severity = 'critical' AND NOT EXISTS (SELECT FROM alerts a WHERE a.failure_id = x.id)
        """,
    ),
    Invariant(
        9,
        "What a payment counts as going back is the sum of its refunds that did not fail.",
        """
        SELECT coalesce(p.external_payment_id, p.id::text) FROM payments p
        WHERE p.refunded_cents <> (SELECT coalesce(sum(r.amount_cents), 0) FROM refunds r
                                   WHERE r.payment_id = p.id AND r.status <> 'failed')
        """,
    ),
    Invariant(
        10,
        "An event id exists once.",
        """
        SELECT w.event_id FROM webhook_events w GROUP BY w.provider, w.event_id HAVING count(*) > 1
        """,
    ),
)
STALE = timedelta(minutes=10)
SHOWN = 100
# What no question to our own database can tell; number 0 in lists.
PROVIDERS_BOOKS = "Our books and the provider's say the same."


@identity.acting(identity.SERVICE)
@transaction.atomic(durable=True)
def audit(*, now: datetime) -> list[Finding]:
    """Ask every question of one picture of the data; return what each brought up."""
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    return answers(now=now)


def answers(*, now: datetime) -> list[Finding]:
    """Ask every question in the transaction there is."""
    moments: dict[str, Any] = {  # Any: query parameters
        "grace": now - timedelta(minutes=settings.HOLD_GRACE_MINUTES),
        "stale": now - STALE,
    }
    findings = []
    with connection.cursor() as cursor:
        for invariant in INVARIANTS:
            cursor.execute(invariant.query, moments)
            broken_by = [str(row[0]) for row in cursor.fetchmany(SHOWN)]
            findings.append(Finding(invariant.number, invariant.sentence, broken_by))
    return findings


def compare_with_provider(provider: str, *, since: datetime, now: datetime) -> Finding:
    """Lay the provider's books beside ours, changing nothing. Raises GatewayUnavailable."""
    compared = reconcile.compare(provider, since=since, now=now)
    return Finding(0, PROVIDERS_BOOKS, [str(found) for found in compared if found][:SHOWN])


def run(*, now: datetime) -> LedgerAudit:
    """Audit the ledger, keep what was found, and call for a person where something is broken."""
    return keep(audit(now=now), now=now)


@transaction.atomic(durable=True)
def keep(findings: list[Finding], *, now: datetime) -> LedgerAudit:
    """Write down an audit; what is broken is told once until somebody has put it right."""
    for finding in findings:
        if not finding.holds:
            report(finding, now=now)
    return LedgerAudit.objects.create(
        audited_at=now,
        findings=[asdict(finding) for finding in findings],
        broken=sum(not finding.holds for finding in findings),
    )


def report(finding: Finding, *, now: datetime) -> None:
    """Call for a person."""
    failures.record(
        Trouble(
            cause=failures.recurring(f"audit:{finding.number}"),
            category=Category.LEDGER,
            severity=Severity.CRITICAL,
            code=f"invariant_{finding.number}",
            message=f"Not true: {finding.sentence} {', '.join(finding.broken_by[:5])}",
        ),
        now=now,
    )


def served_before(moment: datetime) -> QuerySet[LedgerAudit]:
    """Return the audits that found nothing and are old: what `purge_records` deletes."""
    return LedgerAudit.objects.filter(audited_at__lt=moment, broken=0)
