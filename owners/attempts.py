"""Tries to sign in that failed: kept to be counted, never with what was typed.

People type a password where their name belongs. So of a name that is nobody's, only a keyed digest is kept: enough to
count how many were tried.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils.crypto import salted_hmac

from owners.models import FailedSignIn

SHOWN = 5
Step = FailedSignIn.Step


@transaction.atomic(durable=True)
def keep(name: str, *, step: FailedSignIn.Step, address: str, now: datetime) -> FailedSignIn:
    """Keep one failed try."""
    return FailedSignIn.objects.create(
        user=User.objects.filter(username__iexact=name).first(),
        name_digest=salted_hmac("owners.attempts", name.lower(), algorithm="sha256").hexdigest(),
        step=step,
        address=address[:45],
        failed_at=now,
    )


def attack(now: datetime) -> str:
    """Say whether somebody tries to get in: more failures than people's fingers make."""
    minutes = settings.SIGN_IN_ATTACK_MINUTES
    recent = FailedSignIn.objects.filter(failed_at__gt=now - timedelta(minutes=minutes))
    seen = recent.aggregate(
        tries=Count("pk"), names=Count("name_digest", distinct=True), places=Count("address", distinct=True)
    )
    if seen["tries"] < settings.SIGN_IN_ATTACK_TRIES:
        return ""
    return (
        f"{seen['tries']} tries to sign in failed within {minutes} minutes, at {seen['names']} name(s), "
        f"from {seen['places']} address(es), most from {busiest(recent)}.{aimed_at(recent)}"
    )


def busiest(recent: "QuerySet[FailedSignIn]") -> str:
    """Name the address most tries came from."""
    row = recent.values_list("address").annotate(tries=Count("pk")).order_by("-tries", "address").first()
    return str(row[0]) if row else ""


def aimed_at(recent: "QuerySet[FailedSignIn]") -> str:
    """Name the people at whose names somebody tries, those most tried first."""
    known = recent.exclude(user=None).values_list("user__username").annotate(tries=Count("pk"))
    names = [name for name, _ in known.order_by("-tries", "user__username")[:SHOWN]]
    return f" They try the names of: {', '.join(names)}." if names else " No name is one of ours."


def failed_before(moment: datetime) -> "QuerySet[FailedSignIn]":
    """Return the old ones: what `purge_records` deletes."""
    return FailedSignIn.objects.filter(failed_at__lt=moment)
