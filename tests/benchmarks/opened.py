"""Run inside the club: an order with its tickets, and an owner who has signed in; says where to look, and as whom."""

import json
import sys

import django

django.setup()

from django.conf import settings  # noqa: E402 (Django is set up only now)
from django.contrib.auth.models import User  # noqa: E402
from django.test import Client  # noqa: E402

from payments import gateways  # noqa: E402
from payments.models import Payment  # noqa: E402
from tests.buying import buy  # noqa: E402
from tests.fakes import FakeProvider  # noqa: E402
from tickets.models import TicketType  # noqa: E402

provider = FakeProvider(first_number=Payment.objects.count() + 1)
gateways.for_provider = lambda provider_name: provider  # type: ignore[assignment]  # as the tests' fixture does
order = buy(provider, TicketType.objects.get(slug="general"))
owner = Client()
owner.force_login(User.objects.create_superuser("rosa", "rosa@example.com"))
session = owner.cookies[settings.SESSION_COOKIE_NAME]
json.dump({"order": f"/orders/{order.reference}/", "cookie": f"{session.key}={session.value}"}, sys.stdout)
