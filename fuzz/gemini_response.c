/*
 * Any bytes as the header of a response; what is read can be written again,
 * or was to be forgiven.
 */
#include "fuzz.h"

#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "gemini/response.h"

static void
check(const struct vouch_header_reader *reader)
{
    struct vouch_error err = {VOUCH_OK, 0, 0, ""};
    struct vouch_buf *buf = vouch_buf_new(8192);
    int status = vouch_header_reader_status(reader);
    size_t length;
    const char *meta = vouch_header_reader_meta(reader, &length);

    FUZZ_CHECK(status >= 10 && status <= 69);
    FUZZ_CHECK(strlen(meta) == length && length <= VOUCH_META_READ_MAX);
    FUZZ_CHECK(buf != NULL);
    if (vouch_header_reader_faults(reader) == 0 && status >= 40)
        FUZZ_CHECK(vouch_header_build(status, meta, length, buf, &err) == 0);
    vouch_buf_free(buf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vouch_header_reader *reader = vouch_header_reader_new();
    struct vouch_error err = {VOUCH_OK, 0, 0, ""};
    size_t half = size / 2;
    size_t used;
    int result;

    FUZZ_CHECK(reader != NULL);
    result = vouch_header_reader_feed(reader, (const char *) data, half, &used,
                                      &err);
    FUZZ_CHECK(used <= half);
    if (result == 0)
        result = vouch_header_reader_feed(reader, (const char *) data + half,
                                          size - half, &used, &err);
    FUZZ_CHECK((err.code != VOUCH_OK) == (result < 0));
    if (result == 1)
        check(reader);
    vouch_header_reader_free(reader);
    return 0;
}
