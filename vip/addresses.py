"""A mistyped address, mended: the passes go there at once."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from payments import bounces, mail
from vip import passes
from vip.fulfilment import CONFIRMATION
from vip.models import VipReservation
from vip.models.guest_pass import HOST_SEAT


@transaction.atomic(durable=True)
def mend(reservation_id: UUID, *, email: str, now: datetime) -> VipReservation:
    """Write a host's new address down and owe their party's passes to it. Raises NotConfirmed.

    A host who has paid is the buyer too, at the same address.
    """
    reservation = passes.lock_sold(reservation_id)
    order = reservation.order
    if order.email == reservation.host_email:
        order.email = email
        order.save(update_fields=["email"])
    reservation.host_email = email
    reservation.save(update_fields=["host_email"])
    reservation.passes.living().filter(number=HOST_SEAT).update(email=email)
    bounces.put_right(order, now=now)
    cause = f"{CONFIRMATION}:{order.pk}:{email.lower()}"[:255]
    mail.owe(CONFIRMATION, order=order, cause=cause, recipient=email, now=now)
    return reservation
