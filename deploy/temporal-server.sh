#!/bin/sh
# The server's image takes its passwords from variables only: read them from the secret files, then start it.
set -eu

folder=${SECRETS_DIR:-/run/secrets}
POSTGRES_PWD=$(cat "$folder/temporal_db_password")
VISIBILITY_POSTGRES_PWD=$(cat "$folder/temporal_visibility_db_password")
export POSTGRES_PWD VISIBILITY_POSTGRES_PWD

exec /etc/temporal/entrypoint.sh
