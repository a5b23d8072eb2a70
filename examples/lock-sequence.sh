#!/bin/sh
# How do I number things without a gap, although making one of them may fail?
#
#   examples/lock-sequence.sh NAME COMMAND [ARGUMENT...]
#
# The command gets the number as its last argument.  When it fails, the next
# one gets the same number again.  A daemon with --state keeps the numbers over
# restarts; without, they begin at 1 after an hour without use.
set -u

name=$1
shift
exec flom -r "_S_${name}[1]" -i 3600000 -- "$@"
