#!/bin/sh
# Prepare the namespace: at least 90 days of retention, and the search attributes. Running it again changes
# nothing, and a longer retention that somebody chose stays. TEMPORAL_ADDRESS names the server.
set -eu

namespace=${COUNTERSIGN_TEMPORAL_NAMESPACE:-default}
days=90

tries=0
until temporal operator cluster health >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -ge 60 ]; then
        echo "Temporal at ${TEMPORAL_ADDRESS:-127.0.0.1:7233} did not become healthy; look at the server's log." >&2
        exit 1
    fi
    sleep 2
done

# Seconds of retention; empty when the namespace is not there.
retention() {
    temporal operator namespace describe --namespace "$namespace" --output json 2>/dev/null |
        sed -n 's/.*"workflowExecutionRetentionTtl": *"\([0-9]*\)[.0-9]*s".*/\1/p'
}

seconds=$(retention)
if [ -z "$seconds" ]; then
    temporal operator namespace create --namespace "$namespace" --retention "${days}d"
elif [ "$seconds" -lt $((days * 86400)) ]; then
    temporal operator namespace update --namespace "$namespace" --retention "${days}d"
fi

# A namespace that was just made is not known to every part of the server at once.
attributes() {
    temporal operator search-attribute create --namespace "$namespace" \
        --name CsProcess --type Keyword \
        --name CsBranch --type Keyword \
        --name CsStage --type Keyword \
        --name CsHolderRole --type Keyword \
        --name CsCaseId --type Keyword \
        --name CsDueAt --type Datetime
}

tries=0
until attributes; do
    tries=$((tries + 1))
    if [ "$tries" -ge 15 ]; then
        echo "The search attributes of namespace \"$namespace\" could not be registered; the reason stands above." >&2
        exit 1
    fi
    sleep 2
done
