"""Give the watch the alerts' queue, which neither letters nor long work fill; one an owner moved stays where it is."""

from django.db import migrations

NAME = "Keep watch"


def move(apps, before, after):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME, queue=before).update(queue=after)


def set_beside(apps, schema_editor):
    move(apps, "default", "alerts")


def put_back(apps, schema_editor):
    move(apps, "alerts", "default")


class Migration(migrations.Migration):
    dependencies = [
        ("owners", "0009_failures_seen_by_whom"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [migrations.RunPython(set_beside, put_back)]
