/*
 * Any bytes as a message: what is read without expat, expat reads the same.
 * A comment in front is what makes expat's turn of it.
 */
#include "fuzz.h"

#include <string.h>

#include "base/error.h"
#include "flom/message.h"

#define COMMENT "<!---->"

static struct vouch_flom_parser *parser;
static struct vouch_flom_message simple;
static struct vouch_flom_message general;

static void
compare(void)
{
    FUZZ_CHECK(simple.has == general.has);
    FUZZ_CHECK(simple.verb == general.verb);
    FUZZ_CHECK(simple.step == general.step);
    FUZZ_CHECK(simple.level == general.level);
    FUZZ_CHECK(simple.name_length == general.name_length);
    FUZZ_CHECK(memcmp(simple.name, general.name, simple.name_length) == 0);
    FUZZ_CHECK(strcmp(simple.peer_id, general.peer_id) == 0);
    FUZZ_CHECK(strcmp(simple.element, general.element) == 0);
    FUZZ_CHECK(strcmp(simple.ask, general.ask) == 0);
    FUZZ_CHECK(strcmp(simple.about, general.about) == 0);
    FUZZ_CHECK(strcmp(simple.address, general.address) == 0);
    FUZZ_CHECK(simple.mode == general.mode);
    FUZZ_CHECK(simple.wait == general.wait);
    FUZZ_CHECK(simple.quantity == general.quantity);
    FUZZ_CHECK(simple.create == general.create);
    FUZZ_CHECK(simple.lifespan == general.lifespan);
    FUZZ_CHECK(simple.rollback == general.rollback);
    FUZZ_CHECK(simple.rc == general.rc);
    FUZZ_CHECK(simple.immediate == general.immediate);
    FUZZ_CHECK(simple.token_counter == general.token_counter);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char declaration[] = "<?xml version=\"1.0\" encoding="
                                      "\"UTF-8\" ?>";
    static uint8_t other[VOUCH_FLOM_MESSAGE_MAX + 64];
    size_t head = 0;
    int good;

    if (parser == NULL)
        parser = vouch_flom_parser_new();
    if (parser == NULL || size > VOUCH_FLOM_MESSAGE_MAX / 2)
        return 0;
    if (size >= sizeof(declaration) - 1
        && memcmp(data, declaration, sizeof(declaration) - 1) == 0)
        head = sizeof(declaration) - 1;
    memcpy(other, data, head);
    memcpy(other + head, COMMENT, sizeof(COMMENT) - 1);
    memcpy(other + head + sizeof(COMMENT) - 1, data + head, size - head);
    good = vouch_flom_parse(parser, data, size, &simple, NULL);
    if (good == 0 && *data == '<' && data[1] == (head ? '?' : 'm')) {
        FUZZ_CHECK(vouch_flom_parse(parser, other, size + sizeof(COMMENT) - 1,
                                    &general, NULL)
                   == 0);
        compare();
    }
    return 0;
}
