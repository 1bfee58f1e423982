"""What was done by hand is written down in the transaction that did it."""

from datetime import datetime

from vip.models import Table, TableChange, VipReservation


def note(
    kind: TableChange.Kind,
    reservation: VipReservation,
    *,
    now: datetime,
    note: str = "",
    by_id: int | None = None,
) -> TableChange:
    """Write down a change to a party; without `by_id` the guest made it."""
    return TableChange.objects.create(
        kind=kind,
        event_id=reservation.event_id,
        table_id=reservation.table_id,
        reservation=reservation,
        note=note,
        by_id=by_id,
        at=now,
    )


def note_table(kind: TableChange.Kind, table: Table, *, note: str, by_id: int | None, now: datetime) -> TableChange:
    """Write down a change to a table that nobody has."""
    return TableChange.objects.create(kind=kind, event_id=table.event_id, table=table, note=note, by_id=by_id, at=now)
