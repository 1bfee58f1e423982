"""Celery only wakes work: every promise is a row in PostgreSQL."""

import gc
import os

from celery import Celery
from celery.signals import beat_init, worker_before_create_process, worker_init
from django.core.exceptions import ImproperlyConfigured
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "maguey.settings")
# Django's checks load every page, of which workers and beat serve none; `make check` runs them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("maguey")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(DjangoStructLogInitStep)


@worker_init.connect
@beat_init.connect
def refuse_a_forgetful_server(**_: object) -> None:
    """Let no worker start on a database that may forget a payment.

    Celery logs what a receiver raises and goes on; only leaving ends the process.
    """
    from maguey import durability  # once Django is set up

    try:
        durability.refuse_at_start()
    except ImproperlyConfigured as refusal:
        raise SystemExit(str(refusal)) from refusal


@worker_before_create_process.connect
def share_with_processes(**_: object) -> None:
    """Let a worker's processes share what was loaded before they are forked, for as long as nobody writes to it."""
    gc.collect()
    gc.freeze()


@worker_init.connect
def be_patient_with_redis(**_: object) -> None:
    """Have a worker go on after Redis was silent."""
    from maguey import broker  # only a worker needs what it imports

    broker.install()
