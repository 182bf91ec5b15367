#!/bin/sh
# Give the process its secrets: each file in the secrets folder becomes the variable of the same name.
# An empty file sets nothing, so an optional secret can stay empty and the setting keeps its default.
set -eu

folder=${SECRETS_DIR:-/run/secrets}
for file in "$folder"/*; do
    [ -f "$file" ] || continue
    name=${file##*/}
    case $name in
        [0-9]* | *[!A-Za-z0-9_]*)
            echo "$file: not the name of a variable; mount it under the name of the setting it holds." >&2
            exit 1
            ;;
    esac
    if [ ! -r "$file" ]; then
        echo "$file: user $(id -u) may not read it; give the file mode 444 on the host (the folder around it 700)." >&2
        exit 1
    fi
    value=$(cat "$file")
    [ -z "$value" ] || export "$name=$value"
done

exec "$@"
