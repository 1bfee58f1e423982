"""Lay down what beat does for tables; a schedule that exists is left as its owner set it."""

from django.db import migrations

SCHEDULES = [
    ("Close the tables of nights that are over", "vip.tasks.close_nights", "default", 10, "minutes"),
    ("Remind hosts of their tables", "vip.tasks.remind_hosts", "default", 5, "minutes"),
]


def lay_down(apps, schema_editor):
    IntervalSchedule = apps.get_model("django_celery_beat", "IntervalSchedule")
    PeriodicTask = apps.get_model("django_celery_beat", "PeriodicTask")
    for name, task, queue, every, period in SCHEDULES:
        interval, _ = IntervalSchedule.objects.get_or_create(every=every, period=period)
        PeriodicTask.objects.get_or_create(
            name=name,
            defaults={"task": task, "queue": queue, "interval": interval, "expire_seconds": 120},
        )


def take_up(apps, schema_editor):
    PeriodicTask = apps.get_model("django_celery_beat", "PeriodicTask")
    PeriodicTask.objects.filter(name__in=[row[0] for row in SCHEDULES]).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("vip", "0002_reservations_and_passes"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [migrations.RunPython(lay_down, take_up)]
