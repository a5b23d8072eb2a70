/*
 * Vouch: who is at the other end of this TLS connection, and who holds what?
 *
 * The C interface in one include.  Conventions, the same everywhere:
 *
 *   Objects     struct vouch_thing is opaque; vouch_thing_new() makes one and
 *               vouch_thing_free() takes NULL.  Objects with a _ref()
 *               function count references; _free() drops one.
 *   Set-up      returns 0, or -1 with the reason in the struct vouch_error
 *               given last (NULL: the caller does not want to know).
 *   I/O         returns a count, 0 for a clean end, -1 for an error, or
 *               VOUCH_WANT_READ or VOUCH_WANT_WRITE: call again with the
 *               same arguments when the descriptor is ready.
 *   Look-ups    return 1 found, 0 not found, -1 error.
 *   Results     are the last arguments, named _r, untouched on failure.
 *   Waiting     nothing waits unless its contract says so.
 *   Threads     an object belongs to one thread at a time; configurations,
 *               identities, certificates and pin sets may be shared.
 *
 * The library installs no signal handlers, prints nothing, never exits.
 */
#ifndef VOUCH_H
#define VOUCH_H

#include "base/buffer.h"
#include "base/error.h"
#include "flom/client.h"
#include "flom/config_file.h"
#include "flom/discovery.h"
#include "flom/error_codes.h"
#include "flom/settings.h"
#include "gemini/gemtext.h"
#include "gemini/request.h"
#include "gemini/response.h"
#include "gemini/titan.h"
#include "gemini/url.h"
#include "lock/table.h"
#include "net/address.h"
#include "net/poller.h"
#include "net/seats.h"
#include "net/socket.h"
#include "tls/authorities.h"
#include "tls/certificate.h"
#include "tls/certificate_extensions.h"
#include "tls/config.h"
#include "tls/connection.h"
#include "tls/draft.h"
#include "tls/failure.h"
#include "tls/fingerprint.h"
#include "tls/identity.h"
#include "tls/listener.h"
#include "tls/ocsp.h"
#include "tls/pins.h"
#include "tls/pkey.h"
#include "tls/session.h"
#include "tls/verify.h"
#include "trust/decision.h"
#include "trust/known_host.h"
#include "trust/password.h"

#endif
