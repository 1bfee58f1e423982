"""A key is held by the connection of the request that runs, and no longer by a lease in its row."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("payments", "0021_resolved_with_a_note")]

    operations = [migrations.RemoveField(model_name="idempotencykey", name="locked_until")]
