"""Have "staff status" follow roles: it says who opens the console, and nobody has to remember to tick it.

It is a superuser's, and theirs who run a night. Whatever a form or a stale object writes into it, the row says what the
roles say; a role given or taken has the row ask them again.
"""

from django.db import migrations

FOLLOWS = """
CREATE FUNCTION auth_user_is_staff_follows_roles() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.is_staff := NEW.is_superuser OR EXISTS (
        SELECT FROM owner_assignments a WHERE a.user_id = NEW.id AND a.role IN ('owner', 'admin')
    );
    RETURN NEW;
END $$;

CREATE TRIGGER is_staff_follows_roles BEFORE INSERT OR UPDATE OF is_staff, is_superuser ON auth_user
    FOR EACH ROW EXECUTE FUNCTION auth_user_is_staff_follows_roles();

CREATE FUNCTION owner_assignments_tell_is_staff() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE auth_user SET is_staff = is_staff
    WHERE id IN (CASE WHEN TG_OP <> 'INSERT' THEN OLD.user_id END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.user_id END);
    RETURN NULL;
END $$;

CREATE TRIGGER tell_is_staff AFTER INSERT OR DELETE OR UPDATE OF user_id, role ON owner_assignments
    FOR EACH ROW EXECUTE FUNCTION owner_assignments_tell_is_staff();
"""
FOLLOWS_NOTHING = """
DROP TRIGGER tell_is_staff ON owner_assignments;
DROP FUNCTION owner_assignments_tell_is_staff();
DROP TRIGGER is_staff_follows_roles ON auth_user;
DROP FUNCTION auth_user_is_staff_follows_roles();
"""


class Migration(migrations.Migration):
    dependencies = [("owners", "0010_watch_beside_the_letters"), ("auth", "0012_alter_user_first_name_max_length")]
    operations = [migrations.RunSQL(FOLLOWS, FOLLOWS_NOTHING)]
