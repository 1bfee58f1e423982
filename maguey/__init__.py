"""Wires the house together: settings, urls, celery, embedded services, the demo."""

from maguey.celery import app as celery_app

__all__ = ["celery_app"]
