#!/bin/sh
# How do I run many jobs, but only so many of them at the same time?
#
#   examples/lock-pool.sh N COMMAND < ARGUMENTS
#
# Runs "COMMAND ARGUMENT" for each line of its input, N at once at most, even
# when other shells use the same pool.
set -u

limit=$1
command=$2
while IFS= read -r argument; do
    flom -r "pool[$limit]" -- "$command" "$argument" </dev/null &
done
wait
