/*
 * The one shared object of Vouch.  One .xs file per Perl package follows;
 * this holds what must come first.
 */
#include "bridge.h"
#include "flom_handle.h"
#include "lock.h"
#include "recent.h"

#include <sys/socket.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "flom/config_file.h"
#include "flom/message.h"
#include "lock/name.h"
#include "net/socket.h"

/* Descriptors that a poller tells in one call. */
#define VXS_POLLER_BATCH 64

MODULE = Vouch    PACKAGE = Vouch

PROTOTYPES: DISABLE

BOOT:
    vxs_watch_forks();
    vxs_recent_start(aTHX);

void
CLONE(...)
  CODE:
    PERL_UNUSED_VAR(items);
    vxs_recent_clone(aTHX);

int
_is_mapped(address, length)
    UV address
    UV length
  CODE:
    RETVAL = vouch_memory_is_mapped(INT2PTR(void *, address), length);
  OUTPUT:
    RETVAL

INCLUDE: Certificate.xs

INCLUDE: CertificateLists.xs

INCLUDE: Draft.xs

INCLUDE: Flom.xs

INCLUDE: Identity.xs

INCLUDE: Key.xs

INCLUDE: Config.xs

INCLUDE: ConfigPins.xs

INCLUDE: ConfigStaple.xs

INCLUDE: Stream.xs

INCLUDE: StreamFacts.xs

INCLUDE: StreamNames.xs
INCLUDE: StreamEnded.xs

INCLUDE: StreamAlone.xs

INCLUDE: VerifyContext.xs

INCLUDE: Socket.xs

INCLUDE: Handshakes.xs

INCLUDE: File.xs

INCLUDE: KnownHosts.xs

INCLUDE: Poller.xs

INCLUDE: Pins.xs

INCLUDE: Authorities.xs

INCLUDE: Gemtext.xs

INCLUDE: GeminiURL.xs

INCLUDE: Gemini.xs

INCLUDE: Lock.xs

INCLUDE: LockLink.xs

INCLUDE: LockSettings.xs
INCLUDE: Accounts.xs

INCLUDE: Trust.xs
