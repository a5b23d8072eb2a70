/*
 * gemini/request: what a server makes of bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "gemini/request.h"
#include "tap.h"

static const char *const hosts[] = {"localhost", "::1", "*.Example.org"};

static struct vouch_request_reader *
new_reader(int titan)
{
    struct vouch_request_reader *reader = NULL;
    struct vouch_error err;

    vouch_error_clear(&err);
    is_int(vouch_request_reader_new(hosts, 3, 1965, titan, &reader, &err), 0,
           "a reader");
    return reader;
}

static int
feed(struct vouch_request_reader *reader, const char *text, size_t *used_r)
{
    return (int) vouch_request_reader_feed(reader, text, strlen(text), used_r);
}

/* The status that a whole line gets: 20 for a request, 0 if it waits. */
static void
test_lines(void)
{
    static const struct {
        const char *line;
        int status;
    } table[] = {
        {"gemini://localhost/\r\n", 20},
        {"gemini://localhost\r\n", 20},
        {"GEMINI://LOCALHOST/\r\n", 20},
        {"gemini://localhost:1965/\r\n", 20},
        {"gemini://[::1]/\r\n", 20},
        {"gemini://a.example.ORG/\r\n", 20},
        {"gemini://a.b.example.org/?q\r\n", 20},
        {"gemini://localhost/a/../b\r\n", 20},
        {"gemini://localhost/?%0A%0D\r\n", 20},
        {"\r\n", 59},
        {"/\r\n", 59},
        {"//localhost/\r\n", 59},
        {"localhost/\r\n", 59},
        {"gemini:/\r\n", 59},
        {"gemini:///\r\n", 59},
        {"mailto:a@localhost\r\n", 59},
        {"gemini://a@localhost/\r\n", 59},
        {"gemini://@localhost/\r\n", 59},
        {"gemini://localhost/#\r\n", 59},
        {"gemini://localhost/#top\r\n", 59},
        {"gemini://localhost/\n", 59},
        {"gemini://localhost/\rx", 59},
        {"gemini://localhost/\r\r\n", 59},
        {"gemini://localhost/\r\n ", 59},
        {"gemini://localhost/\r\ngemini://localhost/\r\n", 59},
        {"gemini://localhost/\x01", 59},
        {"gemini://localhost/ \r\n", 59},
        {"gemini://localhost/\xFF\xFE\r\n", 59},
        {"gemini://localhost/%00\r\n", 59},
        {"gemini://localhost/?%00\r\n", 59},
        {"gemini://localhost/../x\r\n", 59},
        {"gemini://localhost/%2e%2e/\r\n", 59},
        {"GET / HTTP/1.1\r\n", 59},
        {"gemini://localhost:1966/\r\n", 53},
        {"gemini://other/\r\n", 53},
        {"gemini://example.org/\r\n", 53},
        {"gemini://xexample.org/\r\n", 53},
        {"gemini://.example.org/\r\n", 53},
        {"https://localhost/\r\n", 53},
        {"gopher://localhost/\r\n", 53},
        {"titan://localhost/;size=1\r\n", 53},
        {"gemini://localhost/", 0},
        {"gemini://localhost/\r", 0},
        {"", 0},
    };
    struct vouch_request_reader *reader = new_reader(0);
    size_t used;
    size_t i;
    int status;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        vouch_request_reader_reset(reader);
        (void) feed(reader, table[i].line, &used);
        status = vouch_request_reader_status(reader);
        if (vouch_request_reader_request(reader) != NULL)
            status = 20;
        is_int(status, table[i].status, table[i].line);
        is_int(vouch_request_reader_reason(reader)[0] != '\0', status > 20,
               "a reason, if it is refused");
    }
    vouch_request_reader_free(reader);
}

static void
test_length(void)
{
    char line[VOUCH_URL_MAX + 3];
    struct vouch_request_reader *reader = new_reader(0);
    size_t used;

    memset(line, 'a', sizeof(line));
    memcpy(line, "gemini://localhost/", 19);
    memcpy(line + 1023, "\r\n", 2);
    is_int(vouch_request_reader_feed(reader, line, 1025, &used),
           VOUCH_REQUEST_DONE, "1023 bytes and CRLF");
    vouch_request_reader_reset(reader);
    memcpy(line + 1023, "a\r\n", 3);
    is_int(vouch_request_reader_feed(reader, line, 1026, &used),
           VOUCH_REQUEST_DONE, "1024 bytes and CRLF");
    is_int(vouch_request_reader_request(reader)->path_length, 1006,
           "the whole path");
    vouch_request_reader_reset(reader);
    is_int(vouch_request_reader_feed(reader, line, 1024, &used),
           VOUCH_REQUEST_MORE, "1024 bytes alone");
    is_int(vouch_request_reader_pending(reader), 1024, "are kept");
    is_int(vouch_request_reader_feed(reader, "a", 1, &used),
           VOUCH_REQUEST_REFUSED, "1025 bytes, at once");
    is_int(vouch_request_reader_status(reader), 59, "with 59");
    is_int(vouch_request_reader_pending(reader), 0, "nothing pending");
    is_int(feed(reader, "gemini://localhost/\r\n", &used),
           VOUCH_REQUEST_REFUSED, "and stays refused");
    is_int(used, 0, "taking nothing");
    vouch_request_reader_free(reader);
}

static void
test_pieces(void)
{
    static const char line[] = "gemini://localhost/a%20b?c\r\n";
    struct vouch_request_reader *reader = new_reader(0);
    const struct vouch_request *request;
    size_t used;
    size_t i;

    for (i = 0; i + 2 < sizeof(line); i++) {
        if (vouch_request_reader_feed(reader, line + i, 1, &used)
            != VOUCH_REQUEST_MORE)
            break;
    }
    is_int(i, sizeof(line) - 2, "byte by byte, all but the last");
    is_int(vouch_request_reader_feed(reader, line + i, 1, &used),
           VOUCH_REQUEST_DONE, "the last");
    request = vouch_request_reader_request(reader);
    is_text(request->path, "/a b", "the path");
    is_int(request->titan, 0, "not an upload");
    is_int(vouch_request_reader_feed(reader, "x", 1, &used),
           VOUCH_REQUEST_DONE, "what comes later changes nothing");
    vouch_request_reader_free(reader);
}

static void
test_upload(void)
{
    struct vouch_request_reader *reader = new_reader(1);
    const struct vouch_request *request;
    const char *text = "titan://localhost/p%2e;size=12;token=a%20b?q\r\nbody";
    size_t used;

    is_int(feed(reader, text, &used), VOUCH_REQUEST_DONE, "an upload");
    is_text(text + used, "body", "its body is not taken");
    request = vouch_request_reader_request(reader);
    is_int(request->titan, 1, "is one");
    is_text(request->path, "/p.", "the path");
    is_int(request->raw_path_length, 5, "without parameters");
    is_int(request->body.size, 12, "the size");
    is_text(request->body.token, "a b", "the token");
    vouch_request_reader_reset(reader);
    is_int(feed(reader, "titan://localhost/p\r\n", &used),
           VOUCH_REQUEST_REFUSED, "an upload without size");
    is_int(vouch_request_reader_status(reader), 59, "with 59");
    vouch_request_reader_reset(reader);
    is_int(feed(reader, "titan://other/p;size=1\r\n", &used),
           VOUCH_REQUEST_REFUSED, "one for another host");
    is_int(vouch_request_reader_status(reader), 53, "with 53");
    vouch_request_reader_free(reader);
}

static void
test_patterns(void)
{
    static const struct {
        const char *host;
        const char *pattern;
        int matches;
    } table[] = {
        {"a.example", "A.Example", 1}, {"A.EXAMPLE", "a.example", 1},
        {"a.example", "a.exampl", 0},  {"a.exampl", "a.example", 0},
        {"a.example", "*.example", 1}, {"b.a.example", "*.example", 1},
        {".example", "*.example", 0},  {"example", "*.example", 0},
        {"aexample", "*.example", 0},  {"aexample", "*example", 0},
        {"*example", "*example", 1},   {"anything", "*", 1},
        {"a.example", "a.*", 0},       {"a", "", 0},
    };
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        is_int(vouch_request_host_matches(table[i].host, table[i].pattern),
               table[i].matches, table[i].pattern);
}

static void
test_arguments(void)
{
    static const char *const bad[] = {"",      "a b", "a/b",
                                      "[::1]", "a@b", "a\nb"};
    char *long_name = calloc(1, VOUCH_URL_HOST_SIZE + 1);
    struct vouch_request_reader *reader = NULL;
    const char *name;
    struct vouch_error err;
    size_t used;
    size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        vouch_error_clear(&err);
        is_int(vouch_request_reader_new(bad + i, 1, 1965, 0, &reader, &err),
               -1, "not a host");
        is_int(err.code, VOUCH_E_ARGUMENT, "is told");
    }
    memset(long_name, 'a', VOUCH_URL_HOST_SIZE - 1);
    name = long_name;
    vouch_error_clear(&err);
    is_int(vouch_request_reader_new(&name, 1, 1965, 0, &reader, &err), 0,
           "a name of 255");
    vouch_request_reader_free(reader);
    reader = NULL;
    long_name[VOUCH_URL_HOST_SIZE - 1] = 'a';
    is_int(vouch_request_reader_new(&name, 1, 1965, 0, &reader, &err), -1,
           "one of 256");
    is_int(vouch_request_reader_new(hosts, 0, 1965, 0, &reader, &err), -1,
           "no hosts");
    is_int(vouch_request_reader_new(hosts, 1, 65536, 0, &reader, &err), -1,
           "no such port");
    is_int(vouch_request_reader_new(hosts, 1, -1, 0, &reader, &err), -1,
           "nor this");
    name = "*";
    is_int(vouch_request_reader_new(&name, 1, 0, 0, &reader, &err), 0,
           "any host, any port");
    is_int(feed(reader, "gemini://some.where:7/\r\n", &used),
           VOUCH_REQUEST_DONE, "is served");
    vouch_request_reader_free(reader);
    vouch_request_reader_free(NULL);
    free(long_name);
}

int
main(void)
{
    test_lines();
    test_length();
    test_pieces();
    test_upload();
    test_patterns();
    test_arguments();
    return tap_done();
}
