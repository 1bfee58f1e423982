"""The door the web server knocks at."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "maguey.settings")

application = get_wsgi_application()

from django.urls import get_resolver  # noqa: E402 (Django is set up only now)

from maguey import durability  # noqa: E402 (as above)

durability.refuse_at_start()
# The server forks after this: what is loaded and frozen here, its processes share for as long as nobody writes to it.
_ = get_resolver().url_patterns
gc.collect()
gc.freeze()
