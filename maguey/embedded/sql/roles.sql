-- The three roles of DESIGN.md §7, for a whole server. Repeating it changes nothing.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['maguey_migrate', 'maguey_web', 'maguey_worker'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I', wanted);
        END IF;
    END LOOP;
END
$$;

ALTER ROLE maguey_migrate LOGIN CREATEDB NOSUPERUSER NOCREATEROLE NOBYPASSRLS NOREPLICATION;
ALTER ROLE maguey_web LOGIN NOCREATEDB NOSUPERUSER NOCREATEROLE NOBYPASSRLS NOREPLICATION;
ALTER ROLE maguey_worker LOGIN NOCREATEDB NOSUPERUSER NOCREATEROLE NOBYPASSRLS NOREPLICATION;

-- The owner of the tables may step down to the roles it serves (SET ROLE), so that tests meet the same policies
-- and grants as the product. It inherits nothing from them.
GRANT maguey_web, maguey_worker TO maguey_migrate WITH INHERIT FALSE, SET TRUE;
