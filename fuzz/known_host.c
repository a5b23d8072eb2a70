/*
 * Any bytes as a known-hosts line; what is read is written and read back the
 * same, and a host decides for itself.
 */
#include "fuzz.h"

#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "trust/decision.h"
#include "trust/known_host.h"

static void
decide(const struct vouch_known_host *host)
{
    struct vouch_trust_verdict verdict;
    struct vouch_shown shown;

    memset(&shown, 0, sizeof(shown));
    vouch_trust_decide(host, &shown, 0, &verdict);
    FUZZ_CHECK(verdict.trust == VOUCH_TRUST_CHANGED
               || verdict.trust == VOUCH_TRUST_CHANGED_AFTER_EXPIRY);
    shown.count = host->count;
    memcpy(shown.prints, host->prints, sizeof(shown.prints));
    vouch_trust_decide(host, &shown, 0, &verdict);
    FUZZ_CHECK(verdict.trust == VOUCH_TRUST_MATCH);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vouch_error err = {VOUCH_OK, 0, 0, ""};
    struct vouch_buf *line = vouch_buf_new(VOUCH_HOST_LINE_MAX);
    struct vouch_known_host host;
    struct vouch_known_host again;
    char name[VOUCH_HOST_MAX + 1];

    if (line == NULL)
        return 0;
    memset(&host, 0, sizeof(host));
    if (vouch_known_host_parse((const char *) data, size, &host, &err) == 0) {
        FUZZ_CHECK(host.count > 0 && host.count <= VOUCH_HOST_PRINTS);
        FUZZ_CHECK(host.port > 0 && host.port <= 65535);
        FUZZ_CHECK(
            vouch_known_host_name(host.host, strlen(host.host), name, NULL)
                == 0
            && strcmp(name, host.host) == 0);
        FUZZ_CHECK(vouch_known_host_line(&host, line) == 0);
        FUZZ_CHECK(vouch_known_host_parse(vouch_buf_text(line),
                                          vouch_buf_length(line), &again, NULL)
                   == 0);
        FUZZ_CHECK(memcmp(&host, &again, sizeof(host)) == 0);
        decide(&host);
    } else {
        FUZZ_CHECK(err.code == VOUCH_E_FORMAT || err.code == VOUCH_E_LIMIT);
    }
    vouch_buf_free(line);
    return 0;
}
