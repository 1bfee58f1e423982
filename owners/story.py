"""The story of one order: everything that happened to it, oldest first, each with who did it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from django.urls import reverse
from django.utils import timezone

from owners import facts, provider_pages, sentences, who
from owners.facts import Fact
from payments.models import Order, Payment

TOGETHER = timedelta(seconds=1)
BADGES = {
    "order": "Order", "payment": "Payment", "failure": "Trouble", "fulfilment": "Delivery", "refund": "Refund",
    "email": "Email", "hold": "Places", "ticket": "Ticket", "party": "Table", "pass": "Pass", "event": "Webhook",
    "scan": "Door", "change": "Table", "alert": "Alert", "night": "Night",
}  # fmt: skip
GOOD = {
    "order.paid", "order.fulfilled", "payment.succeeded", "refund.succeeded", "scan.first", "failure.resolved",
    "alert.seen",
}  # fmt: skip
BAD = {
    "fulfilment.tried", "refund.tried", "refund.failed", "email.tried", "email.bounced", "scan.rejected",
    "event.failed", "order.disputed", "party.cancelled_by_venue", "night.cancelled",
}  # fmt: skip
ODD = {"order.expired", "order.cancelled", "order.refunded", "refund.promised", "email.queued", "ticket.void"}
OF_SEVERITY = {"critical": "bad", "warning": "odd"}
PAGES = {"failure": "payments_paymentfailure", "email": "payments_email", "alert": "owners_alert"}
EVENT_PAGE = "payments_webhookevent"
GROUPED = ("hold", "ticket", "pass")


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened: when, what in a sentence, who did it, of which kind, and where there is more."""

    at: datetime
    sentence: str
    who: str
    badge: str
    tone: str
    link: str = ""
    leads_out: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """An order's moments by day; `is_recorded` unless it began before anything was recorded."""

    days: list[tuple[date, list[Moment]]]
    is_recorded: bool

    @property
    def moments(self) -> list[Moment]:
        """Return them all, oldest first."""
        return [moment for _, moments in self.days for moment in moments]


def tell(order: Order, payments: list[Payment], *, sees_events: bool) -> Story:
    """Tell an order's story; events have pages of their own for who runs every night."""
    known = facts.of_order(order, payments)
    moments = [moment_of(group, order, sees_events=sees_events) for group in together(known)]
    days = [(day, list(found)) for day, found in groupby(moments, key=lambda moment: timezone.localdate(moment.at))]
    is_recorded = any(fact.is_record and (fact.kind, fact.label) == ("order", "placed") for fact in known)
    return Story(days, is_recorded)


def together(known: list[Fact]) -> Iterator[list[Fact]]:
    """Yield facts one by one, but those of several tickets, passes or holds at one stroke as one."""
    group: list[Fact] = []
    for fact in known:
        if group and not is_of(fact, group):
            yield group
            group = []
        group.append(fact)
    if group:
        yield group


def is_of(fact: Fact, group: list[Fact]) -> bool:
    """Say whether a fact belongs with those before it."""
    first = group[0]
    same = (fact.kind, fact.label, fact.by) == (first.kind, first.label, first.by)
    return same and fact.kind in GROUPED and fact.at - first.at < TOGETHER


def moment_of(group: list[Fact], order: Order, *, sees_events: bool) -> Moment:
    """Write one moment."""
    first = group[0]
    link, leads_out = link_of(first, sees_events=sees_events)
    return Moment(
        at=first.at,
        sentence=sentences.of(group, order),
        who=who.in_words(first.by or {}, first.person or ""),
        badge=BADGES[first.kind],
        tone=tone_of(first),
        link=link,
        leads_out=leads_out,
    )


def tone_of(fact: Fact) -> str:
    """Return the colour of a moment."""
    name = f"{fact.kind}.{fact.label}"
    if name == "failure.recorded":
        return OF_SEVERITY.get(str(fact.told["severity"]), "plain")
    if name in GOOD:
        return "good"
    return "bad" if name in BAD else "odd" if name in ODD else "plain"


def link_of(fact: Fact, *, sees_events: bool) -> tuple[str, bool]:
    """Return where there is more of it, and whether that is a page of somebody else's."""
    if fact.kind in ("payment", "refund"):
        return provider_pages.of_payment(fact.told["id"] or ""), True
    if fact.kind == "event" and sees_events:
        return reverse(f"admin:{EVENT_PAGE}_change", args=[fact.row]), False
    page = PAGES.get(fact.kind)
    return (reverse(f"admin:{page}_change", args=[fact.row]) if page else "", False)
