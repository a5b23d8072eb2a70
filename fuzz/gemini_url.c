/*
 * Any two texts, a NUL between them, as a URL and a reference in it.
 */
#include "fuzz.h"

#include <string.h>

#include "base/error.h"
#include "gemini/titan.h"
#include "gemini/url.h"

/* No spelling of ".." is left. */
static void
check_path(const struct vouch_url *url)
{
    struct vouch_error err = {VOUCH_OK, 0, 0, ""};
    char path[VOUCH_URL_MAX + 2];
    long length = vouch_url_path(url->text + url->path.start, url->path.length,
                                 path, &err);

    if (length < 0)
        return;
    FUZZ_CHECK(length > 0 && path[0] == '/' && path[length] == '\0');
    FUZZ_CHECK(strlen(path) == (size_t) length);
    FUZZ_CHECK(strstr(path, "/../") == NULL);
    FUZZ_CHECK(length < 3 || strcmp(path + length - 3, "/..") != 0);
}

static void
check(const struct vouch_url *url)
{
    struct vouch_error err = {VOUCH_OK, 0, 0, ""};
    struct vouch_url once;
    struct vouch_url twice;

    FUZZ_CHECK(url->length <= VOUCH_URL_MAX);
    FUZZ_CHECK(url->path.start + url->path.length <= url->length);
    FUZZ_CHECK(url->query.start + url->query.length <= url->length);
    FUZZ_CHECK(url->fragment.start + url->fragment.length <= url->length);
    check_path(url);
    if (vouch_url_normalize(url, &once, &err) == 0) {
        FUZZ_CHECK(vouch_url_normalize(&once, &twice, &err) == 0);
        FUZZ_CHECK(strcmp(once.text, twice.text) == 0);
    }
    (void) vouch_titan_url(url, 5, "text/plain", "a b", &once, &err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size > 0 ? memchr(data, '\0', size) : NULL;
    size_t first = nul != NULL ? (size_t) (nul - data) : size;
    struct vouch_error err = {VOUCH_OK, 0, 0, ""};
    struct vouch_url base;
    struct vouch_url reference;
    struct vouch_url url;

    if (vouch_url_parse((const char *) data, first, &base, &err) != 0) {
        FUZZ_CHECK(err.code != VOUCH_OK);
        return 0;
    }
    check(&base);
    if (nul == NULL
        || vouch_url_parse((const char *) nul + 1, size - first - 1,
                           &reference, &err)
               != 0)
        return 0;
    if (vouch_url_resolve(&base, &reference, &url, &err) == 0)
        check(&url);
    return 0;
}
