"""Celery only wakes work: every promise is a row in PostgreSQL."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "maguey.settings")

app = Celery("maguey")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
