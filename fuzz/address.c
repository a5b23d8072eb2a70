/*
 * Any text as host and port.  Nothing is looked up.
 */
#include "fuzz.h"

#include <string.h>

#include "base/error.h"
#include "net/address.h"

static void
split(const char *text, const char *default_port)
{
    struct vouch_error err = {VOUCH_OK, 0, 0, ""};
    char host[VOUCH_HOST_SIZE];
    char port[VOUCH_PORT_SIZE];

    if (vouch_address_split(text, default_port, host, port, &err) == 0) {
        FUZZ_CHECK(memchr(host, '\0', sizeof(host)) != NULL);
        FUZZ_CHECK(memchr(port, '\0', sizeof(port)) != NULL);
        FUZZ_CHECK(err.code == VOUCH_OK);
    } else {
        FUZZ_CHECK(err.code != VOUCH_OK);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    split(text, NULL);
    split(text, "1965");
    free(text);
    return 0;
}
