"""A party's passes and night as files."""

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from tickets.documents import calendar, pdf, qr
from vip import joining
from vip.models import GuestPass, VipReservation


def passes_pdf(reservation: VipReservation) -> bytes:
    """Return a party's living passes as one PDF, a page each, the host's first."""
    seats = list(reservation.passes.living().order_by("number"))
    return pdf.pdf_of(reservation.order, lambda: [page_of(reservation, seat) for seat in seats])


def page_of(reservation: VipReservation, seat: GuestPass) -> pdf.Page:
    """Return what one pass's page says."""
    return {
        "type": _("Table %(code)s") % {"code": joining.names_of(reservation)},
        "holder": seat.name or _("Guest of %(name)s") % {"name": reservation.host_name},
        "place": _("Seat %(n)s of %(all)s") % {"n": seat.number, "all": reservation.party_size},
        "code": seat.code,
        "qr": qr.svg(seat.code),
        "alt": _("QR code of seat %(n)s") % {"n": seat.number},
    }


def night(reservation: VipReservation) -> bytes:
    """Return a party's night as a calendar file that leads to the host's page."""
    page = settings.SITE_URL + reverse("vip:host", args=[reservation.host_code])
    return calendar.order_calendar(reservation.order, page=page)
