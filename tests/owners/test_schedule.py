"""Scheduled tasks in the console: changed by a superuser, in the console's own look."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django_celery_beat.models import IntervalSchedule, PeriodicTask

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def chief() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("chief"))
    return client


def test_a_task_is_made_and_changed_by_its_name(chief: Client) -> None:
    often = IntervalSchedule.objects.create(every=7, period="seconds")
    form = {"name": "Sweep", "regtask": "payments.tasks.sweep", "enabled": "on", "interval": often.pk}
    form |= {"args": "[]", "kwargs": "{}", "headers": "{}"}

    chief.post(reverse("admin:django_celery_beat_periodictask_add"), form)
    task = PeriodicTask.objects.get(name="Sweep")
    page = reverse("admin:django_celery_beat_periodictask_change", args=[task.pk])
    chief.post(page, {**form, "regtask": "", "task": "payments.tasks.purge", "enabled": ""})

    task.refresh_from_db()
    assert (task.task, task.enabled, task.interval) == ("payments.tasks.purge", False, often)


@pytest.mark.parametrize(
    ("model", "field"),
    [
        ("periodictask", "regtask"),
        ("periodictask", "task"),
        ("crontabschedule", "minute"),
        ("intervalschedule", "every"),
    ],
)
def test_the_pages_look_as_the_console_does(chief: Client, model: str, field: str) -> None:
    page = chief.get(reverse(f"admin:django_celery_beat_{model}_add")).content.decode()

    drawn = re.search(rf'<(?:input|select)[^>]* name="{field}"[^>]*>', page)

    assert drawn
    assert "rounded-default" in drawn.group()
