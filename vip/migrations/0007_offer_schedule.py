"""Let beat offer tables that have come back; a schedule that exists is left as its owner set it."""

from django.db import migrations

NAME = "Offer tables to the parties that wait"


def lay_down(apps, schema_editor):
    IntervalSchedule = apps.get_model("django_celery_beat", "IntervalSchedule")
    PeriodicTask = apps.get_model("django_celery_beat", "PeriodicTask")
    interval, _ = IntervalSchedule.objects.get_or_create(every=60, period="seconds")
    PeriodicTask.objects.get_or_create(
        name=NAME,
        defaults={
            "task": "vip.tasks.offer_tables",
            "queue": "default",
            "interval": interval,
            "expire_seconds": 120,
        },
    )


def take_up(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("vip", "0006_waiting_parties"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [migrations.RunPython(lay_down, take_up)]
