"""Have beat keep watch every half minute; a schedule that exists is left as its owner set it."""

from django.db import migrations

NAME = "Keep watch"


def lay_down(apps, schema_editor):
    interval, _ = apps.get_model("django_celery_beat", "IntervalSchedule").objects.get_or_create(
        every=30, period="seconds"
    )
    apps.get_model("django_celery_beat", "PeriodicTask").objects.get_or_create(
        name=NAME,
        defaults={"task": "owners.tasks.keep_watch", "queue": "default", "interval": interval, "expire_seconds": 60},
    )


def take_up(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("owners", "0006_heartbeats_and_alerts_sent_again"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [migrations.RunPython(lay_down, take_up)]
