/*
 * Text into subject alternative names; shared by the files of identity only.
 */
#ifndef VOUCH_TLS_SAN_H
#define VOUCH_TLS_SAN_H

#include <stddef.h>

#include <openssl/x509v3.h>

struct vouch_error;

/*
 * Append to names what text says: "DNS:name", "IP:address", "EMAIL:a@b",
 * "URI:...", or a bare host name or address.  0, or -1: VOUCH_E_ARGUMENT
 * quotes the text and says what is wrong with it.
 */
int vouch_san_add(GENERAL_NAMES *names, const char *text,
                  struct vouch_error *err);

#endif
