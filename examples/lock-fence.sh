#!/bin/sh
# How do I keep a process that has lost its lock from writing?
#
#   examples/lock-fence.sh FILE TEXT
#
# Appends a line to the file.  Whoever was stopped for so long that another has
# the lock by now is sent away by the guard, just before it would write.
set -eu

file=$1
text=$2
if [ "${FLOM_RESOURCE-}" != fence ]; then
    exec flom -r fence -- "$0" "$file" "$text"
fi
flom --fence "$file.token" || exit 1
printf '%s\n' "$text" >>"$file"
