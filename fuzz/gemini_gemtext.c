/*
 * Any bytes as gemtext; escaped, nothing but text is left of them.
 */
#include "fuzz.h"

#include <string.h>

#include "base/buffer.h"
#include "gemini/gemtext.h"

static void
check(const char *data, size_t size, int escaped)
{
    struct vouch_gemtext_line line;
    size_t length = 0;
    size_t step;
    int fenced = 0;

    while ((step = vouch_gemtext_next(data, size, 1, &length)) > 0) {
        FUZZ_CHECK(step <= size && length <= step);
        vouch_gemtext_read(data, length, &fenced, &line);
        FUZZ_CHECK(line.text >= data);
        FUZZ_CHECK(line.text + line.text_length <= data + length);
        FUZZ_CHECK((line.url != NULL) == (line.kind == VOUCH_GEMTEXT_LINK));
        FUZZ_CHECK((line.level > 0) == (line.kind == VOUCH_GEMTEXT_HEADING));
        FUZZ_CHECK(line.url == NULL
                   || (line.url_length > 0
                       && line.url + line.url_length <= data + length));
        FUZZ_CHECK(!escaped || line.kind == VOUCH_GEMTEXT_TEXT);
        data += step;
        size -= step;
    }
    FUZZ_CHECK(size == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vouch_buf *buf = vouch_buf_new(3 * size + 2);

    FUZZ_CHECK(buf != NULL);
    check((const char *) data, size, 0);
    FUZZ_CHECK(vouch_gemtext_escape((const char *) data, size, 0, buf) == 0);
    check(vouch_buf_text(buf), vouch_buf_length(buf), 1);
    vouch_buf_clear(buf);
    FUZZ_CHECK(vouch_gemtext_escape((const char *) data, size, 1, buf) == 0);
    FUZZ_CHECK(strstr(vouch_buf_text(buf), "\n```") == NULL);
    vouch_buf_free(buf);
    return 0;
}
