"""Our pages by ASGI, to be measured beside the door that is used."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "maguey.settings")

application = get_asgi_application()
