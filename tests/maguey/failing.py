"""A process of the product in which a request, a call of the API and a task fail, each with everything secret at hand.

Run as a program: `python -m tests.maguey.failing <payment id>`.
"""

import io
import logging
import sys
from typing import Any
from uuid import UUID

import django
import sentry_sdk
from celery import shared_task
from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from werkzeug.test import EnvironBuilder, run_wsgi_app

NAME = "Canaria Ruiz"  # no pattern knows it: it must not be collected at all
EMAIL = "canary.ana@example.com"
CARD = "4242 4242 4242 4242"
TOKEN = "Zx3_kP-9aQ0mT7vB2cL5wE"  # as a guest's key to an order
KEY = "sk_test_4eC39HqLyjWDarjtT1zdp7dc"
STREET = "1209 Canary Street"
PLACE = "203.0.113.77"
CANARIES = (NAME, EMAIL, "canary.ana", CARD, CARD.replace(" ", ""), TOKEN, KEY, STREET, PLACE)
SAID = f"{EMAIL} {CARD} {TOKEN} {KEY} {STREET} {PLACE}"


@csrf_exempt
def fails(request: HttpRequest) -> HttpResponse:
    """Take money and fail, with secrets in whatever Sentry may look at."""
    from payments import charges, steps

    name, email, card = (request.POST[field] for field in ("name", "email", "card"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s, %s", [name, email])
        cursor.execute(f"SELECT '{card}'")
    logging.getLogger("shop").warning("asked by %s", SAID, extra={"billing": {"address": STREET, "email": email}})
    with transaction.atomic():
        steps.take("An event came", event="evt_canary")
        receipt = charges.Receipt("pi_canary", 5600, "usd")
        charges.confirm_payment(UUID(request.POST["payment"]), receipt, now=timezone.now())
        raise LookupError(f"no place for {email} at {STREET} from {PLACE}, {card} {TOKEN} {KEY}")


def fails_in_api(request: Any) -> Any:  # Any: DRF's own
    """Fail as a view of the API."""
    raise LookupError(f"no place in the API for {SAID}")


def urlpatterns() -> list[Any]:  # Any: Django's own patterns
    """Return the product's addresses and those that fail."""
    from rest_framework.decorators import api_view

    api = api_view(["GET"])(fails_in_api)
    return [path("fails/", fails), path("api-fails/", api), path("", include("maguey.urls"))]


class Addresses:
    """Addresses as Django asks for them."""

    def __init__(self) -> None:
        self.urlpatterns = urlpatterns()


@shared_task
def failing_task(email: str, card: str) -> None:
    """Fail as a task."""
    raise ValueError(f"the task cannot for {email} {card} {SAID}")


def main(payment_id: str) -> None:
    """Fail three times, and wait until Sentry has heard of it."""
    django.setup()
    from django.core.wsgi import get_wsgi_application

    settings.ROOT_URLCONF = Addresses()
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    serve = get_wsgi_application()
    secret = {
        "Authorization": f"Bearer {KEY}",
        "Cookie": f"sessionid={TOKEN}",
        "X-Forwarded-For": PLACE,
        "X-Mail": EMAIL,
    }
    form = {"name": NAME, "email": EMAIL, "card": CARD, "street": STREET, "payment": payment_id}
    query = {"name": NAME, "email": EMAIL, "token": TOKEN, "card": CARD}
    posted = EnvironBuilder("/fails/", method="POST", data=form, query_string=query, headers=secret)
    asked = EnvironBuilder("/api-fails/", query_string=query, headers=secret)
    statuses = []
    for request in (posted, asked):
        environ = request.get_environ() | {"REMOTE_ADDR": PLACE, "wsgi.errors": io.StringIO()}
        _, status, _ = run_wsgi_app(serve, environ, buffered=True)
        statuses.append(status)
    failing_task.apply(args=[EMAIL], kwargs={"card": CARD})
    sentry_sdk.flush(timeout=10)
    sys.stdout.write(f"answered {statuses}\n")


if __name__ == "__main__":
    main(sys.argv[1])
