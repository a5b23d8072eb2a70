/*
 * Any text as a fingerprint; each spelling of it is read back the same.
 */
#include "fuzz.h"

#include <string.h>

#include "base/error.h"
#include "tls/fingerprint.h"

/* Base64 names no algorithm; read back it is told for SHA-256 alone. */
static void
spell(const struct vouch_fingerprint *print)
{
    int last = print->digest == VOUCH_SHA256 ? VOUCH_SPELL_BASE64URL
                                             : VOUCH_SPELL_COLONS;
    struct vouch_fingerprint again;
    char text[VOUCH_FINGERPRINT_TEXT];
    int spelling;

    for (spelling = 0; spelling <= last; spelling++) {
        vouch_fingerprint_text(print, (enum vouch_spelling) spelling, text);
        FUZZ_CHECK(strlen(text) < sizeof(text));
        FUZZ_CHECK(vouch_fingerprint_parse(text, &again, NULL) == 0);
        FUZZ_CHECK(again.length == print->length);
        FUZZ_CHECK(memcmp(again.bytes, print->bytes, again.length) == 0);
    }
    vouch_fingerprint_text(print, VOUCH_SPELL_DOLLAR, text);
    FUZZ_CHECK(vouch_fingerprint_parse(text, &again, NULL) == 0);
    FUZZ_CHECK(vouch_fingerprint_equal(&again, print));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vouch_error err = {VOUCH_OK, 0, 0, ""};
    struct vouch_fingerprint print;
    enum vouch_digest digest;
    char *text = malloc(size + 1);

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    (void) vouch_digest_by_name(text, &digest);
    if (vouch_fingerprint_parse(text, &print, &err) == 0) {
        FUZZ_CHECK(print.length <= sizeof(print.bytes));
        FUZZ_CHECK(print.length == vouch_digest_length(print.digest));
        spell(&print);
    } else {
        FUZZ_CHECK(err.code == VOUCH_E_FORMAT);
    }
    free(text);
    return 0;
}
