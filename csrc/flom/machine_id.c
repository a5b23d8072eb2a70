/*
 * The machine id, from one of the two files that systems keep it in.
 */
#include "flom/machine_id.h"

#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"

#define DIGITS (VOUCH_FLOM_MACHINE_ID_SIZE - 1)

static int
read_id(const char *path, char out[VOUCH_FLOM_MACHINE_ID_SIZE],
        struct vouch_error *err)
{
    struct vouch_buf *text = vouch_buf_new(256);
    int status = -1;

    if (text == NULL)
        (void) vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    else if (vouch_file_read(path, text, err) == 0) {
        if (strspn(vouch_buf_text(text), "0123456789abcdef") == DIGITS) {
            memcpy(out, vouch_buf_data(text), DIGITS);
            out[DIGITS] = '\0';
            status = 0;
        } else
            (void) vouch_error_set(err, VOUCH_E_FORMAT,
                                   "%s: not 32 hexadecimal digits", path);
    }
    vouch_buf_free(text);
    return status;
}

int
vouch_flom_machine_id(char out[VOUCH_FLOM_MACHINE_ID_SIZE],
                      struct vouch_error *err)
{
    struct vouch_error first;

    vouch_error_clear(&first);
    if (read_id("/etc/machine-id", out, &first) == 0
        || read_id("/var/lib/dbus/machine-id", out, NULL) == 0)
        return 0;
    return vouch_error_set(err, first.code,
                           "no unique id of this host (nor in "
                           "/var/lib/dbus/machine-id): %s",
                           first.text);
}
