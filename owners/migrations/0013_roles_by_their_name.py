"""Call a role a role where the console names it."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("owners", "0012_staff_as_roles_say")]
    operations = [migrations.AlterModelOptions(name="ownerassignment", options={"verbose_name": "role"})]
