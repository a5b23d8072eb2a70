#!/bin/sh
# How do I see to it that a job never runs twice at the same time?
#
#   examples/lock-once.sh RESOURCE COMMAND [ARGUMENT...]
#
# A job that is running already is no error: this one has nothing to do.
set -u

resource=$1
shift
flom -r "$resource" -o 0 -- "$@"
status=$?
if [ "$status" -eq 98 ]; then
    echo "$resource is running already" >&2
    exit 0
fi
exit "$status"
