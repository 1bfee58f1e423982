"""A night's tables in figures: what came, what is due, who is in."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Q

from tickets.models import Event
from vip import policy
from vip.models import GuestPass, Table, VipReservation

COUNTED = (
    VipReservation.Status.CONFIRMED, VipReservation.Status.ARRIVED, VipReservation.Status.SEATED,
    VipReservation.Status.COMPLETED, VipReservation.Status.NO_SHOW,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One table on one night; without a party, everything is nothing."""

    table: Table
    reservation: VipReservation | None
    revenue_cents: int = 0
    deposit_cents: int = 0
    balance_due_cents: int = 0
    arrived: int = 0
    party_size: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """A night's tables, and their sums."""

    rows: list[Row]

    @property
    def revenue_cents(self) -> int:
        """Return what came in and has not gone back."""
        return sum(row.revenue_cents for row in self.rows)

    @property
    def deposit_cents(self) -> int:
        """Return how much of it was deposits."""
        return sum(row.deposit_cents for row in self.rows)

    @property
    def balance_due_cents(self) -> int:
        """Return what is due on the night, at the minimum spends."""
        return sum(row.balance_due_cents for row in self.rows)

    @property
    def arrived(self) -> int:
        """Return how many guests of tables are in."""
        return sum(row.arrived for row in self.rows)

    @property
    def expected(self) -> int:
        """Return how many guests of tables may come."""
        return sum(row.party_size for row in self.rows)


def of_night(event: Event) -> Summary:
    """Return every table of a night with its party, if it has one that counts.

    What a cancelled party left behind by the policy is revenue of its table too.
    """
    inside = Count("passes", filter=Q(passes__status=GuestPass.Status.ADMITTED))
    parties: dict[UUID, list[VipReservation]] = {}
    for party in VipReservation.objects.filter(event=event).select_related("order").annotate(inside=inside):
        parties.setdefault(party.table_id, []).append(party)
    tables = sorted(Table.objects.filter(event=event), key=by_number)
    return Summary([row_of(table, parties.get(table.pk, [])) for table in tables])


def by_number(table: Table) -> tuple[str, int, str]:
    """Sort F2 before F10, and both before S1."""
    return table.code.rstrip("0123456789"), len(table.code), table.code


def row_of(table: Table, parties: list[VipReservation]) -> Row:
    """Return one table's figures."""
    revenue = sum(revenue_of(party) for party in parties)
    counted = [party for party in parties if party.status in COUNTED]
    if not counted:
        return Row(table, None, revenue_cents=revenue)
    latest = max(counted, key=lambda party: party.created_at)
    return Row(
        table=table,
        reservation=latest,
        revenue_cents=revenue,
        deposit_cents=latest.deposit_cents if latest.terms["mode"] == Table.Mode.DEPOSIT else 0,
        balance_due_cents=latest.balance_cents,
        arrived=getattr(latest, "inside", 0),
        party_size=latest.party_size,
    )


def revenue_of(party: VipReservation) -> int:
    """Return what came for a table and has not gone back, through a provider or at the door."""
    if party.payment_provider in (VipReservation.Provider.CASH, VipReservation.Provider.CARD_AT_DOOR):
        return party.order.total_cents if party.status in COUNTED else 0
    return policy.left_of(party.order)
