#!/bin/sh
# Bring Temporal's two schemas to the version of this admin-tools image; running it again changes nothing.
# At an upgrade this comes before the new server: one minor version of the server at a time.
set -eu

folder=${SECRETS_DIR:-/run/secrets}
schemas=/etc/temporal/schema/postgresql/v12

# Arguments: database (its owner has the same name), folder of its schema.
bring_up() {
    SQL_PASSWORD=$(cat "$folder/${1}_db_password")
    export SQL_PASSWORD
    # Never lowers a version that is there.
    temporal-sql-tool --plugin postgres12 --ep "${POSTGRES_HOST:-postgres}" -p 5432 -u "$1" --db "$1" \
        setup-schema -v 0.0
    temporal-sql-tool --plugin postgres12 --ep "${POSTGRES_HOST:-postgres}" -p 5432 -u "$1" --db "$1" \
        update-schema -d "$schemas/$2/versioned"
}

bring_up temporal temporal
bring_up temporal_visibility visibility
