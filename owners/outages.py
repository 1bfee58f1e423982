"""Times in which PostgreSQL did not answer, told in the console once it does."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from payments import failures
from payments.failures import Category, Severity, Trouble

CODE = "database_unreachable"


@transaction.atomic(durable=True)
def keep(*, began_at: datetime, ended_at: datetime, now: datetime) -> bool:
    """Tell owners of one outage, in the console and by email; False where it has been told."""
    here = [timezone.localtime(moment) for moment in (began_at, ended_at)]
    lasted = max(1, round((ended_at - began_at).total_seconds() / 60))
    trouble = Trouble(
        cause=f"{CODE}:{began_at.isoformat()}",
        category=Category.PROVIDER,
        severity=Severity.CRITICAL,
        code=CODE,
        message=(
            f"From {here[0]:%b} {here[0].day}, {here[0]:%H:%M:%S} to {here[1]:%H:%M:%S}, about {lasted} min, nobody "
            "could buy or be admitted online. It answers again; whatever was paid meanwhile is taken in by itself."
        ),
    )
    return failures.record(trouble, now=now) is not None
