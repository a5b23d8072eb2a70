/*
 * Run a fuzz program on files: each argument is one input.
 */
#include "fuzz.h"

#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"

#define INPUT_MAX 16777216 /* far more than any parser takes */

static int
run_file(const char *path)
{
    struct vouch_error err = {VOUCH_OK, 0, 0, ""};
    struct vouch_buf *buf = vouch_buf_new(INPUT_MAX);
    uint8_t *copy = NULL;
    size_t length;
    int status = -1;

    if (buf == NULL || vouch_file_read(path, buf, &err) != 0)
        goto out;
    /* Exactly as long as the input, so that reading past it is seen. */
    length = vouch_buf_length(buf);
    copy = malloc(length > 0 ? length : 1);
    if (copy == NULL)
        goto out;
    memcpy(copy, vouch_buf_data(buf), length);
    status = LLVMFuzzerTestOneInput(copy, length);
out:
    if (status != 0)
        fprintf(stderr, "%s: %s\n", path, err.text);
    free(copy);
    vouch_buf_free(buf);
    return status;
}

int
main(int argc, char **argv)
{
    int i;

    for (i = 1; i < argc; i++) {
        if (run_file(argv[i]) != 0)
            return 1;
    }
    printf("%d inputs\n", argc - 1);
    return argc > 1 ? 0 : 1;
}
