"""One plain, exact sentence for each thing that happened to an order."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from owners import reasons, who
from owners.facts import Fact
from payments.models import Order, PaymentFailure, Refund
from payments.money import format_cents

Facts = list[Fact]  # of one kind and label, that happened together
Write = Callable[[Facts, Order], str]

PLAIN = {
    "order.paid": "The order is paid.",
    "order.expired": "The hold ended unpaid; its places are on sale again.",
    "order.cancelled": "The places were let go before anything was paid.",
    "order.refunded": "All the money has gone back.",
    "order.readdressed": "The order has another email address now.",
    "payment.processing": "The bank is deciding.",
    "payment.open": "The bank did not pay; the guest may try again.",
    "payment.cancelled": "This way to pay was closed; no money came by it.",
    "fulfilment.afresh": "Delivery got six fresh tries.",
    "refund.afresh": "The refund got six fresh tries.",
    "party.held": "The table was taken again.",
    "party.arrived": "The first of the party is in.",
    "party.seated": "The party was led to its table.",
    "party.completed": "The night is over; the party was there.",
    "party.no_show": "The night is over, and nobody of the party came.",
    "party.expired": "The table is free again: the hold ended unpaid.",
    "party.released": "The table is free again.",
    "party.cancelled_by_guest": "The guest cancelled the table.",
    "party.cancelled_by_venue": "The club cancelled the table.",
    "alert.again": "Nobody had seen the alert: owners were told again.",
    "alert.seen": "The alert was acknowledged.",
    "event.replayed": "The event was replayed.",
}
LETTERS = {
    "tickets_ready": "the tickets",
    "table_confirmed": "the table and its passes",
    "table_sold": "to an owner, that the table is sold",
    "table_reminder": "a reminder of the night",
    "table_moved": "the new table",
    "table_cancelled": "that the table is cancelled",
    "guest_pass": "a guest’s own pass",
    "host_transfer": "the offer to be the host",
    "refunded": "that money is on its way back",
    "late_payment_refunded": "that the payment came too late and goes back",
    "find_my_tickets": "the way back to the order",
    "waiting_offered": "that places have come back",
    "table_waiting_offered": "that a table has come back",
    "ticket_given": "that a ticket is somebody else’s now",
    "ticket_received": "a ticket, to whom it was given",
    "night_postponed": "the night’s new date",
}
CHANGES = {
    "moved": "Moved to another table",
    "swapped": "Swapped tables with another party",
    "walk_in": "Sold at the door",
    "complimentary": "Given away",
    "cancelled": "The table was cancelled",
    "refunded": "A guest’s share was sent back",
    "resized": "The party’s size changed",
    "seated": "The party was led to its table",
    "host_changed": "The table has another host",
    "reissued": "A pass got a new code",
    "joined": "A neighbouring table was added",
    "parted": "Joined tables were parted",
}
# A bank's reasons to dispute share words with a card's to be declined, and mean something else.
OWN_CODES = (PaymentFailure.Category.DISPUTE,)
NAMES_PEOPLE = ("host_changed",)
TURNED_AWAY = {
    "already_in": "in already",
    "void": "no longer valid",
    "other_night": "for another night, or another’s door",
}
SEEN_AT_DOOR = {"first": "was let in", "reentry": "came in again", "exit": "went out"}
NIGHTS = {"cancelled": "The night was called off", "postponed": "The night was postponed"}


def of(facts: Facts, order: Order) -> str:
    """Write the sentence of what happened together."""
    name = f"{facts[0].kind}.{facts[0].label}"
    write = WRITERS.get(name) or WRITERS.get(facts[0].kind)
    return PLAIN.get(name) or (write(facts, order) if write else f"{facts[0].kind}: {facts[0].label}".capitalize())


def placed(facts: Facts, order: Order) -> str:
    """Say what was ordered, for how much, and until when it was held."""
    total = format_cents(order.total_cents, order.currency)
    return f"Ordered: {goods(order)} for {total}, held until {clock(facts[0].told['until'])}."


def goods(order: Order) -> str:
    """Name what an order is for."""
    return ", ".join(f"{line['quantity']} × {line['name']}" for line in order.lines) or "nothing"


def extended(facts: Facts, _: Order) -> str:
    """Say until when the hold lasts now."""
    return f"The hold was extended, until {clock(facts[0].told['until'])}."


def fulfilled(_: Facts, order: Order) -> str:
    """Say what was delivered."""
    return f"Delivered: {goods(order)}."


def disputed(facts: Facts, _: Order) -> str:
    """Say whether the bank wants the money back, or no longer."""
    if facts[0].told["disputed_at"]:
        return "The cardholder’s bank wants the money back."
    return "The dispute is over: the money stays."


def started(facts: Facts, order: Order) -> str:
    """Say by which way a payment was begun."""
    told = facts[0].told
    where = "the card field on our page" if told["mode"] == "elements" else f"{who.provider(told['provider'])}’s page"
    return f"A payment of {money(told['cents'], order)} was begun, by {where}."


def succeeded(facts: Facts, order: Order) -> str:
    """Say how much came."""
    told = facts[0].told
    return f"{money(told['received'], order)} came by {who.provider(told['provider'])}."


def failure(facts: Facts, order: Order) -> str:
    """Say what went wrong, with the provider's code."""
    told = facts[0].told
    if told["category"] is None:
        return "Something went wrong that is not yours to see."
    category = PaymentFailure.Category(told["category"])
    why = category.label if category in OWN_CODES else reasons.of_code(category, told["code"])
    said = str(category.label) if why == category.label else f"{category.label}: {why[:1].lower()}{why[1:]}"
    return f"{said} ({told['code']})." if told["code"] else f"{said}."


def resolved(facts: Facts, _: Order) -> str:
    """Say how it was put right."""
    return f"Put right: {ended(facts[0].told['note'] or 'no note')}"


def tried(facts: Facts, _: Order) -> str:
    """Say which try to deliver failed, why, and when the next is."""
    told = facts[0].told
    return f"Try {told['attempts']} to deliver failed: {ended(reasons.of_error(told['error']))} {next_try(told)}"


def refund_promised(facts: Facts, order: Order) -> str:
    """Say how much is to go back, and why."""
    told = facts[0].told
    why = str(Refund.Reason(told["reason"]).label)
    return f"{money(told['cents'], order)} was promised back: {why[:1].lower()}{why[1:]}."


def refund_moved(facts: Facts, order: Order) -> str:
    """Say where a refund has got to."""
    told, label = facts[0].told, facts[0].label
    cents = money(told["cents"], order)
    if label == "submitted":
        return f"{who.provider(told['provider'])} has taken the refund of {cents}."
    if label == "succeeded":
        return f"{cents} has gone back."
    return f"The refund of {cents} failed; the money is still here."


def refund_tried(facts: Facts, order: Order) -> str:
    """Say which try to send money back failed, why, and when the next is."""
    told = facts[0].told
    why = ended(reasons.of_error(told["error"]))
    return f"Try {told['attempts']} to send {money(told['cents'], order)} back failed: {why} {next_try(told)}"


def hold(facts: Facts, _: Order) -> str:
    """Say which places went back, or were taken again."""
    places = ", ".join(f"{fact.told['quantity']} × {fact.told['type']}" for fact in facts)
    taken = "went back on sale" if facts[0].label == "released" else "were taken again"
    return f"{places} {taken}."


def ticket(facts: Facts, _: Order) -> str:
    """Say which tickets died, or were given away."""
    named = numbered("Ticket", facts)
    if facts[0].label == "given":
        return f"{named} was given to somebody else; the old code opens nothing."
    return f"{named} {'is' if len(facts) == 1 else 'are'} void."


def seat(facts: Facts, _: Order) -> str:
    """Say what became of which seats' passes."""
    named = numbered("Pass", facts, plural="Passes")
    be, have = ("is", "has") if len(facts) == 1 else ("are", "have")
    return {
        "void": f"{named} {be} void.",
        "valid": f"{named} {be} valid again.",
        "renewed": f"{named} {have} a new code; the old one opens nothing.",
    }.get(facts[0].label, f"{named} {have} another name or address.")


def scanned(facts: Facts, _: Order) -> str:
    """Say who was let in at the door, or why not."""
    told, label = facts[0].told, facts[0].label
    gate = f" at {told['gate']}" if told["gate"] else ""
    named = f"{told['thing'].capitalize()} {told['number']}"
    if label in SEEN_AT_DOOR:
        return f"{named} {SEEN_AT_DOOR[label]}{gate}."
    return f"{named} was turned away{gate}: {TURNED_AWAY.get(told['result'], told['result'])}."


def changed(facts: Facts, _: Order) -> str:
    """Say what was done to the table by hand; not whom it names."""
    note = "" if facts[0].label in NAMES_PEOPLE else facts[0].told["note"]
    words = CHANGES.get(facts[0].label, facts[0].label)
    return f"{words}: {ended(note)}" if note else f"{words}."


def letter(facts: Facts, _: Order) -> str:
    """Say which message was owed, went or came back."""
    told, label = facts[0].told, facts[0].label
    what = f"“{told['subject']}”" if told["subject"] else LETTERS.get(told["kind"] or "", told["kind"] or "a message")
    if label == "tried":
        return f"Try {told['attempts']} to send an email failed ({what}). {next_try(told)}"
    words = {
        "queued": "An email waits to be sent", "written": "A letter was written to the guest",
        "sent": "An email was sent", "bounced": "An email came back", "afresh": "An email got six fresh tries",
    }  # fmt: skip
    return f"{words[label]}: {what}."


def told_owners(facts: Facts, _: Order) -> str:
    """Say how owners were told."""
    ways = {"console": "in the console", "email": "by email", "chat": "in their chat"}
    channel = facts[0].told["channel"]
    return f"Owners were told {ways.get(channel, channel)}."


def event(facts: Facts, _: Order) -> str:
    """Say what a provider told, and what became of it."""
    told, label = facts[0].told, facts[0].label
    became = {
        "ignored": " Nothing depended on it.", "failed": " It could not be applied yet.",
        "pending": " It waits to be applied.", "processing": " It is being applied.",
    }.get(label, "")  # fmt: skip
    return f"{who.provider(told['provider'])} told us: {told['type']}.{became}"


def night(facts: Facts, _: Order) -> str:
    """Say what was done to the whole night."""
    return f"{NIGHTS.get(facts[0].label, facts[0].label)}: {ended(facts[0].told['note'])}"


def money(cents: Any, order: Order) -> str:  # Any: a number from JSON
    """Write an amount."""
    return format_cents(int(cents or 0), order.currency)


def numbered(one: str, facts: Facts, *, plural: str = "") -> str:
    """Name things by their numbers."""
    numbers = sorted(fact.told["number"] for fact in facts)
    if len(numbers) == 1:
        return f"{one} {numbers[0]}"
    return f"{plural or one + 's'} {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


def next_try(told: dict[str, Any]) -> str:  # Any: JSON
    """Say when it is tried again."""
    return f"The next is at {clock(told['next_at'], exactly=True)}." if told["next_at"] else "It is not tried again."


def clock(at: str | datetime | None, *, exactly: bool = False) -> str:
    """Write a time of day at the venue."""
    moment = parse_datetime(at) if isinstance(at, str) else at
    return f"{timezone.localtime(moment):{'%H:%M:%S' if exactly else '%H:%M'}}" if moment else "—"


def ended(words: str) -> str:
    """End a sentence, once."""
    return words if words.endswith((".", "!", "?")) else f"{words}."


WRITERS: dict[str, Write] = {
    "order.placed": placed,
    "order.extended": extended,
    "order.fulfilled": fulfilled,
    "order.disputed": disputed,
    "payment.started": started,
    "payment.succeeded": succeeded,
    "failure.recorded": failure,
    "failure.resolved": resolved,
    "fulfilment.tried": tried,
    "refund.promised": refund_promised,
    "refund.tried": refund_tried,
    "refund": refund_moved,
    "hold": hold,
    "ticket": ticket,
    "pass": seat,
    "scan": scanned,
    "change": changed,
    "email": letter,
    "alert": told_owners,
    "event": event,
    "night": night,
}
