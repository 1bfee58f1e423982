from django.db import migrations

FROM_PAYLOADS = """
UPDATE webhook_events SET about = left(coalesce(
    CASE WHEN jsonb_typeof(payload #> '{data,object,payment_intent}') = 'string'
         THEN payload #>> '{data,object,payment_intent}' END,
    payload #>> '{data,object,payment_intent,id}',
    payload #>> '{data,object,id}',
    ''
), 255) WHERE about = ''
"""


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0015_what_events_are_about'),
    ]

    operations = [
        migrations.RunSQL(FROM_PAYLOADS, migrations.RunSQL.noop),
    ]
