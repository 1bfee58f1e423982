"""Messages to staff about how they sign in: owed as every message is, sent by whoever takes the row first."""

from datetime import datetime
from uuid import uuid4

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.urls import reverse

from payments import letters, mail
from payments.models import Email

FORGOTTEN = "password_forgotten"
CHANGED = "sign_in_changed"

CHANGES = {
    "password_changed": "Your password was changed.",
    "password_set": "You were given a password.",
    "password_reset": "Your password was changed by the link in an email.",
    "totp_activated": "An authenticator app was added.",
    "totp_deactivated": "The authenticator app was taken away.",
    "webauthn_added": "A passkey was added.",
    "webauthn_removed": "A passkey was taken away.",
    "recovery_codes_generated": "New recovery codes were made; the old ones are dead.",
    "factors_forgotten": "Your second step was taken away by a colleague, as you asked. You are signed out everywhere.",
}


@transaction.atomic(durable=True)
def owe_link(user: User, *, now: datetime) -> None:
    """Promise a link for a new password, one a minute at most."""
    cause = f"{FORGOTTEN}:{user.pk}:{now:%Y-%m-%dT%H:%M}"
    mail.owe(FORGOTTEN, order=None, cause=cause, recipient=user.email, context={"user": str(user.pk)}, now=now)


def owe_change(user: User, what: str, *, now: datetime) -> None:
    """Promise a person the news of a change in how they sign in, in whatever transaction makes it."""
    if user.email and what in CHANGES:
        owe_news(user, what, now=now)


@transaction.atomic(savepoint=False)
def owe_news(user: User, what: str, *, now: datetime) -> None:
    """Promise one message about one change."""
    context = {"user": str(user.pk), "what": what}
    mail.owe(CHANGED, order=None, cause=f"{CHANGED}:{uuid4()}", recipient=user.email, context=context, now=now)


def password_forgotten(email: Email) -> EmailMultiAlternatives:
    """Write the link for a new password; it is made only now, so that no row ever holds it."""
    user = User.objects.get(pk=email.context["user"])
    link = settings.SITE_URL + reverse(
        "account_reset_password_from_key",
        kwargs={"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)},
    )
    text = (
        f"Somebody, we hope you, asked for a new password for {user.username} at {settings.VENUE_NAME}.\n\n"
        f"Choose it here within an hour:\n{link}\n\n"
        "If it was not you, do nothing: your password stays as it is.\n"
    )
    return letter(email, "A new password", text)


def sign_in_changed(email: Email) -> EmailMultiAlternatives:
    """Write what has changed in how a person signs in."""
    user = User.objects.get(pk=email.context["user"])
    text = (
        f"{CHANGES[email.context['what']]}\n\nThis is about {user.username} at {settings.VENUE_NAME}, "
        f"at {email.created_at:%Y-%m-%d %H:%M} UTC.\n\n"
        f"If it was not you, choose a new password at once and tell an owner:\n"
        f"{settings.SITE_URL}{reverse('account_reset_password')}\n"
    )
    return letter(email, "How you sign in has changed", text)


def letter(email: Email, subject: str, text: str) -> EmailMultiAlternatives:
    """Make a letter to one of us, in plain text."""
    headers = letters.headers_of(email)
    return EmailMultiAlternatives(f"[{settings.VENUE_NAME}] {subject}", text, to=[email.recipient], headers=headers)
