"""One statement may write many rows, all of them or none: it asks the database to insist on each."""

from django.db import migrations

INSIST = """
CREATE FUNCTION insist(counts bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    missing integer := array_position(counts, 0);
BEGIN
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'A row is not there to be written.' USING ERRCODE = '23M01', DETAIL = missing;
    END IF;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0022_keys_locked_by_their_connection")]

    operations = [migrations.RunSQL(INSIST, "DROP FUNCTION insist(bigint[])")]
