/*
 * Return codes in words.
 */
#include "flom/error_codes.h"

#include <stddef.h>

struct row {
    int code;
    const char *text;
};

#define ROW(symbol, code, text) {code, text},
static const struct row ROWS[] = {VOUCH_FLOM_RC_LIST(ROW)};
#undef ROW

const char *
vouch_flom_rc_text(int code)
{
    size_t i;

    for (i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        if (ROWS[i].code == code)
            return ROWS[i].text;
    }
    return "ERROR: unknown return code";
}
