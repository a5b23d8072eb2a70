/*
 * Any bytes as a stream of FLoM's messages; what can be read can be written,
 * and reads the same again.
 */
#include "fuzz.h"

#include <string.h>

#include "base/buffer.h"
#include "flom/message.h"

static struct vouch_flom_parser *parser;
static struct vouch_flom_message first;
static struct vouch_flom_message second;

static void
round_trip(void)
{
    struct vouch_buf *out = vouch_buf_new(4 * VOUCH_FLOM_MESSAGE_MAX);

    if (out != NULL && vouch_flom_encode(&first, out) == 0
        && vouch_buf_length(out) <= VOUCH_FLOM_MESSAGE_MAX
        && first.level == VOUCH_FLOM_LEVEL) {
        FUZZ_CHECK(vouch_flom_frame(vouch_buf_data(out), vouch_buf_length(out),
                                    VOUCH_FLOM_MESSAGE_MAX)
                   == (long) vouch_buf_length(out));
        FUZZ_CHECK(vouch_flom_parse(parser, vouch_buf_data(out),
                                    vouch_buf_length(out), &second, NULL)
                   == 0);
        FUZZ_CHECK(strcmp(first.peer_id, second.peer_id) == 0
                   || !(first.has & VOUCH_FLOM_HAS_PEER_ID));
        FUZZ_CHECK(strcmp(first.ask, second.ask) == 0);
    }
    vouch_buf_free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    long end;

    if (parser == NULL)
        parser = vouch_flom_parser_new();
    if (parser == NULL)
        return 0;
    while ((end = vouch_flom_frame(data, size, VOUCH_FLOM_MESSAGE_MAX)) > 0) {
        FUZZ_CHECK((size_t) end <= size);
        if (vouch_flom_parse(parser, data, (size_t) end, &first, NULL) == 0)
            round_trip();
        data += end;
        size -= (size_t) end;
    }
    return 0;
}
