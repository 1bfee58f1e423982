"""One order, one story: every sentence of it, who did it, and what it costs to tell."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from owners import reasons, sentences, story, who
from owners.facts import Fact
from owners.models import Alert
from owners.story import Story
from payments import actors, checkout, expiry, fulfilment, orders, refunds, retrying
from payments.models import Fulfilment, Order, Refund, WebhookEvent
from tests.buying import buy, clock, fresh, hold, start, tell, tell_dispute
from tests.factories.tickets import EventFactory, TicketTypeFactory
from tests.factories.vip import TableFactory, buy_table
from tests.fakes import FakeProvider
from tests.owners.console import client_of, owner
from tests.payments.test_recording import RECORDS, record_of
from tickets import door, transfers
from vip import cancelling, changing, passes

pytestmark = pytest.mark.django_db(transaction=True)


def of(order: Order) -> Story:
    """Tell an order's story as it stands now."""
    return story.tell(fresh(order), list(order.payments.order_by("created_at")), sees_events=True)


def told(order: Order) -> list[tuple[str, str, str]]:
    """Return a story's badges, sentences and actors."""
    return [(moment.badge, moment.sentence, moment.who) for moment in of(order).moments]


def eventful(provider: FakeProvider, rosa: User) -> Order:
    """Let an order be extended, declined, paid, not delivered, retried by hand, delivered, and used at the door."""
    type_ = TicketTypeFactory.create(event=EventFactory.create(doors_at=clock()))
    with actors.acting(actors.GUEST):
        order = hold(type_)
        orders.extend_hold(order.pk, now=clock())
        payment = start(order)
        provider.decline("pi_1", code="insufficient_funds")
        checkout.ask_provider(order, now=clock())
    order.ticket_reservations.update(status="released")
    provider.pay("pi_1")
    tell(provider, payment, "payment_intent.succeeded", event_id="evt_1")
    tell(provider, payment, "payment_intent.succeeded", event_id="evt_1")
    with actors.acting(actors.TASK, "payments.tasks.run:fulfilment"):
        fulfilment.try_now(order, now=clock())
    order.ticket_reservations.update(status="pending")
    client_of(rosa).post(reverse("admin:payments_order_retry_one", args=[order.pk]), {"_form_submitted": "1"})
    fulfilment.try_now(order, now=clock())
    retrying.run_due(now=clock())
    code = order.tickets.get(position=1).code
    for _ in range(2):
        door.admit_guest(code, user_id=rosa.pk, gate="Main", now=clock())
    return fresh(order)


def test_an_order_that_was_declined_retried_and_let_in(provider: FakeProvider) -> None:
    order = eventful(provider, owner("rosa"))

    tried = record_of(Fulfilment).objects.get(pgh_label="tried")
    why = sentences.ended(reasons.of_error(tried.last_error))
    next_try = sentences.clock(tried.next_attempt_at, exactly=True)
    held = order.expires_at - timedelta(minutes=10)
    assert told(order) == [
        ("Order", f"Ordered: 2 × General for $56.00, held until {sentences.clock(held)}.", "The guest"),
        ("Order", f"The hold was extended, until {sentences.clock(order.expires_at)}.", "The guest"),
        ("Payment", "A payment of $56.00 was begun, by the card field on our page.", "The guest"),
        ("Trouble", "Card declined: not enough money on the card (insufficient_funds).", "The guest"),
        ("Places", "2 × General went back on sale.", ""),
        ("Webhook", "Stripe told us: payment_intent.succeeded.", ""),
        ("Payment", "$56.00 came by Stripe.", "Stripe"),
        ("Order", "The order is paid.", "Stripe"),
        ("Trouble", "Put right: The guest paid after all.", "Stripe"),
        ("Delivery", f"Try 1 to deliver failed: {why} The next is at {next_try}.", "By itself, delivering"),
        ("Places", "2 × General were taken again.", ""),
        ("Delivery", "Delivery got six fresh tries.", "rosa, by “Retry fulfilment”"),
        ("Order", "Delivered: 2 × General.", ""),
        ("Email", "An email was sent: the tickets.", ""),
        ("Door", "Ticket 1 was let in at Main.", "rosa"),
        ("Door", "Ticket 1 was turned away at Main: in already.", "rosa"),
    ]
    assert of(order).is_recorded


def test_an_order_paid_too_late_is_sent_back(provider: FakeProvider) -> None:
    console = client_of(owner("rosa"))
    type_ = TicketTypeFactory.create(capacity=2)
    order = hold(type_)
    payment = start(order)
    provider.fail_next("cancel_intent")
    with actors.acting(actors.TASK, "payments.tasks.expire_holds"):
        expiry.expire_overdue(now=order.expires_at + timedelta(minutes=21))
    hold(type_)
    provider.pay("pi_1")
    tell(provider, payment, "payment_intent.succeeded", event_id="evt_1")
    provider.fail_next("refund")
    retrying.run_due(now=clock())
    refund = Refund.objects.get()
    retrying.run_due(now=clock() + timedelta(minutes=1))
    for page, row in (
        ("owners_alert_acknowledge_one", Alert.objects.get(channel="console")),
        ("payments_webhookevent_replay_one", WebhookEvent.objects.get()),
    ):
        console.post(reverse(f"admin:{page}", args=[row.pk]), {"_form_submitted": "1"})
    retrying.run_due(now=clock() + timedelta(minutes=1))

    next_try = sentences.clock(refund.next_attempt_at, exactly=True)
    failed = f"the payment service did not answer: no answer. The next is at {next_try}."
    assert told(order) == [
        ("Order", f"Ordered: 2 × General for $56.00, held until {sentences.clock(order.expires_at)}.", ""),
        ("Payment", "A payment of $56.00 was begun, by the card field on our page.", ""),
        ("Order", "The hold ended unpaid; its places are on sale again.", "By itself, clearing ended holds"),
        ("Places", "2 × General went back on sale.", "By itself, clearing ended holds"),
        ("Webhook", "Stripe told us: payment_intent.succeeded.", ""),
        ("Payment", "$56.00 came by Stripe.", "Stripe"),
        ("Order", "The order is paid.", "Stripe"),
        ("Refund", "$56.00 was promised back: paid after the hold ended.", "Stripe"),
        ("Trouble", "Paid after the hold ended: sent back by itself (refunded).", "Stripe"),
        ("Alert", "Owners were told in the console.", ""),
        ("Alert", "Owners were told by email.", ""),
        ("Refund", f"Try 1 to send $56.00 back failed: {failed}", ""),
        ("Email", "An email was sent: that the payment came too late and goes back.", ""),
        ("Refund", "Stripe has taken the refund of $56.00.", ""),
        ("Refund", "$56.00 has gone back.", ""),
        ("Order", "All the money has gone back.", ""),
        ("Email", "An email was sent: that money is on its way back.", ""),
        ("Alert", "The alert was acknowledged.", "rosa"),
        ("Webhook", "The event was replayed.", "rosa"),
    ]


def test_an_order_given_away_disputed_and_refunded(provider: FakeProvider) -> None:
    order = buy(provider)
    first = order.tickets.get(position=1)
    transfers.give(first.pk, name="Luz", email="luz@example.com", giver=None, now=clock())
    dispute = provider.dispute("pi_1")
    tell_dispute(provider, dispute)
    retrying.run_due(now=clock())
    refunds.refund_order(order.pk, reason=Refund.Reason.OWNER, cause="x", now=clock())
    retrying.run_due(now=clock())

    assert told(order)[3:] == [
        ("Order", "The order is paid.", ""),
        ("Order", "Delivered: 2 × General.", ""),
        ("Ticket", "Ticket 1 was given to somebody else; the old code opens nothing.", ""),
        ("Webhook", "Stripe told us: charge.dispute.created.", ""),
        ("Order", "The cardholder’s bank wants the money back.", "Stripe"),
        ("Trouble", "Disputed by the cardholder (fraudulent).", "Stripe"),
        ("Alert", "Owners were told in the console.", ""),
        ("Email", "An email was sent: the tickets.", ""),
        ("Email", "An email was sent: a ticket, to whom it was given.", ""),
        ("Email", "An email was sent: that a ticket is somebody else’s now.", ""),
        ("Refund", "$56.00 was promised back: by the owner.", ""),
        ("Refund", "Stripe has taken the refund of $56.00.", ""),
        ("Ticket", "Tickets 1 and 2 are void.", ""),
        ("Places", "2 × General went back on sale.", ""),
        ("Refund", "$56.00 has gone back.", ""),
        ("Order", "All the money has gone back.", ""),
        ("Email", "An email was sent: that money is on its way back.", ""),
    ]


def test_a_tables_story_tells_of_seats_and_changes(provider: FakeProvider) -> None:
    rosa = owner("rosa")
    event = EventFactory.create(doors_at=clock())
    party = buy_table(provider, TableFactory.create(event=event, code="F1"), size=2)
    TableFactory.create(event=event, code="F2")
    with actors.acting(actors.GUEST):
        passes.name_seat(party.pk, 2, name="Luz", now=clock())
    passes.reissue(party.pk, 2, by_id=rosa.pk, now=clock())
    changing.move(party.pk, "F2", by_id=rosa.pk, now=clock())
    door.admit_guest(party.passes.get(number=1).code, user_id=rosa.pk, now=clock())
    changing.seat(party.pk, by_id=rosa.pk, now=clock())
    cancelling.cancel_by_venue(party.pk, reason="A leak", by_id=rosa.pk, now=clock())

    assert told(party.order)[1:] == [
        ("Payment", "A payment of $240.00 was begun, by the card field on our page.", ""),
        ("Payment", "$240.00 came by Stripe.", ""),
        ("Order", "The order is paid.", ""),
        ("Order", "Delivered: 1 × Table F1 (deposit).", ""),
        ("Email", "An email waits to be sent: the table and its passes.", ""),
        ("Email", "An email waits to be sent: to an owner, that the table is sold.", ""),
        ("Pass", "Pass 2 has another name or address.", "The guest"),
        ("Pass", "Pass 2 has a new code; the old one opens nothing.", ""),
        ("Table", "Moved to another table: F1 → F2: $0.00.", "rosa"),
        ("Email", "An email waits to be sent: the new table.", ""),
        ("Door", "Pass 1 was let in.", "rosa"),
        ("Table", "The first of the party is in.", ""),
        ("Table", "The party was led to its table.", ""),
        ("Table", "The table was cancelled: A leak.", "rosa"),
        ("Email", "An email waits to be sent: that the table is cancelled.", ""),
        ("Table", "The club cancelled the table.", ""),
        ("Pass", "Passes 1 and 2 are void.", ""),
        ("Refund", "$240.00 was promised back: by the owner.", ""),
    ]
    assert told(party.order)[0][1].startswith("Ordered: 1 × Table F1 (deposit) for $240.00, held until ")


def test_an_order_from_before_the_recording_is_told_by_its_rows(provider: FakeProvider, as_table_owner: None) -> None:
    order = buy(provider)
    retrying.run_due(now=clock())
    refunds.refund_order(order.pk, reason=Refund.Reason.OWNER, cause="x", now=clock())
    retrying.run_due(now=clock())
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(model._meta.db_table for model in RECORDS)}")

    assert told(order)[1:] == [
        ("Payment", "A payment of $56.00 was begun, by the card field on our page.", ""),
        ("Payment", "$56.00 came by Stripe.", ""),
        ("Order", "The order is paid.", ""),
        ("Order", "Delivered: 2 × General.", ""),
        ("Email", "An email was sent: the tickets.", ""),
        ("Refund", "$56.00 was promised back: by the owner.", ""),
        ("Refund", "$56.00 has gone back.", ""),
        ("Ticket", "Tickets 1 and 2 are void.", ""),
        ("Email", "An email was sent: that money is on its way back.", ""),
    ]
    assert told(order)[0][1].startswith("Ordered: 2 × General for $56.00, held until ")
    assert not of(order).is_recorded


def test_an_orders_page_tells_its_story_in_few_questions(provider: FakeProvider) -> None:
    order = buy(provider)
    Order.objects.update(name="<b>Ana</b>")
    tell(provider, order.payments.get(), "payment_intent.succeeded", event_id="evt_1")
    refunds.refund_order(order.pk, reason=Refund.Reason.OWNER, cause="x", now=clock())
    retrying.run_due(now=clock())
    party = buy_table(provider)
    console = client_of(owner())

    for each in (order, party.order):
        address = reverse("admin:payments_order_change", args=[each.pk])
        console.get(address)
        with CaptureQueriesContext(connection) as spent:
            page = console.get(address).content.decode()

        assert len(spent) <= 15, [query["sql"] for query in spent]
        assert "Ordered: " in page
        assert "&lt;b&gt;Ana&lt;/b&gt;" in page or each.pk != order.pk
        assert "<b>Ana" not in page
    assert "Seat 4" in page


def test_nobody_reads_the_story_of_anothers_night(provider: FakeProvider) -> None:
    order = buy(provider)
    address = reverse("admin:payments_order_change", args=[order.pk])

    assert client_of(owner("other", event=EventFactory.create())).get(address).status_code == 302
    assert client_of(owner("mine", event=order.event)).get(address).status_code == 200


def fact(kind: str, label: str, /, **beside: object) -> Fact:
    return Fact(kind, label, uuid4(), clock(), {}, "", beside, is_record=True)


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        (fact("order", "disputed", disputed_at=None), "The dispute is over: the money stays."),
        (
            fact("payment", "started", cents=100, mode="checkout", provider="paypal"),
            "A payment of $1.00 was begun, by PayPal’s page.",
        ),
        (fact("failure", "recorded", category=None), "Something went wrong that is not yours to see."),
        (fact("failure", "recorded", category="refund", code=""), "Refund failed."),
        (fact("failure", "resolved", note=""), "Put right: no note."),
        (
            fact("fulfilment", "tried", attempts=6, error="SoldOut", next_at=None),
            "Try 6 to deliver failed: the places are gone. It is not tried again.",
        ),
        (
            fact("refund", "failed", cents=100, provider="stripe"),
            "The refund of $1.00 failed; the money is still here.",
        ),
        (fact("pass", "valid", number=3), "Pass 3 is valid again."),
        (fact("ticket", "void", number=3), "Ticket 3 is void."),
        (fact("scan", "exit", thing="pass", number=2, gate="", result=""), "Pass 2 went out."),
        (fact("change", "host_changed", note="Ana → Luz"), "The table has another host."),
        (
            fact("email", "tried", kind="tickets_ready", subject=None, attempts=1, next_at=None),
            "Try 1 to send an email failed (the tickets). It is not tried again.",
        ),
        (fact("email", "bounced", kind="written", subject="Hello"), "An email came back: “Hello”."),
        (fact("alert", "sent", channel="chat", failure=None), "Owners were told in their chat."),
        (
            fact("event", "failed", provider="stripe", type="charge.refunded"),
            "Stripe told us: charge.refunded. It could not be applied yet.",
        ),
        (fact("night", "cancelled", note="A storm!"), "The night was called off: A storm!"),
        (fact("hold", "pending", quantity=2, type="General"), "2 × General were taken again."),
        (fact("order", "something"), "Order: something"),
    ],
)
def test_what_seldom_happens_has_its_sentence_too(known: Fact, sentence: str) -> None:
    assert sentences.of([known], Order(currency="usd")) == sentence


@pytest.mark.parametrize(
    ("by", "person", "words"),
    [
        ({"by": "guest"}, "", "The guest"),
        ({"by": "staff", "did": "door"}, "luis", "luis, at the door"),
        ({"by": "staff", "did": "payments_order_changelist:refund"}, "rosa", "rosa, by “Refund in full”"),
        ({"by": "staff", "did": "payments_paymentfailure_email_one"}, "rosa", "rosa, by “Email guest”"),
        ({"by": "staff", "did": "somewhere"}, "", "Somebody of the staff"),
        ({"by": "staff", "did": "payments_order_gone"}, "rosa", "rosa"),
        ({"by": "key", "did": "order_refunds"}, "rosa", "A program of rosa"),
        ({"by": "provider", "did": "paypal"}, "", "PayPal"),
        ({"by": "task", "did": "payments.tasks.run:refund"}, "", "By itself, sending refunds"),
        ({"by": "task", "did": "some.task"}, "", "By itself"),
        ({"by": "command", "did": "expire_holds"}, "", "The command expire_holds"),
        ({}, "rosa", "rosa"),
        ({}, "", ""),
    ],
)
def test_who_did_it_is_said_in_plain_words(by: dict[str, str], person: str, words: str) -> None:
    assert who.in_words(by, person) == words
