#!/bin/sh
# What do the three levels of security do, and what does a mistake look like?
#
#   examples/flom-tls/three-nodes.sh
#
# Makes three nodes - red, green and blue - each a network namespace with an
# address and a unique id of its own; where those are not allowed, all three
# are this host.  Then red runs the daemon, level by level, and the others use
# it, rightly and wrongly.  Nothing is left behind.  flom must be in PATH.
set -eu
command -v flom >/dev/null || { echo "three-nodes.sh: flom must be in PATH" >&2; exit 1; }
here=$(cd "$(dirname "$0")" && pwd)

# --- three nodes -------------------------------------------------------------

# Root makes namespaces; others may be root of one.
enter() {
    for way in 'unshare --net --mount' 'unshare --map-root-user --net --mount'; do
        # shellcheck disable=SC2086
        if $way sh -c 'ip link add bridge type bridge && ip link add name one type veth peer name two &&
            mount --bind /dev/null /etc/machine-id' >/dev/null 2>&1; then
            THREE_NODES=namespaces exec $way "$0"
        fi
    done
    echo "There can be no network namespaces here: all nodes are this host."
    THREE_NODES=loopback exec "$0"
}

# A namespace lives as long as a process in it.
make_node() {
    printf '%032d\n' "$2" >"$dir/$1.id"
    mkfifo "$dir/$1.ready"
    # shellcheck disable=SC2016 # for the shell there
    unshare --net --mount sh -c 'mount --bind "$1.id" /etc/machine-id
        mount --bind "$1.id" /var/lib/dbus/machine-id 2>/dev/null
        echo yes >"$1.ready"; exec sleep 600' sh "$dir/$1" &
    eval "pid_$1=$!"
    all="$all $!"
    read -r _ <"$dir/$1.ready"
    ip link add "to-$1" type veth peer name eth0 netns "$!"
    ip link set "to-$1" master bridge up
    on "$1" ip link set lo up
    on "$1" ip addr add "10.77.0.$2/24" dev eth0
    on "$1" ip link set eth0 up
}

make_nodes() {
    ip link add bridge type bridge
    ip link set bridge up
    make_node red 1
    make_node green 2
    make_node blue 3
}

# Run a command on a node.
on() {
    node=$1
    shift
    if [ "$THREE_NODES" = loopback ]; then "$@"; return; fi
    eval "nsenter --target \$pid_$node --net --mount --wd='$dir' \"\$@\""
}

# --- what happens ------------------------------------------------------------

# expect STATUS WORDS NODE OPTION...: flom on a node, with the daemon on red.
failures=0
expect() {
    want=$1 words=$2 who=$3
    shift 3
    echo "  $who: flom -a red $*"
    got=0
    on "$who" flom -a "$address" -p "$port" -d 0 "$@" -- echo "    has the lock" 2>said || got=$?
    sed 's/^/    /' said
    if [ "$got" != "$want" ] || ! grep -q "${words:-^}" said && [ "$words" ]; then
        echo "    UNEXPECTED: status $got, not $want, or not \"$words\""
        failures=$((failures + 1))
    fi
}

# The daemon on red, until it is told to end; then what its log says of those
# it has refused.
daemon() {
    echo "  red: flom --daemon $*"
    on red flom --daemon -a "$address" -p "$port" -d -1 "$@" --pid-file pid 2>log &
    i=0
    until [ -s pid ]; do
        i=$((i + 1))
        [ $i -lt 100 ] || { cat log; exit 1; }
        sleep 0.1
    done
}

end() {
    kill "$(cat pid)"
    wait $! || true
    sed -n 's/^.* warning .*: session [0-9]* from .* closed: /  the log of red: /p' log
}

if [ -z "${THREE_NODES-}" ]; then enter; fi
dir=$(mktemp -d) all=''
# shellcheck disable=SC2154,SC2086
trap 'kill $all $(cat pid 2>/dev/null) 2>/dev/null || true; cd /; rm -rf "$dir"' EXIT
cd "$dir"
export HOME="$dir" # no configuration of yours
if [ "$THREE_NODES" = loopback ]; then
    address=127.0.0.1 port=$((20000 + $$ % 20000))
else
    address=10.77.0.1 port=28015
    make_nodes
fi

# An authority; a certificate that all share; one for each node, made for its
# id; and what somebody else has made himself.
ca="$here/ca.sh"
"$ca" new
"$ca" node shared 'all of us'
for node in red green blue; do "$ca" node $node "$(on $node flom --unique-id)"; done
mkdir elsewhere
(cd elsewhere && "$ca" new && "$ca" node stranger "$(flom --unique-id)" && cp stranger.* ..)

# with NAME: the options for this certificate.
with() { echo "--tls-certificate $1.pem --tls-private-key $1.key --tls-ca-certificate ca.pem"; }
check='--tls-check-peer-id yes'

# shellcheck disable=SC2046,SC2086 # options are several words
{
    echo 'Level 1: clear text.  Who reaches the port has the locks.'
    daemon
    expect 0 '' green
    expect 99 'the daemon speaks no TLS' blue $(with shared)
    end

    echo 'Level 2: encrypted.  Who has a certificate of the authority has the locks.'
    daemon $(with shared)
    expect 0 '' green $(with shared)
    expect 0 '' blue $(with blue)
    expect 99 'the daemon speaks TLS' blue
    expect 99 'is not the authority that has signed our certificate' blue $(with stranger)
    end

    echo 'Level 3: mutual authentication.  Each node has a certificate for its id.'
    daemon $(with red) $check
    expect 0 '' green $(with green) $check
    expect 0 '' blue $(with blue) $check
    expect 99 "its certificate is for 'all of us'" blue $(with shared) $check
    if [ "$THREE_NODES" = namespaces ]; then
        expect 99 "unique id is '0*3', but its certificate is for '0*2'" blue $(with green) $check
    fi
    end

    echo 'Level 3: the daemon is not who it says.'
    daemon $(with shared)
    expect 99 "its certificate is for 'all of us'" green $(with green) $check
    end

    echo 'A certificate is revoked.'
    "$ca" revoke blue
    "$ca" list
    daemon $(with red) $check --tls-crl crl.pem
    expect 0 '' green $(with green) $check --tls-crl crl.pem
    expect 99 'our certificate is revoked' blue $(with blue) $check
    end
}
if [ $failures -gt 0 ]; then echo "$failures times not as expected"; exit 1; fi
echo 'All as expected.'
