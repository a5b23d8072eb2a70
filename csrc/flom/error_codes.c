/*
 * Return codes by name and in words.
 */
#include "flom/error_codes.h"

#include <stddef.h>

struct row {
    int code;
    const char *name;
    const char *text;
};

#define ROW(symbol, code, text) {code, #symbol, text},
static const struct row ROWS[] = {VOUCH_FLOM_RC_LIST(ROW)};
#undef ROW

static const struct row *
find(int code)
{
    size_t i;

    for (i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        if (ROWS[i].code == code)
            return &ROWS[i];
    }
    return NULL;
}

const char *
vouch_flom_rc_name(int code)
{
    const struct row *row = find(code);

    return row == NULL ? NULL : row->name;
}

const char *
vouch_flom_rc_text(int code)
{
    const struct row *row = find(code);

    return row == NULL ? "ERROR: unknown return code" : row->text;
}
