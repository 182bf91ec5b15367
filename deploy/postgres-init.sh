#!/bin/sh
# Runs once, on an empty data volume: three databases, each owned by a role that cannot enter the other two.
# psql reads each password from its file, so that none stands in a command line.
set -eu

folder=${SECRETS_DIR:-/run/secrets}
for name in app temporal temporal_visibility; do
    SECRET_FILE=$folder/${name}_db_password
    export SECRET_FILE
    if [ ! -s "$SECRET_FILE" ]; then
        echo "$SECRET_FILE is missing or empty: run deploy/make-secrets.sh, remove the database volume, start again." >&2
        exit 1
    fi
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
        --set name="$name" <<'SQL'
\set password `cat "$SECRET_FILE"`
-- A refused statement would otherwise stand in the server's log with the password in it.
SET log_min_error_statement = panic;
SET log_statement = 'none';
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name" ENCODING 'UTF8' TEMPLATE template0;
REVOKE CONNECT, TEMPORARY ON DATABASE :"name" FROM PUBLIC;
SQL
done
