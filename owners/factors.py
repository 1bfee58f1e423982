"""Second steps that are lost with a phone."""

from datetime import datetime

from allauth.mfa.models import Authenticator
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet

from owners import notices


@transaction.atomic(durable=True)
def forget(user_id: int, *, now: datetime) -> int:
    """Take a person's second steps away and sign them out everywhere; return how many there were.

    Whoever needs a second step sets up a new one at the next sign-in.
    """
    user = User.objects.select_for_update().get(pk=user_id)
    gone: int = Authenticator.objects.filter(user_id=user_id).delete()[0]
    end_sessions(user, now=now)
    notices.owe_change(user, "factors_forgotten", now=now)
    return gone


@transaction.atomic(savepoint=False)
def end_sessions(user: User, *, now: datetime) -> None:
    """End whatever this person has open; only staff have sessions, so there are few to look through."""
    for session in Session.objects.filter(expire_date__gt=now):
        if session.get_decoded().get(SESSION_KEY) == str(user.pk):
            session.delete()


def ended_before(moment: datetime) -> "QuerySet[Session]":
    """Return sessions that have long run out: what `purge_records` deletes."""
    return Session.objects.filter(expire_date__lt=moment)
