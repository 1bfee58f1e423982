"""A person puts a failure right, and says so."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction

from payments.models import PaymentFailure


@transaction.atomic(durable=True)
def resolve(failure_id: UUID, *, user: User | AnonymousUser, note: str, now: datetime) -> bool:
    """Mark a failure as put right: how, by whom and when; False where it was already."""
    unresolved = PaymentFailure.objects.unresolved().filter(pk=failure_id)
    return bool(unresolved.update(resolved=True, resolved_at=now, resolved_by_id=user.pk, resolution_note=note))
