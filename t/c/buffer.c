/*
 * base/buffer: limits, stickiness, reserve and commit, consume.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "tap.h"

#ifndef __has_feature
#define __has_feature(name) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
/* The sanitizer ends the program where malloc says NULL; not here. */
__attribute__((visibility("default"))) const char *
__asan_default_options(void);

const char *
__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
#endif

static void
test_empty(void)
{
    struct vouch_buf *buf = vouch_buf_new(10);

    vouch_buf_free(NULL);
    ok(vouch_buf_new(0) == NULL, "a maximum of 0 is refused");
    ok(buf != NULL, "new");
    is_int(vouch_buf_length(buf), 0, "empty: length");
    is_int(vouch_buf_room(buf), 10, "empty: room");
    is_text(vouch_buf_text(buf), "", "empty: text");
    ok(vouch_buf_data(buf) != NULL, "empty: data");
    is_int(vouch_buf_failed(buf), 0, "empty: not failed");
    vouch_buf_consume(buf, 3);
    vouch_buf_clear(buf);
    is_int(vouch_buf_commit(buf, 0), 0, "commit nothing of nothing");
    is_int(vouch_buf_append(buf, NULL, 0), 0, "append nothing");
    is_text(vouch_buf_text(buf), "", "still empty");
    vouch_buf_free(buf);
}

/* Maxima around the first allocation and around doublings. */
static void
test_limits(void)
{
    static const size_t maxima[] = {1, 2, 255, 256, 257, 511, 513, 5000};
    static const char bytes[5001];
    struct vouch_buf *buf;
    size_t max;
    size_t i;

    for (i = 0; i < sizeof(maxima) / sizeof(maxima[0]); i++) {
        max = maxima[i];
        buf = vouch_buf_new(max);
        is_int(vouch_buf_append(buf, bytes, max - 1), 0, "N-1 fit");
        is_int(vouch_buf_room(buf), 1, "room for one more");
        is_int(vouch_buf_append(buf, "x", 1), 0, "N fit");
        is_int(vouch_buf_length(buf), max, "length is N");
        is_int(vouch_buf_append(buf, "", 0), 0, "nothing fits when full");
        is_int(vouch_buf_append(buf, "y", 1), -1, "N+1 do not");
        is_int(vouch_buf_failed(buf), 1, "failed");
        is_int(vouch_buf_room(buf), 0, "no room when failed");
        is_int(vouch_buf_length(buf), max, "the content is kept");
        is_text(vouch_buf_text(buf) + max - 1, "x", "the NUL stands");
        vouch_buf_free(buf);

        buf = vouch_buf_new(max);
        is_int(vouch_buf_append(buf, bytes, max + 1), -1, "N+1 at once");
        is_int(vouch_buf_length(buf), 0, "no part is taken");
        vouch_buf_free(buf);
    }
}

static void
test_sticky(void)
{
    struct vouch_buf *buf = vouch_buf_new(4);

    is_int(vouch_buf_append_text(buf, "abcde"), -1, "too long");
    is_int(vouch_buf_append_text(buf, "a"), -1, "stays failed: text");
    is_int(vouch_buf_append_format(buf, "%d", 1), -1, "format");
    is_int(vouch_buf_append(buf, "", 0), -1, "nothing");
    ok(vouch_buf_reserve(buf, 1) == NULL, "reserve");
    vouch_buf_consume(buf, 1);
    is_int(vouch_buf_failed(buf), 1, "consume does not forgive");
    vouch_buf_clear(buf);
    is_int(vouch_buf_failed(buf), 0, "clear forgives");
    is_int(vouch_buf_append_text(buf, "abcd"), 0, "usable again");
    is_text(vouch_buf_text(buf), "abcd", "content");
    vouch_buf_free(buf);
}

static void
test_format(void)
{
    struct vouch_buf *buf = vouch_buf_new(300);
    char big[400];

    is_int(vouch_buf_append_format(buf, "%s-%d", "ab", 7), 0, "format");
    is_int(vouch_buf_append_format(buf, "%s", ""), 0, "empty format");
    is_text(vouch_buf_text(buf), "ab-7", "formatted");
    memset(big, 'z', sizeof(big));
    is_int(vouch_buf_append_format(buf, "%.*s", 296, big), 0, "to N");
    is_int(vouch_buf_length(buf), 300, "full");
    is_int(vouch_buf_append_format(buf, "%c", 'q'), -1, "N+1");
    is_int(strlen(vouch_buf_text(buf)), 300, "the NUL stands");
    vouch_buf_free(buf);
}

static void
test_reserve(void)
{
    struct vouch_buf *buf = vouch_buf_new(600);
    unsigned char *at;

    at = vouch_buf_reserve(buf, 600);
    ok(at != NULL, "reserve N");
    memset(at, 'r', 600);
    is_int(vouch_buf_commit(buf, 2), 0, "commit a part");
    is_text(vouch_buf_text(buf), "rr", "the NUL is back");
    is_int(vouch_buf_commit(buf, 1), -1, "commit once only");
    is_int(vouch_buf_failed(buf), 1, "twice is a failure");

    vouch_buf_clear(buf);
    ok(vouch_buf_reserve(buf, 5) != NULL, "reserve again");
    is_int(vouch_buf_commit(buf, 6), -1, "commit N+1");
    is_int(vouch_buf_failed(buf), 1, "is a failure");

    vouch_buf_clear(buf);
    is_int(vouch_buf_commit(buf, 1), -1, "commit without reserve");
    vouch_buf_clear(buf);
    ok(vouch_buf_reserve(buf, 5) != NULL, "reserve");
    is_int(vouch_buf_append(buf, "a", 1), 0, "append ends it");
    is_int(vouch_buf_commit(buf, 1), -1, "commit after append");
    vouch_buf_clear(buf);
    ok(vouch_buf_reserve(buf, 0) != NULL, "reserve nothing");
    ok(vouch_buf_reserve(buf, 601) == NULL, "reserve N+1");
    vouch_buf_free(buf);
}

static void
test_consume(void)
{
    struct vouch_buf *buf = vouch_buf_new(1000);
    char byte;
    int wrong = 0;
    int i;

    (void) vouch_buf_append_text(buf, "abcdef");
    vouch_buf_consume(buf, 0);
    is_text(vouch_buf_text(buf), "abcdef", "consume nothing");
    vouch_buf_consume(buf, 2);
    is_text(vouch_buf_text(buf), "cdef", "consume two");
    is_int(vouch_buf_room(buf), 996, "room comes back");
    vouch_buf_consume(buf, SIZE_MAX);
    is_int(vouch_buf_length(buf), 0, "consume more than there is");

    /* As a queue: what goes in at the back comes out at the front. */
    for (i = 0; i < 5000; i++) {
        byte = (char) i;
        wrong += vouch_buf_append(buf, &byte, 1) != 0;
        if (i >= 900) {
            wrong += vouch_buf_data(buf)[0] != (unsigned char) (i - 900);
            vouch_buf_consume(buf, 1);
        }
    }
    is_int(wrong, 0, "5000 bytes through a queue of 900");
    is_int(vouch_buf_length(buf), 900, "900 are left");
    is_int(vouch_buf_append(buf, "x", 1), 0, "and one more fits");
    vouch_buf_free(buf);
}

static void
test_memory(void)
{
    struct vouch_buf *buf = vouch_buf_new(SIZE_MAX);

    is_int(vouch_buf_append_text(buf, "abc"), 0, "an endless buffer");
    ok(vouch_buf_reserve(buf, SIZE_MAX) == NULL, "more than can be");
    vouch_buf_clear(buf);
    is_int(vouch_buf_append_text(buf, "abc"), 0, "append");
    ok(vouch_buf_reserve(buf, SIZE_MAX / 4) == NULL, "more than there is");
    is_int(vouch_buf_failed(buf), 1, "is a failure");
    is_text(vouch_buf_text(buf), "abc", "the content is kept");
    vouch_buf_free(buf);
}

int
main(void)
{
    test_empty();
    test_limits();
    test_sticky();
    test_format();
    test_reserve();
    test_consume();
    test_memory();
    return tap_done();
}
