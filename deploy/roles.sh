#!/bin/sh
# The three logins of matchmaker. The postgres image runs this once, when it makes the database.
# The passwords come from the environment and not from the command line, where others could read it.
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD
\getenv worker_password WORKER_PASSWORD
set log_statement = 'none';
set log_min_error_statement = 'panic';
begin;
create role mm_owner login password :'owner_password';
create role mm_app login password :'app_password';
create role mm_worker login password :'worker_password';
select current_database() as name \gset
alter database :"name" owner to mm_owner;
revoke all on database :"name" from public;
grant connect on database :"name" to mm_app, mm_worker;
commit;
SQL
