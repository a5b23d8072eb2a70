/*
 * gemini/response: headers written and read.
 */
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "gemini/response.h"
#include "tap.h"

static const int statuses[] = {10, 11, 20, 30, 31, 40, 41, 42, 43,
                               44, 50, 51, 52, 53, 59, 60, 61, 62};

#define STATUSES (sizeof(statuses) / sizeof(statuses[0]))

/* Every number: those of the specification and no others. */
static void
test_statuses(void)
{
    struct vouch_buf *buf = vouch_buf_new(64);
    struct vouch_error err;
    size_t next = 0;
    int status;
    int known;

    for (status = 0; status < 100; status++) {
        known = next < STATUSES && statuses[next] == status;
        if (known)
            next++;
        vouch_error_clear(&err);
        vouch_buf_clear(buf);
        is_int(vouch_header_build(status, "a/b", 3, buf, &err), known ? 0 : -1,
               known ? "a status" : "not a status");
        ok((vouch_status_text(status) != NULL) == known, "and its text");
    }
    is_int(next, STATUSES, "all were seen");
    vouch_buf_free(buf);
}

static void
test_build(void)
{
    static const struct {
        int status;
        const char *meta;
        const char *want;
    } table[] = {
        {20, "text/gemini; lang=en", "20 text/gemini; lang=en\r\n"},
        {51, "", "51\r\n"},
        {51, "nicht gef\xC3\xBCnden", "51 nicht gef\xC3\xBCnden\r\n"},
        {31, "../x?y#z", "31 ../x?y#z\r\n"},
        {10, "", NULL},
        {20, "", NULL},
        {30, "", NULL},
        {20, "text", NULL},
        {30, "a b", NULL},
        {51, "a\r\nb", NULL},
        {51, "a\nb", NULL},
        {51, "a\tb", NULL},
        {51, "a\x7F", NULL},
        {51, "a\xC2\x85", NULL},
        {51, "\xFF", NULL},
        {51, " a", NULL},
        {51, "\xEF\xBB\xBF", NULL},
    };
    struct vouch_buf *buf = vouch_buf_new(2048);
    struct vouch_error err;
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        vouch_error_clear(&err);
        vouch_buf_clear(buf);
        is_int(vouch_header_build(table[i].status, table[i].meta,
                                  strlen(table[i].meta), buf, &err),
               table[i].want != NULL ? 0 : -1, table[i].meta);
        is_text(vouch_buf_text(buf),
                table[i].want != NULL ? table[i].want : "", "is written");
    }
    is_int(vouch_header_build(51, "a\0b", 3, buf, &err), -1, "a NUL");
    vouch_buf_free(buf);
}

static void
test_build_limits(void)
{
    char meta[VOUCH_META_MAX + 1];
    struct vouch_buf *buf = vouch_buf_new(4096);
    struct vouch_buf *small = vouch_buf_new(VOUCH_META_MAX + 4);
    struct vouch_error err;

    memset(meta, 'a', sizeof(meta));
    vouch_error_clear(&err);
    is_int(vouch_header_build(50, meta, 1023, buf, &err), 0, "1023 bytes");
    is_int(vouch_header_build(50, meta, 1024, buf, &err), 0, "1024 bytes");
    is_int(vouch_header_build(50, meta, 1024, small, &err), -1,
           "not where there is no room");
    is_int(err.code, VOUCH_E_MEMORY, "is told");
    vouch_error_clear(&err);
    is_int(vouch_header_build(50, meta, 1025, buf, &err), -1, "1025 bytes");
    is_int(err.code, VOUCH_E_ARGUMENT, "are too many");
    vouch_buf_free(buf);
    vouch_buf_free(small);
}

/* result 1 with status, meta, faults; or -1; or 0. */
static void
test_read(void)
{
    static const struct {
        const char *text;
        int result;
        int status;
        const char *meta;
        unsigned faults;
    } table[] = {
        {"20 text/gemini\r\n", 1, 20, "text/gemini", 0},
        {"51 not found\r\n", 1, 51, "not found", 0},
        {"51\r\n", 1, 51, "", 0},
        {"51 \r\n", 1, 51, "", 0},
        {"20 text/gemini\n", 1, 20, "text/gemini", VOUCH_HEADER_BARE_LF},
        {"20\r\n", 1, 20, "", VOUCH_HEADER_NO_META},
        {"10 \r\n", 1, 10, "", VOUCH_HEADER_NO_META},
        {"20   a/b \r\n", 1, 20, "a/b", VOUCH_HEADER_BLANKS},
        {"20 \xEF\xBB\xBF"
         "a/b\r\n",
         1, 20, "a/b", VOUCH_HEADER_BOM},
        {"29 x\r\n", 1, 29, "x", VOUCH_HEADER_UNDEFINED},
        {"64\n", 1, 64, "", VOUCH_HEADER_UNDEFINED | VOUCH_HEADER_BARE_LF},
        {"30 /x\r\nrest", 1, 30, "/x", 0},
        {"30\r\n", -1, 0, "", 0},
        {"30 \r\n", -1, 0, "", 0},
        {"09 x\r\n", -1, 0, "", 0},
        {"00 x\r\n", -1, 0, "", 0},
        {"70 x\r\n", -1, 0, "", 0},
        {"99 x\r\n", -1, 0, "", 0},
        {"2\r\n", -1, 0, "", 0},
        {"\r\n", -1, 0, "", 0},
        {"\n", -1, 0, "", 0},
        {"200 OK\r\n", -1, 0, "", 0},
        {"20\tx\r\n", -1, 0, "", 0},
        {"20 a\tb\r\n", -1, 0, "", 0},
        {"20 a\rb\r\n", -1, 0, "", 0},
        {"20 \xFF\r\n", -1, 0, "", 0},
        {"20 a\x1B[2J\r\n", -1, 0, "", 0},
        {"HTTP/1.1 400 Bad Request\r\n", -1, 0, "", 0},
        {"ab", -1, 0, "", 0},
        {"2x y", -1, 0, "", 0},
        {"20 text", 0, 0, "", 0},
        {"2", 0, 0, "", 0},
        {"", 0, 0, "", 0},
    };
    struct vouch_header_reader *reader;
    struct vouch_error err;
    const char *meta;
    size_t length;
    size_t used;
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        reader = vouch_header_reader_new();
        vouch_error_clear(&err);
        is_int(vouch_header_reader_feed(reader, table[i].text,
                                        strlen(table[i].text), &used, &err),
               table[i].result, table[i].text);
        is_int(err.code != VOUCH_OK, table[i].result < 0, "a reason if not");
        is_int(vouch_header_reader_status(reader), table[i].status, "status");
        meta = vouch_header_reader_meta(reader, &length);
        is_text(meta, table[i].meta, "meta");
        is_int(length, strlen(table[i].meta), "its length");
        is_int(vouch_header_reader_faults(reader), table[i].faults, "faults");
        vouch_header_reader_free(reader);
    }
    vouch_header_reader_free(NULL);
}

static void
test_read_pieces(void)
{
    static const char text[] = "20 text/plain\r\nbody";
    struct vouch_header_reader *reader = vouch_header_reader_new();
    struct vouch_error err;
    size_t used;
    size_t i;

    vouch_error_clear(&err);
    for (i = 0; i < 14; i++)
        is_int(vouch_header_reader_feed(reader, text + i, 1, &used, &err), 0,
               "a byte");
    is_int(vouch_header_reader_feed(reader, text + 14, 5, &used, &err), 1,
           "the end, and more");
    is_int(used, 1, "of which it takes one byte");
    is_int(vouch_header_reader_feed(reader, "x", 1, &used, &err), 1,
           "it stays complete");
    is_int(used, 0, "and takes nothing");
    vouch_header_reader_free(reader);
}

static void
test_read_limits(void)
{
    static const size_t lengths[] = {1023, 1024, 1025, 4095, 4096, 4097};
    static char text[VOUCH_META_READ_MAX + 16];
    struct vouch_header_reader *reader;
    struct vouch_error err;
    size_t used;
    size_t i;
    int result;

    for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        memset(text, 'a', sizeof(text));
        memcpy(text, "50 ", 3);
        memcpy(text + 3 + lengths[i], "\r\n", 2);
        reader = vouch_header_reader_new();
        vouch_error_clear(&err);
        result = vouch_header_reader_feed(reader, text, lengths[i] + 5, &used,
                                          &err);
        is_int(result, lengths[i] <= VOUCH_META_READ_MAX ? 1 : -1, "a meta");
        is_int(vouch_header_reader_faults(reader),
               result == 1 && lengths[i] > VOUCH_META_MAX ? VOUCH_HEADER_LONG
                                                          : 0,
               "told if it is long");
        is_int(err.code, result == 1 ? VOUCH_OK : VOUCH_E_LIMIT, "the code");
        vouch_header_reader_free(reader);
    }
}

static void
test_faults(void)
{
    int i;

    for (i = 0; i < VOUCH_HEADER_FAULTS; i++)
        ok(vouch_header_fault_text(1 << i) != NULL, "a fault has words");
    ok(vouch_header_fault_text(1 << i) == NULL, "no fault has none");
    ok(vouch_header_fault_text(0) == NULL, "nor has 0");
}

int
main(void)
{
    test_statuses();
    test_build();
    test_build_limits();
    test_read();
    test_read_pieces();
    test_read_limits();
    test_faults();
    return tap_done();
}
