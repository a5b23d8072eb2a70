/*
 * OpenSSL's error queue, turned into our error.
 */
#include "tls/private.h"

#include <stdarg.h>
#include <stdio.h>

#include <openssl/err.h>

/*
 * The word at the end of OpenSSL's reason; reasons that are a number of the
 * system (a missing file, say) get the system's words from OpenSSL itself.
 */
static const char *
reason_of(unsigned long code, char *text, size_t size)
{
    const char *reason = ERR_reason_error_string(code);

    if (reason != NULL)
        return reason;
    ERR_error_string_n(code, text, size);
    return text;
}

int
vouch_error_set_openssl(struct vouch_error *err, enum vouch_code code,
                        const char *format, ...)
{
    char text[VOUCH_ERROR_TEXT];
    char reason[160];
    unsigned long lib_code = ERR_get_error();
    va_list args;

    ERR_clear_error();
    va_start(args, format);
    (void) vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (err == NULL || err->code != VOUCH_OK)
        return -1;
    if (lib_code == 0)
        return vouch_error_set(err, code, "%s", text);
    vouch_error_set(err, code, "%s: %s", text,
                    reason_of(lib_code, reason, sizeof(reason)));
    err->lib_code = lib_code;
    return -1;
}
