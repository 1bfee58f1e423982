"""Of orders from before nobody knows: they may all have declines."""

from django.db import migrations, models

HELP = "Whether declined attempts may wait to be resolved."


class Migration(migrations.Migration):
    dependencies = [("payments", "0019_a_repeat_writes_nothing")]

    operations = [
        migrations.AddField(
            model_name="order",
            name="may_have_declines",
            field=models.BooleanField(db_default=True, default=False, help_text=HELP),
        ),
        migrations.AlterField(
            model_name="order",
            name="may_have_declines",
            field=models.BooleanField(db_default=False, default=False, help_text=HELP),
        ),
    ]
