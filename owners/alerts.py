"""Owners are told of every failure that a person should know of: once per cause, by console and email."""

from datetime import datetime, timedelta
from uuid import UUID

import requests
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from owners import reasons
from owners.models import Alert, OwnerAssignment
from payments import identity, retrying
from payments.models import PaymentFailure

KIND = "alert"
TOLD = (PaymentFailure.Severity.CRITICAL, PaymentFailure.Severity.WARNING)
TITLE_LENGTH = 200
STILL = "Still open: "
BATCH = 100
# Where trouble is not one row's, the rows that are in it: a list of the console, narrowed down.
PAGES = {
    "webhook_backlog": ("payments_webhookevent", "status__in=pending,processing,failed"),
    "webhook_silence": ("payments_webhookevent", ""),
    "email_delivery_failing": ("payments_email", "sent_at__isnull=True"),
    "provider_unreachable": ("payments_providercall", "state__exact=unknown"),
}
CHAT_SECONDS = 5


def tell(failure: PaymentFailure, now: datetime) -> None:
    """Write what owners are to be told, in the transaction that recorded the failure."""
    if failure.severity not in TOLD:
        return
    alerts = [alert_for(failure, now, channel="console", recipient="")]
    alerts += outward(failure, now, cause=failure.cause)
    Alert.objects.bulk_create(alerts, ignore_conflicts=True)
    for alert in alerts[1:]:
        retrying.wake_for(KIND, alert.pk)


def outward(failure: PaymentFailure, now: datetime, *, cause: str) -> list[Alert]:
    """Write what leaves the house: an email to each owner, and a line to the chat where there is one."""
    alerts = [alert_for(failure, now, channel="email", recipient=address) for address in recipients(failure)]
    if settings.ALERT_WEBHOOK_URL:
        alerts.append(alert_for(failure, now, channel="chat", recipient=""))
    for alert in alerts:
        alert.cause = cause
    return alerts


@identity.acting(identity.SERVICE)
def send_again(*, now: datetime) -> int:
    """Tell owners once more of what nobody has seen for too long; return of how many."""
    since = now - timedelta(minutes=settings.ALERT_AGAIN_MINUTES)
    unseen = Alert.objects.filter(
        channel="console",
        acknowledged_at=None,
        sent_again_at=None,
        created_at__lte=since,
        failure__resolved=False,
    )
    return sum(send_one_again(pk, now=now) for pk in list(unseen.values_list("pk", flat=True)[:BATCH]))


@identity.acting(identity.SERVICE)
@transaction.atomic(durable=True)
def send_one_again(alert_id: UUID, *, now: datetime) -> bool:
    """Owe one alert once more, once."""
    if not Alert.objects.filter(pk=alert_id, acknowledged_at=None, sent_again_at=None).update(sent_again_at=now):
        return False
    failure = PaymentFailure.objects.get(alerts=alert_id)
    alerts = outward(failure, now, cause=f"{failure.cause}:again")
    for alert in alerts:
        alert.title = f"{STILL}{alert.title}"[:TITLE_LENGTH]
    Alert.objects.bulk_create(alerts, ignore_conflicts=True)
    for alert in alerts:
        retrying.wake_for(KIND, alert.pk)
    return True


def recipients(failure: PaymentFailure) -> list[str]:
    """Return who is told of a failure."""
    return addresses_for(failure.event_id)


def addresses_for(event_id: UUID | None) -> list[str]:
    """Return the addresses of the owners of a night, and of all nights."""
    mine = Q(event=None) | Q(event_id=event_id) if event_id else Q(event=None)
    roles = (OwnerAssignment.Role.OWNER, OwnerAssignment.Role.ADMIN)
    found = OwnerAssignment.objects.filter(mine, role__in=roles, user__is_active=True)
    return sorted(set(found.exclude(user__email="").values_list("user__email", flat=True)))


def alert_for(failure: PaymentFailure, now: datetime, *, channel: str, recipient: str) -> Alert:
    """Write one alert."""
    return Alert(
        cause=failure.cause,
        channel=channel,
        failure=failure,
        event_id=failure.event_id,
        title=title_of(failure),
        body=failure.error_message,
        recipient=recipient,
        created_at=now,
        sent_at=now if channel == "console" else None,
        next_attempt_at=None if channel == "console" else now,
    )


@identity.acting(identity.SERVICE)
def send_alert(alert_id: UUID, now: datetime) -> None:
    """Send one alert on its way, then say so; a crash between the two sends it once more."""
    alert = Alert.objects.select_related("failure").get(pk=alert_id)
    text = f"{words_of(alert)}\n\nWhat to do next: {link_of(alert)}\n"
    if alert.channel == "chat":
        send_to_chat(f"*{alert.title}*\n{text}")
    else:
        send_by_email(alert, f"{alert.title}\n\n{text}")
    mark_sent(alert_id, now=now)


def words_of(alert: Alert) -> str:
    """Say what happened: the reason in plain words, then what was said of it."""
    said = [f"{reasons.of_failure(alert.failure)}."] if alert.failure else []
    return "\n".join([*said, alert.body]).strip()


def link_of(alert: Alert) -> str:
    """Return the page from which an owner goes on: the rows that are in trouble, or the failure's own."""
    if alert.failure is None:
        return settings.SITE_URL + reverse("admin:owners_alert_changelist")
    if page := PAGES.get(alert.failure.error_code):
        name, narrowed = page
        return settings.SITE_URL + reverse(f"admin:{name}_changelist") + (f"?{narrowed}" if narrowed else "")
    return settings.SITE_URL + reverse("admin:payments_paymentfailure_change", args=[alert.failure.pk])


def send_to_chat(text: str) -> None:
    """Write one line into the owners' chat. Raises RequestException: tried again, as all work is."""
    answer = requests.post(settings.ALERT_WEBHOOK_URL, json={"text": text}, timeout=CHAT_SECONDS)
    answer.raise_for_status()


def send_by_email(alert: Alert, text: str) -> None:
    """Send one alert to one owner."""
    message = EmailMessage(
        subject=f"[{settings.VENUE_NAME}] {alert.title}",
        body=text,
        to=[alert.recipient],
        headers={"Auto-Submitted": "auto-generated"},
    )
    message.send()


@transaction.atomic(durable=True)
def mark_sent(alert_id: UUID, *, now: datetime) -> None:
    """Owe this alert no longer."""
    retrying.finish(Alert.objects.select_for_update().get(pk=alert_id), now=now, done="sent_at")


def give_up(alert: Alert, now: datetime) -> None:
    """Leave it to the console, which has shown it from the first moment."""


def title_of(failure: PaymentFailure) -> str:
    """Say in one line what happened, and to whom where it is somebody."""
    whom = failure.customer_email or failure.stripe_payment_intent_id
    said = f"{failure.get_category_display()}: {whom}" if whom else reasons.of_failure(failure)
    return said[:TITLE_LENGTH]
