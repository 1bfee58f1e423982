"""The door the web server knocks at."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "maguey.settings")

application = get_wsgi_application()

from maguey import durability  # noqa: E402 (Django is set up only now)

durability.refuse_at_start()
