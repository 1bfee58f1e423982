"""Have the people who are there already be staff as their roles say."""

from django.db import migrations

ASK_THE_ROLES = "UPDATE auth_user SET is_staff = is_staff"


class Migration(migrations.Migration):
    dependencies = [("owners", "0011_staff_by_role")]
    operations = [migrations.RunSQL(ASK_THE_ROLES, migrations.RunSQL.noop)]
