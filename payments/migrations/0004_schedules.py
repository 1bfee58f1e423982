"""Lay down what beat does; a schedule that exists is left as its owner set it."""

from django.db import migrations

SCHEDULES = [
    ("Sweep: wake whatever is due", "payments.tasks.sweep", "money", 5, "seconds"),
    ("Expire holds", "payments.tasks.expire_holds", "money", 60, "seconds"),
    ("Reconcile with Stripe", "payments.tasks.reconcile_stripe", "default", 10, "minutes"),
    ("Purge old records", "payments.tasks.purge_records", "default", 1, "days"),
    ("Void duplicate tickets", "tickets.tasks.dedupe_tickets", "default", 1, "days"),
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
        ("payments", "0003_reconcile_runs"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [migrations.RunPython(lay_down, take_up)]
