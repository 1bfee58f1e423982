"""What every page says about the club."""

from django.conf import settings
from django.http import HttpRequest


def venue(request: HttpRequest) -> dict[str, object]:
    """Name the club and the address to write to."""
    return {"venue_name": settings.VENUE_NAME, "support_email": settings.SUPPORT_EMAIL, "is_demo": settings.IS_DEMO}
