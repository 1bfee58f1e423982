"""Let beat find orders of cancelled nights that nobody owes anything yet; an existing schedule is left alone."""

from django.db import migrations

NAME = "Owe the orders of cancelled nights their money"


def lay_down(apps, schema_editor):
    IntervalSchedule = apps.get_model("django_celery_beat", "IntervalSchedule")
    PeriodicTask = apps.get_model("django_celery_beat", "PeriodicTask")
    interval, _ = IntervalSchedule.objects.get_or_create(every=60, period="seconds")
    PeriodicTask.objects.get_or_create(
        name=NAME,
        defaults={"task": "tickets.tasks.call_home", "queue": "default", "interval": interval, "expire_seconds": 120},
    )


def take_up(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0007_nights_called_off_and_moved"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [migrations.RunPython(lay_down, take_up)]
