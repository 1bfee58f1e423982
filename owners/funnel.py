"""How many of those who held places paid for them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.utils import timezone

from owners.takings import Mine
from payments.models import Order
from vip.models import VipReservation

WEEK = timedelta(days=7)
# Sold or given by hand: nobody held these to pay.
BY_HAND = (VipReservation.Provider.CASH, VipReservation.Provider.CARD_AT_DOOR, VipReservation.Provider.NONE)


@dataclass(frozen=True, slots=True)
class Funnel:
    """What became of the orders placed over some time."""

    label: str
    placed: int
    paid: int
    expired: int
    open: int

    @property
    def percent(self) -> int | None:
        """Return how many of a hundred that are over were paid; nothing while none is over."""
        over = self.placed - self.open
        return round(100 * self.paid / over) if over else None


def of_nights(mine: Mine, *, now: datetime) -> list[Funnel]:
    """Count what became of today's orders, and of this week's, for these nights."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    week = min(midnight, now - WEEK)
    placed = Order.objects.filter(mine("event_id"), created_at__gte=week)
    placed = placed.exclude(vip_reservation__payment_provider__in=BY_HAND)
    today = Q(created_at__gte=midnight)
    counts = placed.aggregate(**counts_of("today", today), **counts_of("week", Q()))
    return [funnel("Today", "today", counts), funnel("Last 7 days", "week", counts)]


def counts_of(name: str, within: Q) -> dict[str, Count]:
    """Return what is counted over some time."""
    return {
        f"{name}_placed": Count("pk", filter=within),
        f"{name}_paid": Count("pk", filter=within & Q(paid_at__isnull=False)),
        f"{name}_expired": Count("pk", filter=within & Q(status=Order.Status.EXPIRED)),
        f"{name}_open": Count("pk", filter=within & Q(status=Order.Status.PENDING)),
    }


def funnel(label: str, name: str, counts: dict[str, int]) -> Funnel:
    """Return the counts of one name."""
    return Funnel(label, *(counts[f"{name}_{what}"] for what in ("placed", "paid", "expired", "open")))
