#!/bin/sh
# Make the roles, the database and the privileges on a PostgreSQL of one's own, as its superuser (PG* variables say
# which). Run by compose.yaml at the first start and by CI; repeating it changes nothing.
#   MIGRATE_PASSWORD, WEB_PASSWORD, WORKER_PASSWORD   the roles' passwords
set -eu
here=${SQL_DIR:-$(dirname "$0")}
export PGOPTIONS="-c client_min_messages=warning"
run() { psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 "$@"; }

run --dbname postgres --file "$here/roles.sql"
run --dbname postgres <<'SQL'
\getenv migrate MIGRATE_PASSWORD
\getenv web WEB_PASSWORD
\getenv worker WORKER_PASSWORD
ALTER ROLE maguey_migrate PASSWORD :'migrate';
ALTER ROLE maguey_web PASSWORD :'web';
ALTER ROLE maguey_worker PASSWORD :'worker';
SELECT 'CREATE DATABASE maguey OWNER maguey_migrate'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'maguey') \gexec
SQL
run --dbname maguey --file "$here/privileges.sql"
run --dbname template1 --file "$here/privileges.sql"
