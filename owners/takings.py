"""What came in and what went back, by the hour and by the day, in the venue's own time."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import F, Q, QuerySet, Sum, Value
from django.db.models.functions import TruncHour
from django.utils import timezone

from owners import bars
from owners.bars import Chart, Figure
from payments.models import Order, Payment, Refund
from payments.times import write_day, write_hour
from vip.models import VipReservation

HOURS = 24
DAYS = 30
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CAME, WENT = "came", "went"
AT_THE_DOOR = (VipReservation.Provider.CASH, VipReservation.Provider.CARD_AT_DOOR)
Mine = Callable[[str], Q]


@dataclass(frozen=True, slots=True)
class Total:
    """What came in over some time, and what of all money went back in it."""

    label: str
    cents: int
    back_cents: int

    @property
    def net_cents(self) -> int:
        """Return what is left."""
        return self.cents - self.back_cents


@dataclass(frozen=True, slots=True)
class Takings:
    """A day by the hour, a month by the day, and their sums."""

    totals: list[Total]
    by_hour: Chart
    by_day: Chart


def of_nights(mine: Mine, *, now: datetime) -> Takings:
    """Add up what came in for these nights and what went back; money counts when it moved, not when the night is."""
    first_day = timezone.localtime(now).date() - (DAYS - 1) * DAY
    since = timezone.make_aware(datetime.combine(first_day, time.min))
    came, back = moved(mine, since)
    hours, days = last_hours(now), [first_day + number * DAY for number in range(DAYS)]
    by_hour = [Figure(write_hour(hour), mark_hour(hour), came[hour], back[hour]) for hour in hours]
    came_by_day, back_by_day = by_day(came), by_day(back)
    daily = [Figure(write_day_of(day), mark_day(day), came_by_day[day], back_by_day[day]) for day in days]
    totals = [
        total_of("Last 24 hours", by_hour),
        total_of("Last 7 days", daily[-7:]),
        total_of(f"Last {DAYS} days", daily),
    ]
    return Takings(totals, bars.draw(by_hour), bars.draw(daily))


def moved(mine: Mine, since: datetime) -> tuple[Counter[datetime], Counter[datetime]]:
    """Return the cents that came in each hour, through a provider or at the door, and those that went back."""
    paid = Payment.objects.filter(mine("order__event_id"), status=Payment.Status.SUCCEEDED, processed_at__gte=since)
    door = Order.objects.filter(mine("event_id"), paid_at__gte=since, vip_reservation__payment_provider__in=AT_THE_DOOR)
    # What was promised back has gone, unless it failed to.
    owed = Refund.objects.filter(mine("payment__order__event_id"), created_at__gte=since)
    sums = hourly(paid, CAME, "processed_at", "received_cents").union(
        hourly(door, CAME, "paid_at", "total_cents"),
        hourly(owed.exclude(status=Refund.Status.FAILED), WENT, "created_at", "amount_cents"),
        all=True,
    )
    hours: dict[str, Counter[datetime]] = {CAME: Counter(), WENT: Counter()}
    for way, hour, cents in sums:
        hours[way][hour] += cents
    return hours[CAME], hours[WENT]


def hourly(rows: QuerySet[Any], way: str, at: str, cents: str) -> QuerySet[Any, Any]:  # Any: rows of several models
    """Add up a column by the hour, with the way that money went beside it."""
    hours = rows.order_by().annotate(way=Value(way), hour=TruncHour(at)).values_list("way", "hour")
    sums: QuerySet[Any, Any] = hours.annotate(cents=Sum(F(cents)))  # Any: as above
    return sums


def last_hours(now: datetime) -> list[datetime]:
    """Return the beginnings of the last hours, the present one the last."""
    this = timezone.localtime(now).replace(minute=0, second=0, microsecond=0)
    return [timezone.localtime(this - number * HOUR) for number in range(HOURS - 1, -1, -1)]


def by_day(hours: Counter[datetime]) -> Counter[date]:
    """Add up hours by their day at the venue."""
    days: Counter[date] = Counter()
    for hour, cents in hours.items():
        days[timezone.localtime(hour).date()] += cents
    return days


def total_of(label: str, figures: list[Figure]) -> Total:
    """Add up figures."""
    return Total(label, sum(figure.cents for figure in figures), sum(figure.back_cents for figure in figures))


def mark_hour(hour: datetime) -> str:
    """Write every sixth hour below the chart."""
    return write_hour(hour) if hour.hour % 6 == 0 else ""


def mark_day(day: date) -> str:
    """Write every Monday below the chart."""
    return f"{day:%b} {day.day}" if day.weekday() == 0 else ""


def write_day_of(day: date) -> str:
    """Write a day."""
    return write_day(timezone.make_aware(datetime.combine(day, time(12))), "short")
