"""Events are found by their own id: by the provider alone one would find nearly all of them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0023_rows_that_must_be_there")]

    operations = [
        migrations.RemoveConstraint(model_name="webhookevent", name="unique_webhook_event"),
        migrations.AddConstraint(
            model_name="webhookevent",
            constraint=models.UniqueConstraint(fields=["event_id", "provider"], name="unique_webhook_event"),
        ),
    ]
