"""Guests, banks, webhooks, clocks and crashes in any order that chance finds; the books whole after every step."""

import os
from contextlib import suppress
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest
from django.core.mail import EmailMultiAlternatives
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from owners import audit
from payments import checkout, expiry, fulfilment, gateways, mail, orders, reconcile, refunds, retrying, webhooks
from payments.exceptions import GatewayRefused, PaymentsError
from payments.gateways.types import DisputeStatus, IntentStatus, RefundStatus
from payments.models import Order, Payment, Refund, WebhookEvent
from tests.buying import GUEST, clock, knock
from tests.emptying import empty_tables
from tests.factories.tickets import EventFactory, TicketTypeFactory
from tests.factories.vip import TableFactory
from tests.fakes import FakeProvider, dispute_object, event_body, intent_object
from tests.proof.crashing import dies
from tests.proof.ledger import goods, places, recover, tables, violations
from tickets import checkout as ticket_checkout
from tickets.models import Ticket
from vip import booking
from vip.booking import Party

CAPACITY = 6
K = st.integers(min_value=1, max_value=25)
# Their time passes while nobody works: beat's own next turn makes them true again.
BEATS_TURN = {6, 7}


class NightAtTheClub(RuleBasedStateMachine):
    """One night with few places, so that guests meet each other."""

    bought = Bundle("bought")
    told = Bundle("told")
    steps: ClassVar[int] = 0

    @initialize()
    def open_the_night(self) -> None:
        self.provider = FakeProvider()
        gateways.for_provider = lambda _: self.provider  # type: ignore[assignment]  # put back by the test below
        start = clock()
        self.now = start
        event = EventFactory.create(
            doors_at=start + timedelta(days=90),
            sales_start_at=start - timedelta(days=1),
            sales_end_at=start + timedelta(days=89),
        )
        self.type = TicketTypeFactory.create(event=event, capacity=CAPACITY)
        self.event = event
        self.room = [TableFactory.create(event=event), TableFactory.create(event=event)]
        self.orders: list[Any] = []

    # --- guests ---------------------------------------------------------------------------------

    @rule(target=bought, quantity=st.integers(1, 4))
    def buy(self, quantity: int) -> Any:
        try:
            order = ticket_checkout.buy_tickets(
                self.event, quantities={self.type.slug: quantity}, buyer=GUEST, now=self.now
            )
        except PaymentsError:
            return multiple()
        self.orders.append(order.pk)
        return order.pk

    @rule(target=bought, number=st.integers(0, 1), size=st.integers(2, 5))
    def take_a_table(self, number: int, size: int) -> Any:
        table = self.room[number]
        try:
            order = booking.book_table(self.event, code=table.code, party=Party(size), buyer=GUEST, now=self.now)
        except PaymentsError:
            return multiple()
        self.orders.append(order.pk)
        return order.pk

    @rule(target=bought, number=st.integers(0, 1), heard=st.booleans())
    def take_a_table_and_pay(self, number: int, heard: bool) -> Any:
        order = self.take_a_table(number, 4)
        if not isinstance(order, UUID):
            return multiple()
        self.press_pay(order, "elements")
        self.give_a_card(order, good=True)
        if heard:
            self.deliver(self.write_an_event(order), times=2)
        return order

    @rule(target=bought, quantity=st.integers(1, 3), heard=st.booleans())
    def buy_and_pay(self, quantity: int, heard: bool) -> Any:
        """The common way: chance alone would seldom walk it."""
        order = self.buy(quantity)
        if not isinstance(order, UUID):
            return multiple()
        self.press_pay(order, "elements")
        self.give_a_card(order, good=True)
        if heard:
            self.deliver(self.write_an_event(order), times=2)
        return order

    @rule(order=bought)
    def outlive_the_hold_and_pay(self, order: Any) -> None:
        """The provider is silent while the hold ends, and the guest pays after all."""
        self.provider.fail_next("cancel_intent")
        self.press_pay(order, "elements")
        self.wait(40)
        self.expire()
        self.give_a_card(order, good=True)
        self.come_back(order)

    @rule(order=bought, mode=st.sampled_from(["elements", "checkout"]))
    def press_pay(self, order: Any, mode: str) -> None:
        self.quietly(lambda: checkout.start_payment(order, provider="stripe", mode=mode, now=self.now))

    @rule(order=bought, k=K)
    def press_pay_and_die(self, order: Any, k: int) -> None:
        self.dying(k, lambda: checkout.start_payment(order, provider="stripe", mode="elements", now=self.now))

    @rule(order=bought, good=st.booleans())
    def give_a_card(self, order: Any, good: bool) -> None:
        for payment in Payment.objects.filter(order=order).exclude(external_payment_id=None):
            intent = self.provider.intents.get(payment.external_payment_id or "")
            if intent and intent.status is IntentStatus.OPEN:
                (self.provider.pay if good else self.provider.decline)(intent.id)

    @rule(order=bought)
    def pay_on_the_hosted_page(self, order: Any) -> None:
        for payment in Payment.objects.filter(order=order).exclude(external_session_id=None):
            try:
                self.provider.pay_session(payment.external_session_id or "")
            except GatewayRefused:
                continue

    @rule(order=bought)
    def come_back(self, order: Any) -> None:
        row = Order.objects.get(pk=order)
        self.quietly(lambda: checkout.ask_provider(row, now=self.now))
        fulfilment.try_now(row, now=self.now)

    @rule(order=bought, k=K)
    def come_back_and_die(self, order: Any, k: int) -> None:
        row = Order.objects.get(pk=order)
        self.dying(k, lambda: (checkout.ask_provider(row, now=self.now), fulfilment.try_now(row, now=self.now)))

    @rule(order=bought)
    def extend(self, order: Any) -> None:
        self.quietly(lambda: orders.extend_hold(order, now=self.now))

    @rule(order=bought)
    def let_go(self, order: Any) -> None:
        self.quietly(lambda: expiry.cancel_order(order, now=self.now))

    # --- the provider's news ------------------------------------------------------------------

    @rule(target=told, order=bought)
    def write_an_event(self, order: Any) -> Any:
        payment = Payment.objects.filter(order=order).exclude(external_payment_id=None).last()
        if payment is None or payment.external_payment_id not in self.provider.intents:
            return multiple()
        intent = self.provider.intents[payment.external_payment_id]
        name = {
            IntentStatus.SUCCEEDED: "payment_intent.succeeded",
            IntentStatus.CANCELLED: "payment_intent.canceled",
            IntentStatus.PROCESSING: "payment_intent.processing",
            IntentStatus.OPEN: "payment_intent.payment_failed",
        }[intent.status]
        return event_body(name, intent_object(intent))

    @rule(target=told, order=bought, kind=st.sampled_from(["charge.refunded", "dispute"]))
    def write_news_of_money_going_back(self, order: Any, kind: str) -> Any:
        payment = Payment.objects.filter(order=order, status="succeeded").first()
        if payment is None or payment.external_payment_id is None:
            return multiple()
        if kind == "dispute":
            dispute_id = self.provider.dispute(payment.external_payment_id)
            return event_body("charge.dispute.created", dispute_object(self.provider.disputes[dispute_id]))
        return event_body("charge.refunded", {"id": "ch", "payment_intent": payment.external_payment_id})

    @rule(body=told, times=st.integers(1, 3))
    def deliver(self, body: Any, times: int) -> None:
        for _ in range(times if isinstance(body, bytes) else 0):
            assert knock(body) == 200

    @rule(body=told, k=K)
    def deliver_and_die(self, body: bytes, k: int) -> None:
        self.dying(k, lambda: knock(body))

    @rule(order=bought, part=st.booleans())
    def refund_in_the_dashboard(self, order: Any, part: bool) -> None:
        for payment in Payment.objects.filter(order=order, status="succeeded"):
            left = payment.received_cents - self.back(payment)
            if left > 0 and payment.external_payment_id:
                self.provider.add_refund(payment.external_payment_id, max(left // 2, 1) if part else left)

    @rule(status=st.sampled_from([DisputeStatus.WON, DisputeStatus.LOST]))
    def decide_disputes(self, status: DisputeStatus) -> None:
        for dispute in list(self.provider.disputes.values()):
            self.provider.dispute(dispute.intent_id, status=status)

    # --- owners -----------------------------------------------------------------------------------

    @rule(order=bought)
    def refund(self, order: Any) -> None:
        # The provider may know of dashboard refunds that we do not: then it refuses, and a person is called.
        reconcile.reconcile("stripe", now=self.now)
        retrying.run_due(now=self.now)
        refunds.refund_order(order, reason=Refund.Reason.OWNER, cause=f"owner:{self.now}", now=self.now)

    @rule(order=bought, position=st.integers(1, 4), fails=st.booleans())
    def refund_a_ticket(self, order: Any, position: int, fails: bool) -> None:
        ticket = Ticket.objects.filter(order=order, position=position).first()
        reconcile.reconcile("stripe", now=self.now)
        retrying.run_due(now=self.now)
        self.provider.refunds_start_as = RefundStatus.FAILED if fails else RefundStatus.SUCCEEDED
        if ticket:
            self.quietly(lambda: refunds.refund_goods(order, [ticket.pk], reason=Refund.Reason.OWNER, now=self.now))

    @rule(k=K)
    def retry_failed_refunds(self, k: int) -> None:
        for refund in Refund.objects.filter(status=Refund.Status.FAILED):
            self.dying(k, lambda refund=refund: refunds.retry(refund.pk, now=self.now))  # type: ignore[misc]

    @rule()
    def replay_everything(self) -> None:
        for event in WebhookEvent.objects.all():
            webhooks.replay(event, now=self.now)

    # --- machinery ----------------------------------------------------------------------------------

    @rule(minutes=st.sampled_from([0.1, 1, 5, 14, 16, 40]))
    def wait(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def sweep(self) -> None:
        retrying.run_due(now=self.now)

    @rule(k=K)
    def sweep_and_die(self, k: int) -> None:
        self.dying(k, lambda: retrying.run_due(now=self.now))

    @rule()
    def expire(self) -> None:
        expiry.expire_overdue(now=self.now)

    @rule(k=K)
    def expire_and_die(self, k: int) -> None:
        self.dying(k, lambda: expiry.expire_overdue(now=self.now))

    @rule(method=st.sampled_from(["create_intent", "cancel_intent", "read_intent", "refund"]), after=st.booleans())
    def lose_an_answer(self, method: str, after: bool) -> None:
        self.provider.fail_next(method, after=after)

    @rule()
    def reconcile_books(self) -> None:
        reconcile.reconcile("stripe", now=self.now)

    # --- what holds at every moment --------------------------------------------------------------

    @invariant()
    def nothing_is_oversold_and_counters_equal_rows(self) -> None:
        assert places() == []
        assert goods() == []
        assert tables() == []

    @invariant()
    def the_audit_finds_nothing(self) -> None:
        NightAtTheClub.steps += 1
        broken = [found for found in audit.audit(now=self.now) if not found.holds and found.number not in BEATS_TURN]
        assert broken == []

    def teardown(self) -> None:
        """Leave the night to beat, and look at every cent."""
        if not hasattr(self, "provider"):
            return
        self.provider.faults.clear()
        reconcile.reconcile("stripe", now=self.now)
        recover(now=self.now)
        recover(now=self.now + timedelta(hours=3))
        found = violations(self.provider)
        empty_tables()
        assert found == []

    def quietly(self, act: Any) -> None:
        """Do what a guest does, who is told kindly when it cannot be."""
        with suppress(PaymentsError):
            act()

    def dying(self, k: int, act: Any) -> None:
        """Do it in a process that dies at its k-th point, if it gets there."""
        self.quietly(lambda: dies(k, self.provider, act))

    def back(self, payment: Payment) -> int:
        """Return what the provider has sent back of a payment, in cents."""
        return sum(
            refund.amount_cents
            for refund in self.provider.refunds.values()
            if refund.intent_id == payment.external_payment_id and refund.status is not RefundStatus.FAILED
        )


@pytest.fixture
def quiet_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateways, "for_provider", gateways.for_provider)  # put back what each night replaces
    for kind in list(mail._writers):
        monkeypatch.setitem(mail._writers, kind, lambda _: EmailMultiAlternatives("s", "b", to=["a@example.com"]))


def run_nights(nights: int, steps: int, seed: str = "") -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        type(f"NightAtTheClub{seed}", (NightAtTheClub,), {}),  # its name decides which nights are walked
        settings=settings(
            max_examples=nights,
            stateful_step_count=steps,
            deadline=None,
            # CI walks the same nights each time; every other run looks for new ones.
            derandomize=bool(os.environ.get("CI")),
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.django_db(transaction=True)
def test_any_night_ends_whole(quiet_mail: None) -> None:
    run_nights(nights=int(os.environ.get("NIGHTS", "12")), steps=25)


@pytest.mark.prove
@pytest.mark.timeout(1500)
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("half", ["first", "second"])
def test_ten_thousand_steps_end_whole(quiet_mail: None, half: str) -> None:
    NightAtTheClub.steps = 0
    rounds = 0

    while NightAtTheClub.steps < 5_000:  # chance decides how long a night is
        rounds += 1
        run_nights(nights=25, steps=25, seed=f"{half}{rounds}")

    assert rounds < 20, "nights have become too short to prove anything"
