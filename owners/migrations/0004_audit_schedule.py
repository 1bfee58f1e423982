"""Have beat audit the ledger every hour; a schedule that exists is left as its owner set it."""

from django.db import migrations

NAME = "Audit the ledger"


def lay_down(apps, schema_editor):
    interval, _ = apps.get_model("django_celery_beat", "IntervalSchedule").objects.get_or_create(
        every=1, period="hours"
    )
    apps.get_model("django_celery_beat", "PeriodicTask").objects.get_or_create(
        name=NAME,
        defaults={
            "task": "owners.tasks.audit_ledger",
            "queue": "default",
            "interval": interval,
            "expire_seconds": 120,
        },
    )


def take_up(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("owners", "0003_ledger_audits"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [migrations.RunPython(lay_down, take_up)]
