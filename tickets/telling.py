"""What an order's page tells a guest who has no tickets on it: one truth about their money."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from payments import orders, times
from payments.models import Order, Refund
from payments.money import format_cents
from payments.orders import Truth
from tickets.models import Event, RefundPolicy


@dataclass(frozen=True, slots=True)
class Telling:
    """A headline, what it means, whether it will change by itself, and whether the places can be had again."""

    headline: str
    explanation: str
    is_moving: bool = False
    can_have_again: bool = False


def tell(order: Order, *, now: datetime) -> Telling:
    """Choose the words for an order without tickets; never a claim about money that is not known."""
    truth = orders.truth(order)
    if truth is Truth.ON_THE_WAY:
        return on_the_way()
    if truth in (Truth.REFUNDED, Truth.DELIVERED):  # delivered, and every ticket void: cancelled for a part
        return refunded(order)
    if orders.is_deciding(order):
        return deciding()
    if order.status == Order.Status.CANCELLED:
        return Telling(_("You let these places go"), _("You have not been charged."), can_have_again=True)
    if order.is_overdue(now):
        return checking()
    return Telling(
        _("Your time ran out"),
        _("You have not been charged. Your places went back on sale."),
        can_have_again=True,
    )


def on_the_way() -> Telling:
    """Calm a guest whose money came before their tickets were made."""
    return Telling(
        _("Paid. Your tickets are on the way"),
        _("You need do nothing. They will be on this page and in your email; you can close it."),
        is_moving=True,
    )


def deciding() -> Telling:
    """Keep a guest company whose bank is slow."""
    return Telling(
        _("Your bank is still deciding"),
        _("Your places stay yours meanwhile. You need do nothing: this page tells you as soon as it knows."),
        is_moving=True,
    )


def checking() -> Telling:
    """Say that time is up, and no more until the provider has answered."""
    return Telling(
        _("Your time ran out"),
        _("We are making sure that nothing was charged. This page tells you as soon as it knows."),
        is_moving=True,
    )


def refunded(order: Order) -> Telling:
    """Say what went back, when, and how long banks take."""
    sent = Refund.objects.filter(payment__order=order).exclude(status=Refund.Status.FAILED).order_by("created_at")
    amount = format_cents(sum(refund.amount_cents for refund in sent), order.currency, get_language() or "en")
    latest = sent.last()
    zone = order.event.zone
    day = times.write_day((latest.created_at if latest else order.created_at).astimezone(zone), "date")
    return Telling(
        _("Your money is going back to you"),
        _("%(amount)s, refunded on %(day)s. Banks take 5 to 10 days to show it.") % {"amount": amount, "day": day},
    )


def tell_policy(event: Event) -> str:
    """Say what comes back to whoever cancels a night's tickets or tables."""
    return tell_terms(RefundPolicy.objects.filter(event=event).first())


def tell_terms(policy: RefundPolicy | None) -> str:
    """Say what comes back to whoever cancels, and until when; nothing where the night promises nothing."""
    if policy is None:
        return ""
    every = {"hours": policy.all_until_hours}
    words = [_("Everything back until %(hours)s hours before the doors.") % every]
    if policy.part_percent and policy.part_until_hours < policy.all_until_hours:
        part = {"percent": policy.part_percent, "hours": policy.part_until_hours}
        words.append(_("%(percent)s %% back until %(hours)s hours before.") % part)
    if not policy.deposit_comes_back:
        words.append(_("A table’s deposit stays paid."))
    if not policy.fees_come_back:
        words.append(_("Fees stay paid."))
    return " ".join(words)
