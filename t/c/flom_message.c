/*
 * flom/message: FLoM's messages, against the bytes that FLoM 1.7.2 sends.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "flom/message.h"
#include "tap.h"

#define SAMPLES "t/data/flom/"
#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>"
#define LOCK(rest) HEAD "<msg level=\"3\" verb=\"1\" step=\"8\">" rest "</msg>"

static struct vouch_flom_parser *parser;
static struct vouch_flom_message message;

static int
parse(const char *text)
{
    struct vouch_error err;

    vouch_error_clear(&err);
    return vouch_flom_parse(parser, (const unsigned char *) text, strlen(text),
                            &message, &err);
}

static struct vouch_buf *
sample(const char *name)
{
    struct vouch_buf *bytes = vouch_buf_new(4096);
    char path[300];

    (void) snprintf(path, sizeof(path), SAMPLES "%s", name);
    is_int(vouch_file_read(path, bytes, NULL), 0, path);
    return bytes;
}

/* Each message of these bytes, read and written again. */
static void
round_trip(const char *name, const unsigned char *data, size_t length)
{
    struct vouch_buf *again = vouch_buf_new(VOUCH_FLOM_MESSAGE_MAX);
    long end;

    while (length > 0) {
        end = vouch_flom_frame(data, length, VOUCH_FLOM_MESSAGE_MAX);
        ok(end > 0, name);
        if (end <= 0)
            break;
        vouch_buf_clear(again);
        is_int(vouch_flom_parse(parser, data, (size_t) end, &message, NULL), 0,
               "is read");
        is_int(vouch_flom_encode(&message, again), 0, "is written");
        is_int(vouch_buf_length(again), end, "as long as before");
        is_bytes(vouch_buf_data(again), data, (size_t) end, "the same bytes");
        data += end;
        length -= (size_t) end;
    }
    vouch_buf_free(again);
}

static void
test_samples(void)
{
    DIR *dir = opendir(SAMPLES);
    struct dirent *entry;
    struct vouch_buf *bytes;
    int count = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (strstr(entry->d_name, ".xml") == NULL)
            continue;
        bytes = sample(entry->d_name);
        round_trip(entry->d_name, vouch_buf_data(bytes),
                   vouch_buf_length(bytes));
        vouch_buf_free(bytes);
        count++;
    }
    if (dir != NULL)
        (void) closedir(dir);
    is_int(count, 53, "samples");
}

static void
test_facts(void)
{
    struct vouch_buf *bytes = sample("lock_8_numeric.xml");

    is_int(parse(vouch_buf_text(bytes)), 0, "a lock request");
    is_text(message.name, "N[10]", "name");
    is_int(message.name_length, 5, "length of the name");
    is_int(message.quantity, 3, "quantity");
    is_int(message.wait, 1, "wait");
    is_int(message.create, 1, "create");
    ok(!(message.has & VOUCH_FLOM_HAS_MODE), "no mode");
    is_text(message.peer_id, "00112233445566778899aabbccddeeff", "peer id");
    vouch_buf_free(bytes);

    bytes = sample("lock_16_rc-14_invalid_name.xml");
    is_int(parse(vouch_buf_text(bytes)), 0, "an answer");
    is_int(message.rc, -14, "rc");
    vouch_buf_free(bytes);

    bytes = sample("discover_16_explicit_address.xml");
    is_int(parse(vouch_buf_text(bytes)), 0, "an answer to a discovery");
    is_text(message.address, "127.0.0.1", "address");
    is_int(message.port, 39805, "port");
    vouch_buf_free(bytes);
}

static void
test_frame(void)
{
    static const struct {
        const char *text;
        size_t max;
        long want;
        const char *name;
    } table[] = {
        {"", 100, 0, "nothing"},
        {"<msg", 100, 0, "a beginning"},
        {"<msg></msg", 100, 0, "all but the last byte"},
        {"<msg></msg>", 100, 11, "one"},
        {"<msg></msg><msg></msg>", 100, 11, "the first of two"},
        {"</msg>", 100, 6, "an end alone"},
        {"<</</m</ms</msg</msg>", 100, 21, "almost ends before the end"},
        {"<msg></msg>", 11, 11, "as long as allowed"},
        {"<msg></msg>", 10, -1, "one byte longer than allowed"},
        {"<msg></msg", 11, 0, "one byte short of the maximum"},
        {"<msg></msg ", 11, -1, "the maximum without an end"},
    };
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        is_int(vouch_flom_frame((const unsigned char *) table[i].text,
                                strlen(table[i].text), table[i].max),
               table[i].want, table[i].name);
    is_int(vouch_flom_frame((const unsigned char *) "\0\0</msg>", 8, 100), 8,
           "NULs before it");
}

static void
test_tolerated(void)
{
    static const char *const table[] = {
        "<msg level='3' verb='1' step='8'><resource name='QQ=='/></msg>",
        "<msg step=\"8\" verb=\"1\"><resource name=\"QQ==\"/></msg>",
        " \r\n\t" LOCK("<resource name=\"QQ==\"></resource>"),
        LOCK("<resource name=\"QQ==\"/><session peerid=\"x\"/>"),
        LOCK("<!-- a comment --><resource name=\"QQ==\"/>"),
        LOCK("some text<resource future=\"1\" name=\"QQ==\"/>"),
        LOCK("<session peerid=\"x\" of=\"y\"/><resource name=\"QQ==\"/>"),
        LOCK("<future/><resource name=\"QQ==\"/>"),
        LOCK("<future a=\"b\"/><resource name=\"QQ==\"/>"),
        LOCK("<a><resource name=\"Qg==\"/></a><resource name=\"QQ==\"/>"),
        "<msg level=\"3\" verb=\"1\" step=\"8\" new=\"1\">"
        "<resource name=\"QQ==\" quantity=\"-5\" mode=\"99\"/></msg>",
    };
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        is_int(parse(table[i]), 0, table[i]);
        is_text(message.name, "A", "its resource");
    }
}

static void
test_refused(void)
{
    static const char *const table[] = {
        "</msg>",
        "<x></msg>",
        "<message></message></msg>",
        LOCK("<resource name=\"QQ==\"/>") "x",
        LOCK("<resource name=\"QQ==\"/><resource name=\"QQ==\"/>"),
        LOCK("<resource name=\"QQ==\" name=\"QQ==\"/>"),
        LOCK("<resource name=\"QQ==\" rollback=\"1\"/>"),
        LOCK("<resource name=\"QQ==\" mode=\"five\"/>"),
        LOCK("<resource name=\"QQ==\" mode=\"\"/>"),
        LOCK("<resource name=\"QQ==\" mode=\"-\"/>"),
        LOCK("<resource name=\"QQ==\" quantity=\"99999999999999999999\"/>"),
        LOCK("<resource name=\"QQ==\" wait=\"0x1\"/>"),
        LOCK("<resource name=\"QQ==\" token=\"1\"/>"),
        LOCK("<resource name=\"QQ==\" token=\"1.\"/>"),
        LOCK("<a><b><c><d><e><f><g><h/></g></f></e></d></c></b></a>"),
        LOCK("&nbsp;"),
        LOCK("\x01"),
        LOCK("\xFF\xFE"),
        "<msg level=\"3\" verb=\"0\" step=\"8\"></msg>",
        "<msg level=\"3\" verb=\"6\" step=\"8\"></msg>",
        "<msg level=\"3\" verb=\"-1\" step=\"8\"></msg>",
        "<msg level=\"3\" verb=\"1\" step=\"9\"></msg>",
        "<msg level=\"3\" verb=\"1\" step=\"40\"></msg>",
        "<msg level=\"3\" verb=\"1\" step=\"0\"></msg>",
        "<msg level=\"3\" step=\"8\"></msg>",
        "<msg level=\"3\" verb=\"1\"></msg>",
        "<msg level=\"3\" verb=\"99999999999\" step=\"8\"></msg>",
        "<msg level=\"3\" verb=\"2\" step=\"8\">"
        "<resource name=\"QQ==\" mode=\"5\"/></msg>",
        "<msg level=\"3\" verb=\"4\" step=\"16\"><network host=\"x\"/></msg>",
        "<msg level=\"3\" verb=\"5\" step=\"8\"><shutdown now=\"1\"/></msg>",
        "<!DOCTYPE msg><msg level=\"3\" verb=\"1\" step=\"8\"></msg>",
        "<!DOCTYPE m [<!ENTITY a \"b\">]>"
        "<msg level=\"3\" verb=\"1\" step=\"8\">&a;</msg>",
    };
    struct vouch_error err;
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        vouch_error_clear(&err);
        is_int(vouch_flom_parse(parser, (const unsigned char *) table[i],
                                strlen(table[i]), &message, &err),
               -1, table[i]);
        is_int(err.code, VOUCH_E_FORMAT, err.text);
    }
    is_int(parse(LOCK("<resource name=\"QQ==\"/>")), 0,
           "the parser is as good as new");
}

static void
test_names(void)
{
    static const struct {
        const char *base64;
        int bad;
        long length;
    } table[] = {
        {"", 0, 0},     {"QQ==", 0, 1}, {"QQ", 1, 0},       {"QQ=", 1, 0},
        {"Q===", 1, 0}, {"QR==", 1, 0}, {"Q_==", 1, 0},     {"Q Q=", 1, 0},
        {"AAAA", 0, 3}, {"QUJD", 0, 3}, {"QUJDRA==", 0, 4}, {"!!!!", 1, 0},
    };
    char text[512];
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        (void) snprintf(text, sizeof(text), LOCK("<resource name=\"%s\"/>"),
                        table[i].base64);
        is_int(parse(text), 0, text);
        is_int((message.has & VOUCH_FLOM_BAD_NAME) != 0, table[i].bad, "bad");
        is_int(message.name_length, table[i].length, "length");
    }
}

/* A name of this many bytes. */
static int
parse_long_name(size_t length)
{
    static char base64[VOUCH_FLOM_MESSAGE_MAX];
    static char text[sizeof(base64) + 200];
    size_t i;

    for (i = 0; i < length; i += 3)
        memcpy(base64 + i / 3 * 4, "QUFB", 5);
    (void) snprintf(text, sizeof(text), LOCK("<resource name=\"%s\"/>"),
                    base64);
    return parse(text);
}

static void
test_limits(void)
{
    static char text[VOUCH_FLOM_MESSAGE_MAX + 10];

    is_int(parse_long_name(1023), 0, "a name of 1023 bytes");
    is_int(message.name_length, 1023, "is all there");
    is_int(parse_long_name(1026), 0, "a longer one");
    ok(message.has & VOUCH_FLOM_BAD_NAME, "is bad");

    memset(text, 'x', sizeof(text) - 1);
    memcpy(text, "<msg verb='1' step='8'>", 23);
    is_int(parse(text), -1, "a message that is too long");
}

static void
test_level(void)
{
    is_int(parse("<msg level=\"2\" verb=\"77\" step=\"5\"></msg>"), 0,
           "another level may have other verbs");
    is_int(message.level, 2, "level");
    is_int(parse("<msg verb=\"1\" step=\"8\"></msg>"), 0, "no level");
    is_int(message.level, 3, "is ours");
    ok(!(message.has & VOUCH_FLOM_HAS_LEVEL), "and told apart");
}

/* What 1.7.2 does not know. */
static void
test_new(void)
{
    struct vouch_buf *out = vouch_buf_new(VOUCH_FLOM_MESSAGE_MAX);
    struct vouch_flom_message sent;
    size_t i;

    vouch_flom_message_init(&sent, VOUCH_FLOM_LOCK, VOUCH_FLOM_ANSWER);
    sent.has = VOUCH_FLOM_HAS_RC | VOUCH_FLOM_HAS_ELEMENT
               | VOUCH_FLOM_HAS_TOKEN | VOUCH_FLOM_HAS_DATA;
    (void) strcpy(sent.element, "a<b>&\"c\"\n\t");
    (void) strcpy(sent.reason, "because");
    (void) strcpy(sent.ask, "status");
    (void) strcpy(sent.about, "/a b/*");
    sent.token_epoch = UINT64_MAX;
    sent.token_counter = 7;
    sent.lease = 5000;
    sent.more = 1;
    for (i = 0; i < VOUCH_FLOM_DATA_MAX; i++)
        sent.data[i] = (unsigned char) i;
    sent.data_length = VOUCH_FLOM_DATA_MAX;
    is_int(vouch_flom_encode(&sent, out), 0, "all that is new");
    is_int(vouch_flom_parse(parser, vouch_buf_data(out), vouch_buf_length(out),
                            &message, NULL),
           0, "is read");
    is_text(message.element, sent.element, "an element that needs escapes");
    is_text(message.reason, "because", "reason");
    is_text(message.ask, "status", "question");
    is_text(message.about, "/a b/*", "and what about");
    ok(message.token_epoch == UINT64_MAX && message.token_counter == 7,
       "token");
    is_int(message.lease, 5000, "lease");
    is_int(message.more, 1, "more");
    is_int(message.data_length, VOUCH_FLOM_DATA_MAX, "length of the data");
    is_bytes(message.data, sent.data, VOUCH_FLOM_DATA_MAX, "data");
    vouch_buf_free(out);

    out = vouch_buf_new(100);
    is_int(vouch_flom_encode(&sent, out), -1, "no room to write it");
    vouch_buf_free(out);
}

static void
test_token(void)
{
    static const char *const bad[] = {
        "",
        ".",
        "1",
        "1.",
        ".1",
        "1.1.1",
        "-1.1",
        "1.+1",
        " 1.1",
        "1.1 ",
        "18446744073709551616.0",
        "0.18446744073709551616",
        "a.b",
    };
    char text[VOUCH_FLOM_TOKEN_SIZE];
    uint64_t epoch = 0;
    uint64_t counter = 0;
    size_t i;

    vouch_flom_token_text(UINT64_MAX, UINT64_MAX, text);
    is_text(text, "18446744073709551615.18446744073709551615", "the largest");
    is_int(vouch_flom_token_parse(text, &epoch, &counter), 0, "and back");
    ok(epoch == UINT64_MAX && counter == UINT64_MAX, "the same");
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        is_int(vouch_flom_token_parse(bad[i], &epoch, &counter), -1, bad[i]);
}

int
main(void)
{
    parser = vouch_flom_parser_new();
    test_samples();
    test_facts();
    test_frame();
    test_tolerated();
    test_refused();
    test_names();
    test_limits();
    test_level();
    test_new();
    test_token();
    vouch_flom_parser_free(parser);
    return tap_done();
}
