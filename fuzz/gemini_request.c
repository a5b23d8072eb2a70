/*
 * Any bytes as a request, at once and in two pieces: both are judged alike.
 */
#include "fuzz.h"

#include <string.h>

#include "base/error.h"
#include "gemini/request.h"

static struct vouch_request_reader *
new_reader(void)
{
    static const char *const hosts[] = {"localhost", "*.example.org"};
    struct vouch_error err = {VOUCH_OK, 0, 0, ""};
    struct vouch_request_reader *reader = NULL;

    FUZZ_CHECK(vouch_request_reader_new(hosts, 2, 1965, 1, &reader, &err)
               == 0);
    return reader;
}

static void
check(struct vouch_request_reader *reader, enum vouch_request_state state)
{
    const struct vouch_request *request = vouch_request_reader_request(reader);
    const char *c;

    FUZZ_CHECK((request != NULL) == (state == VOUCH_REQUEST_DONE));
    FUZZ_CHECK((vouch_request_reader_status(reader) != 0)
               == (state == VOUCH_REQUEST_REFUSED));
    for (c = vouch_request_reader_reason(reader); *c != '\0'; c++)
        FUZZ_CHECK(*c >= ' ' && *c <= '~');
    if (request == NULL)
        return;
    FUZZ_CHECK(strlen(request->path) == request->path_length);
    FUZZ_CHECK(strstr(request->path, "/../") == NULL);
    FUZZ_CHECK(request->raw_path_length <= request->url.path.length);
    if (request->titan)
        FUZZ_CHECK(vouch_mime_is_valid(request->body.mime,
                                       strlen(request->body.mime)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vouch_request_reader *whole = new_reader();
    struct vouch_request_reader *parts = new_reader();
    size_t half = size / 2;
    size_t used;
    enum vouch_request_state a;
    enum vouch_request_state b;

    a = vouch_request_reader_feed(whole, (const char *) data, size, &used);
    FUZZ_CHECK(used <= size);
    check(whole, a);
    (void) vouch_request_reader_feed(parts, (const char *) data, half, &used);
    b = vouch_request_reader_feed(parts, (const char *) data + half,
                                  size - half, &used);
    check(parts, b);
    /* What comes after the end is seen only if it comes with the end. */
    FUZZ_CHECK(a == b
               || (a == VOUCH_REQUEST_REFUSED && b == VOUCH_REQUEST_DONE));
    vouch_request_reader_free(whole);
    vouch_request_reader_free(parts);
    return 0;
}
