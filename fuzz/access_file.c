/*
 * Any bytes as a file of access rules; with what can be read, decisions.
 */
#include "fuzz.h"

#include <string.h>

#include "access/access.h"
#include "access/access_file.h"

static void
decide(const struct vouch_access *access)
{
    static const struct vouch_access_who clients[] = {
        {VOUCH_ACCESS_OWNER, 0, 0, NULL, NULL, NULL},
        {VOUCH_ACCESS_REMOTE, -1, 1, "alex", NULL, NULL},
    };
    static const char *const resources[] = {NULL, "db", "/a/b/c", "_s_x[3]"};
    struct vouch_access_verdict verdict;
    unsigned right;
    char text[256];
    size_t i;
    size_t j;

    for (i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
        for (j = 0; j < sizeof(resources) / sizeof(resources[0]); j++) {
            for (right = 1; right < VOUCH_ACCESS_ALL; right <<= 1) {
                (void) vouch_access_decide(access, &clients[i], right,
                                           resources[j], &verdict);
                FUZZ_CHECK(!verdict.allowed || verdict.line > 0);
                FUZZ_CHECK(
                    !verdict.allowed
                    || vouch_access_has_some(access, &clients[i], right));
                vouch_access_text(&clients[i], right, resources[j], &verdict,
                                  text, sizeof(text));
                FUZZ_CHECK(strlen(text) < sizeof(text));
            }
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vouch_access *access = NULL;

    if (vouch_access_parse((const char *) data, size, &access, NULL) == 0)
        decide(access);
    vouch_access_free(access);
    return 0;
}
