#!/bin/sh
# How do I make the certificates for flom's --tls options?
#
#   ca.sh new                  an authority: ca.pem, and ca.key, which stays here
#   ca.sh node NAME ID         NAME.pem and NAME.key for the node with this
#                              unique id (there: flom --unique-id)
#   ca.sh revoke NAME          not to be trusted any more
#   ca.sh list                 crl.pem, for --tls-crl: who is revoked; also to
#                              be made anew before its 30 days are over
#
# All files are in the current folder.  A node gets ca.pem, crl.pem, its own
# certificate and its own key, and nobody else gets that key.
set -eu
umask 077

usage() { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2; }

key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'

# What openssl says is of interest only when something fails.
quietly() { "$@" >openssl.log 2>&1 || { cat openssl.log >&2; exit 1; }; }

new() {
    if [ -e ca.key ]; then echo "ca.sh: there is an authority already" >&2; exit 1; fi
    # shellcheck disable=SC2086 # several words
    quietly openssl req -x509 $key -keyout ca.key -out ca.pem -days 3650 -subj '/CN=flom authority' \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
    : >index
    cat >ca.cnf <<'CONF'
[ca]
default_ca = flom
[flom]
database = index
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_days = 365
default_crl_days = 30
rand_serial = yes
unique_subject = no
policy = any
x509_extensions = node
[any]
commonName = supplied
[node]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth,clientAuth
CONF
}

node() {
    # shellcheck disable=SC2086
    quietly openssl req $key -keyout "$1.key" -out "$1.csr" -subj "/CN=$2"
    quietly openssl ca -batch -notext -config ca.cnf -in "$1.csr" -out "$1.pem"
    rm "$1.csr"
}

case ${1-} in
new) new ;;
node) [ $# = 3 ] || usage; node "$2" "$3" ;;
revoke) [ $# = 2 ] || usage; quietly openssl ca -config ca.cnf -revoke "$2.pem" ;;
list) quietly openssl ca -config ca.cnf -gencrl -out crl.pem ;;
*) usage ;;
esac
rm -f openssl.log
