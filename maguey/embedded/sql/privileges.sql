-- What the web and the workers may do with tables that migrations make, for one database and for template1, from
-- which test databases are copied. Repeating it changes nothing.
ALTER DEFAULT PRIVILEGES FOR ROLE maguey_migrate
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO maguey_web, maguey_worker;
ALTER DEFAULT PRIVILEGES FOR ROLE maguey_migrate
    GRANT USAGE, SELECT ON SEQUENCES TO maguey_web, maguey_worker;
