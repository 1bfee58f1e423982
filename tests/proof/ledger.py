"""What must be true of any books, whatever happened: the provider's against ours, to the cent."""

from datetime import datetime, timedelta

from django.db.models import Sum

from payments import expiry, orders, reconcile, retrying
from payments.gateways.types import IntentStatus, RefundStatus
from payments.models import Fulfilment, Order, Payment, PaymentFailure, Refund, RefundItem, WebhookEvent
from tests.fakes import FakeProvider
from tickets.models import Ticket, TicketReservation, TicketType
from vip.models import GuestPass, Table, VipReservation


def recover(*, now: datetime, reconciling: bool = True) -> datetime:
    """Let sweeper, expiry and reconciliation do their work, as beat would; return the moment after."""
    for minutes in (2, 4, 10, 45):
        moment = now + timedelta(minutes=minutes)
        retrying.run_due(now=moment)
        expiry.expire_overdue(now=moment)
        if reconciling:
            reconcile.reconcile("stripe", now=moment)
        retrying.run_due(now=moment + timedelta(seconds=30))
    retrying.run_due(now=now + timedelta(hours=2))
    return now + timedelta(hours=2)


def violations(provider: FakeProvider) -> list[str]:
    """Name everything that is not as it must be."""
    return [*money(provider), *goods(), *places(), *tables(), *leftovers()]


def money(provider: FakeProvider) -> list[str]:
    """Compare every cent that came or went with our books."""
    wrong = []
    for intent in provider.intents.values():
        payment = Payment.objects.filter(external_payment_id=intent.id).first()
        back = sum(
            refund.amount_cents
            for refund in provider.refunds.values()
            if refund.intent_id == intent.id and refund.status is not RefundStatus.FAILED
        )
        if intent.status is not IntentStatus.SUCCEEDED:
            continue
        if payment is None or payment.status != Payment.Status.SUCCEEDED:
            wrong.append(f"{intent.id} took money we do not know of")
            continue
        if (payment.received_cents, payment.refunded_cents) != (intent.received_cents, back):
            wrong.append(f"{intent.id}: {payment.received_cents}/{payment.refunded_cents}, not {back} back")
        whole = payment.order.status == Order.Status.FULFILLED and back < intent.received_cents
        if not whole and back != intent.received_cents and not escalated(payment):
            wrong.append(f"{intent.id}: neither goods nor money back")
    return wrong


def escalated(payment: Payment) -> bool:
    """Say whether a person has been called for this payment."""
    return PaymentFailure.objects.filter(order=payment.order, severity="critical").exists()


def goods() -> list[str]:
    """Compare every order's tickets with what it bought and paid for."""
    wrong = []
    for order in Order.objects.all():
        living, bought = delivered(order)
        due = bought if order.status == Order.Status.FULFILLED else 0
        if living != due and not orders.is_going_back(order):
            wrong.append(f"{order.reference} ({order.status}) has {living} tickets, not {due}")
        paid = order.payments.filter(status="succeeded")
        doubles = Refund.objects.filter(payment__order=order, reason=Refund.Reason.DOUBLE_PAYMENT).count()
        if doubles and doubles >= paid.count():
            wrong.append(f"{order.reference} was paid {paid.count()} times and refunded as double {doubles} times")
        if len([payment for payment in paid if payment.refunded_cents < payment.received_cents]) > 1:
            wrong.append(f"{order.reference} is paid twice")
    return wrong


def delivered(order: Order) -> tuple[int, int]:
    """Return how many admissions an order has, and how many it bought."""
    if order.kind == Order.Kind.GA_TICKET:
        living = Ticket.objects.filter(order=order).exclude(status="void").count()
        refunded = RefundItem.objects.filter(refund__payment__order=order, taken_back_at__isnull=False).count()
        is_taken_back = not order.ticket_reservations.filter(status=TicketReservation.Status.FULFILLED).exists()
        return living, 0 if is_taken_back else sum(line["quantity"] for line in order.lines) - refunded
    reservation = VipReservation.objects.get(order=order)
    living = GuestPass.objects.filter(reservation=reservation).exclude(status="void").count()
    return living, 0 if reservation.status.startswith("cancelled") else reservation.party_size


def tables() -> list[str]:
    """Compare every table with who has it."""
    wrong = []
    for table in Table.objects.all():
        live = table.reservations.live()
        if len(live) > 1:
            wrong.append(f"{table} has {len(live)} parties")
        wrong += [
            f"{table} stands for {r.order.status}"
            for r in live
            if r.order.status not in ("pending", "paid", "fulfilled")
        ]
    return wrong


def places() -> list[str]:
    """Compare the counters with the rows they count."""
    wrong = []
    for type_ in TicketType.objects.all():
        pending = TicketReservation.objects.filter(ticket_type=type_, status="pending")
        held = pending.aggregate(sum=Sum("quantity"))["sum"] or 0
        sold = Ticket.objects.filter(ticket_type=type_).exclude(status="void").count()
        if (type_.held, type_.sold) != (held, sold):
            wrong.append(f"{type_.slug}: counts {type_.held}/{type_.sold}, rows {held}/{sold}")
        if type_.held + type_.sold > type_.capacity:
            wrong.append(f"{type_.slug} is oversold")
    return wrong


def leftovers() -> list[str]:
    """Name what should be finished and is not."""
    wrong = [f"{order.reference} still holds" for order in Order.objects.filter(status="pending")]
    wrong += [
        f"{event} is {event.status}" for event in WebhookEvent.objects.filter(status__in=("pending", "processing"))
    ]
    wrong += [f"{promised} is still owed" for promised in Fulfilment.objects.filter(next_attempt_at__isnull=False)]
    wrong += [f"refund {refund} is still owed" for refund in Refund.objects.filter(next_attempt_at__isnull=False)]
    return wrong
