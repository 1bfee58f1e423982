"""A ticket's code as a QR code, dark on white with its quiet zone, for any scanner."""

import io

import segno
from django.utils.translation import gettext as _

QUIET_ZONE = 4
PIXELS_PER_MODULE = 10


def svg(code: str) -> str:
    """Return a code as an SVG image."""
    drawing = io.BytesIO()
    make(code).save(
        drawing, kind="svg", border=QUIET_ZONE, dark="#000", light="#fff", omitsize=True, title=_("QR code of a ticket")
    )
    return drawing.getvalue().decode()


def png(code: str) -> bytes:
    """Return a code as a PNG image."""
    drawing = io.BytesIO()
    make(code).save(drawing, kind="png", border=QUIET_ZONE, scale=PIXELS_PER_MODULE)
    return drawing.getvalue()


def make(code: str) -> segno.QRCode:
    """Return the QR code of a ticket's code, readable with a quarter of it damaged."""
    return segno.make(code, error="q", micro=False)
