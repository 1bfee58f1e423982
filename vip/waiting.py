"""The line for tables: joined by email, served first come first served when one comes back that fits the party.

As with tickets (docs/adr/0009), an offer is an order, held for its guest longer than usual.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from payments import charges, mail
from payments.orders import Buyer
from tickets.exceptions import NotOnSale, StillThere
from tickets.models import Event
from vip import booking, floor, reservations
from vip.booking import Party
from vip.exceptions import NoTableSoLarge, PartyDoesNotFit, TableBlocked, TableTaken
from vip.floor import State
from vip.models import Table, VipReservation, WaitingParty

JOINED = "table_waiting_joined"
OFFERED = "table_waiting_offered"
Status = WaitingParty.Status


@transaction.atomic(durable=True)
def join(event_id: UUID, *, buyer: Buyer, size: int, now: datetime) -> WaitingParty:
    """Put a party at the end of a night's line, once; a repeat finds it where it is.

    Raises NotOnSale, NoTableSoLarge, StillThere.
    """
    event = Event.objects.get(pk=event_id)
    if not event.is_on_sale(now):
        raise NotOnSale
    tables = floor.with_state(seating(event_id, size), now=now)
    states = set(tables.values_list("state", flat=True))  # type: ignore[misc]  # annotated
    if not states - {State.BLOCKED}:
        raise NoTableSoLarge
    if State.FREE in states:
        raise StillThere
    fresh = WaitingParty(
        event=event,
        name=buyer.name,
        email=buyer.email.lower(),
        phone=buyer.phone,
        language=buyer.language,
        party_size=size,
        joined_at=now,
    )
    WaitingParty.objects.bulk_create([fresh], ignore_conflicts=True)
    party = WaitingParty.objects.in_line().get(event=event, email=fresh.email)
    words = {"language": party.language, "reference": party.reference, "name": party.name}
    words |= {"title": event.title, "size": str(party.party_size)}
    mail.owe(JOINED, order=None, recipient=party.email, cause=f"{JOINED}:{party.pk}", context=words, now=now)
    return party


def seating(event_id: UUID, size: int) -> QuerySet[Table]:
    """Return a night's tables that seat a party."""
    return Table.objects.filter(event=event_id, capacity_min__lte=size, capacity_max__gte=size)


@transaction.atomic(durable=True)
def leave(reference: str) -> bool:
    """Take a party out of the line; False where it is not in it."""
    return bool(WaitingParty.objects.in_line().filter(reference=reference).update(status=Status.LEFT))


def offer_tables(*, now: datetime) -> int:
    """Offer what has come back, to each in turn whom a table fits; return how many offers were made."""
    line = WaitingParty.objects.in_line().order_by("joined_at", "pk")
    made = 0
    for party_id in line.values_list("pk", flat=True):
        try:
            made += offer(party_id, now=now)
        except (TableTaken, TableBlocked, PartyDoesNotFit, NotOnSale):
            continue
    return made


@transaction.atomic(durable=True)
def offer(party_id: UUID, *, now: datetime) -> bool:
    """Hold a table for one waiting party and write to them; False where they wait no longer.

    Raises TableTaken, TableBlocked, PartyDoesNotFit, NotOnSale; then they keep their place in the line.
    """
    party = WaitingParty.objects.select_for_update().get(pk=party_id)
    if party.status != Status.WAITING:
        return False
    table = booking.lock_table(best_free(party, now=now), now=now)
    if not table.event.is_on_sale(now):
        raise NotOnSale
    reservation = hold(table, party, now=now)
    party.status, party.order = Status.OFFERED, reservation.order
    party.save(update_fields=["status", "order"])
    if reservation.order.total_cents:
        mail.owe(OFFERED, order=reservation.order, cause=f"{OFFERED}:{party.pk}", now=now)
    else:
        charges.mark_paid(reservation.order, now=now)  # nothing to pay: it is theirs at once
    return True


def best_free(party: WaitingParty, *, now: datetime) -> UUID:
    """Return the smallest free table that seats a party, the cheapest of those. Raises TableTaken."""
    free = floor.with_state(seating(party.event_id, party.party_size), now=now, for_the_line=True)
    found = free.filter(state=State.FREE).order_by("capacity_max", "price_cents", "code")  # type: ignore[misc]  # annotated
    table_id = found.values_list("pk", flat=True).first()
    if table_id is None:
        raise TableTaken
    return table_id


@transaction.atomic(savepoint=False)
def hold(table: Table, party: WaitingParty, *, now: datetime) -> VipReservation:
    """Take a locked table for a waiting party, for as long as an offer holds. Raises what booking.hold raises."""
    buyer = Buyer(party.name, party.email, phone=party.phone, language=party.language)
    wish = Party(party.party_size, accepts_terms=True)
    reservation = booking.hold(table, terms=booking.terms_of(table), party=wish, buyer=buyer, now=now)
    order = reservation.order
    order.expires_at = now + timedelta(minutes=settings.OFFER_MINUTES)
    order.save(update_fields=["expires_at"])
    reservations.extend(order, now)
    reservation.terms_accepted_at = party.joined_at
    reservation.save(update_fields=["terms_accepted_at"])
    return reservation
