/*
 * Any text as a kept password; what is read asks for no more than is allowed.
 */
#include "fuzz.h"

#include <string.h>

#include "base/error.h"
#include "trust/password.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vouch_error err = {VOUCH_OK, 0, 0, ""};
    struct vouch_password kept;
    char *text = malloc(size + 1);

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (vouch_password_parse(text, &kept, &err) == 0) {
        FUZZ_CHECK(kept.cost >= VOUCH_PASSWORD_COST_LEAST
                   && kept.cost <= VOUCH_PASSWORD_COST_MOST);
        FUZZ_CHECK(strlen(text) < VOUCH_PASSWORD_TEXT);
    } else {
        FUZZ_CHECK(err.code == VOUCH_E_FORMAT);
    }
    free(text);
    return 0;
}
