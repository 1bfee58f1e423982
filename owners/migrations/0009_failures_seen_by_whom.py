"""Show failures to the service and to who runs their night, and let nobody delete them.

`maguey.actor` and `maguey.user_id` are the transaction's, set by payments/identity.py. Workers are the service by their
role; the web has to say so. The owner of the table is held too (FORCE), and gets a policy of its own, without which
migrations and audits run by it would find nothing. Policies ask in subqueries, so that once a statement is enough.
"""

from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION maguey_actor() RETURNS text STABLE
    RETURN coalesce(current_setting('maguey.actor', true), '');

CREATE FUNCTION maguey_user_id() RETURNS integer STABLE
    RETURN CASE WHEN maguey_actor() = 'owner' THEN nullif(current_setting('maguey.user_id', true), '')::integer END;

CREATE FUNCTION maguey_runs_every_night() RETURNS boolean STABLE
    RETURN EXISTS (
        SELECT FROM auth_user u
        WHERE u.id = maguey_user_id() AND u.is_active
          AND (u.is_superuser OR EXISTS (
              SELECT FROM owner_assignments a
              WHERE a.user_id = u.id AND a.event_id IS NULL AND a.role IN ('owner', 'admin')))
    );

CREATE FUNCTION maguey_nights_run() RETURNS SETOF uuid LANGUAGE SQL STABLE
BEGIN ATOMIC
    SELECT a.event_id FROM owner_assignments a JOIN auth_user u ON u.id = a.user_id
    WHERE u.id = maguey_user_id() AND u.is_active AND a.event_id IS NOT NULL AND a.role IN ('owner', 'admin');
END;
"""
NO_FUNCTIONS = """
DROP FUNCTION maguey_nights_run(), maguey_runs_every_night(), maguey_user_id(), maguey_actor();
"""

POLICIES = """
ALTER TABLE payment_failures ENABLE ROW LEVEL SECURITY;
ALTER TABLE payment_failures FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_of_the_table ON payment_failures TO maguey_migrate USING (true) WITH CHECK (true);

CREATE POLICY worker_reads ON payment_failures FOR SELECT TO maguey_worker USING (true);
CREATE POLICY worker_writes ON payment_failures FOR INSERT TO maguey_worker WITH CHECK (true);
CREATE POLICY worker_settles ON payment_failures FOR UPDATE TO maguey_worker USING (true) WITH CHECK (true);

CREATE POLICY service_reads ON payment_failures FOR SELECT TO maguey_web
    USING ((SELECT maguey_actor()) = 'service');
CREATE POLICY service_writes ON payment_failures FOR INSERT TO maguey_web
    WITH CHECK ((SELECT maguey_actor()) = 'service');
CREATE POLICY service_settles ON payment_failures FOR UPDATE TO maguey_web
    USING ((SELECT maguey_actor()) = 'service') WITH CHECK ((SELECT maguey_actor()) = 'service');

CREATE POLICY person_reads ON payment_failures FOR SELECT TO maguey_web
    USING ((SELECT maguey_runs_every_night()) OR event_id IN (SELECT maguey_nights_run()));
CREATE POLICY person_resolves ON payment_failures FOR UPDATE TO maguey_web
    USING (NOT resolved AND ((SELECT maguey_runs_every_night()) OR event_id IN (SELECT maguey_nights_run())))
    WITH CHECK (resolved AND resolved_by_id = (SELECT maguey_user_id())
                AND ((SELECT maguey_runs_every_night()) OR event_id IN (SELECT maguey_nights_run())));
"""
NO_POLICIES = """
DROP POLICY person_resolves ON payment_failures;
DROP POLICY person_reads ON payment_failures;
DROP POLICY service_settles ON payment_failures;
DROP POLICY service_writes ON payment_failures;
DROP POLICY service_reads ON payment_failures;
DROP POLICY worker_settles ON payment_failures;
DROP POLICY worker_writes ON payment_failures;
DROP POLICY worker_reads ON payment_failures;
DROP POLICY owner_of_the_table ON payment_failures;
ALTER TABLE payment_failures NO FORCE ROW LEVEL SECURITY;
ALTER TABLE payment_failures DISABLE ROW LEVEL SECURITY;
"""

# A grant says by which role a column may be written, not by whom within it.
ONLY_RESOLVES = """
CREATE FUNCTION payment_failures_person_only_resolves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    theirs CONSTANT text[] := ARRAY['resolved', 'resolved_at', 'resolved_by_id', 'resolution_note'];
BEGIN
    IF to_jsonb(NEW) - theirs IS DISTINCT FROM to_jsonb(OLD) - theirs THEN
        RAISE EXCEPTION 'payment_failures: a person resolves a failure and changes nothing else of it'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER person_only_resolves BEFORE UPDATE ON payment_failures
    FOR EACH ROW WHEN (maguey_actor() = 'owner') EXECUTE FUNCTION payment_failures_person_only_resolves();
"""
ALL_MAY_CHANGE = """
DROP TRIGGER person_only_resolves ON payment_failures;
DROP FUNCTION payment_failures_person_only_resolves();
"""

GRANTS = """
REVOKE ALL ON payment_failures FROM PUBLIC, maguey_web, maguey_worker;
GRANT SELECT, INSERT, UPDATE (resolved, resolved_at, resolved_by_id, resolution_note, metadata)
    ON payment_failures TO maguey_web, maguey_worker;
"""
ALL_GRANTED = """
GRANT SELECT, INSERT, UPDATE, DELETE ON payment_failures TO maguey_web, maguey_worker;
"""


class Migration(migrations.Migration):
    dependencies = [("owners", "0008_failed_sign_ins"), ("payments", "0012_uses_counted_from_nothing")]
    operations = [
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
        migrations.RunSQL(POLICIES, NO_POLICIES),
        migrations.RunSQL(ONLY_RESOLVES, ALL_MAY_CHANGE),
        migrations.RunSQL(GRANTS, ALL_GRANTED),
    ]
