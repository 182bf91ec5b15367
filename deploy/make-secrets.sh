#!/bin/sh
# Make the secret files that docker-compose.yml names; those that are there already are left as they are.
# The folder keeps other users of the host out (700); the files in it are readable (444), because each container
# reads them as a user of its own.
set -eu

folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
chmod 700 "$folder"

for name in postgres_password app_db_password temporal_db_password temporal_visibility_db_password grafana_password; do
    [ -s "$folder/$name" ] && continue
    (umask 077 && od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$folder/$name")
    echo "$folder/$name: made"
done
# From the providers; empty means unset.
for name in twilio_auth_token twilio_auth_token_next smtp_password; do
    [ -e "$folder/$name" ] && continue
    : >"$folder/$name"
    echo "$folder/$name: empty; write the provider's secret into it if you have one"
done
for file in "$folder"/*; do
    chmod 444 "$file"
done
