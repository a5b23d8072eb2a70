/*
 * A known-hosts line in and out.
 *
 * Nothing is guessed: a word that is not understood is an error, as a line
 * that was passed over would make its host a stranger again, whom one
 * believes.
 */
#include "trust/known_host.h"

#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"

#define PORT_DIGITS 5
#define PORT_MAX 65535
#define LABEL_MAX 63

/* The rest of a line, and its next word. */
struct words {
    const char *at;
    const char *end;
    const char *word;
    size_t length;
};

static int
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Step to the next word: 1, or 0 at the end. */
static int
next_word(struct words *words)
{
    while (words->at < words->end && is_blank(*words->at))
        words->at++;
    words->word = words->at;
    while (words->at < words->end && !is_blank(*words->at))
        words->at++;
    words->length = (size_t) (words->at - words->word);
    return words->length > 0;
}

/* Record that a word is wrong; bytes that are not ASCII become '?'. */
static int
refuse(const char *what, const char *word, size_t length, const char *should,
       struct vouch_error *err)
{
    char shown[81];
    size_t i;

    for (i = 0; i < length && i < sizeof(shown) - 1; i++)
        shown[i] =
            (unsigned char) word[i] < 0x80 && word[i] != '\0' ? word[i] : '?';
    shown[i] = '\0';
    return vouch_error_set(err, VOUCH_E_FORMAT, "%s \"%s\" %s", what, shown,
                           should);
}

static int
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'
           || c == '_';
}

/* Labels of letters between dots. */
static int
is_name(const char *host)
{
    size_t label = 0;
    size_t i;

    for (i = 0; host[i] != '\0'; i++) {
        if (host[i] != '.' && !is_letter(host[i]))
            return 0;
        label = host[i] == '.' ? 0 : label + 1;
        if (label > LABEL_MAX
            || (host[i] == '.' && (i == 0 || host[i - 1] == '.')))
            return 0;
    }
    return label > 0;
}

/* What an address of IPv6 is made of; whether it is one the resolver says. */
static int
is_address(const char *host)
{
    size_t digits = strspn(host, "0123456789abcdef:.");

    if (strchr(host, ':') == NULL || digits < 2)
        return 0;
    if (host[digits] != '%')
        return host[digits] == '\0';
    for (digits++; host[digits] != '\0'; digits++) {
        if (!is_letter(host[digits]) && host[digits] != '.')
            return 0;
    }
    return host[digits - 1] != '%';
}

int
vouch_known_host_name(const char *text, size_t length,
                      char host_r[VOUCH_HOST_MAX + 1], struct vouch_error *err)
{
    static const char should[] =
        "is no host: names have ASCII letters, digits, \"-\" and \".\" "
        "(others are written xn--...)";
    char host[VOUCH_HOST_MAX + 1];
    const char *from = text;
    size_t left = length;
    int bracket = length > 2 && text[0] == '[' && text[length - 1] == ']';
    size_t i;

    if (bracket) {
        from++;
        left -= 2;
    } else if (left > 1 && from[left - 1] == '.') {
        left--;
    }
    if (left == 0 || left > VOUCH_HOST_MAX)
        return refuse("host", text, length, should, err);
    for (i = 0; i < left; i++)
        host[i] = from[i] >= 'A' && from[i] <= 'Z'
                      ? (char) (from[i] - 'A' + 'a')
                      : from[i];
    host[left] = '\0';
    if (strlen(host) != left
        || !(is_address(host) || (!bracket && is_name(host))))
        return refuse("host", text, length, should, err);
    memcpy(host_r, host, left + 1);
    return 0;
}

static int
read_port(const char *word, size_t length, unsigned *port_r,
          struct vouch_error *err)
{
    static const char should[] = "is none from 1 to 65535";
    unsigned port = 0;
    size_t i;

    if (length > PORT_DIGITS || word[0] == '0')
        return refuse("port", word, length, should, err);
    for (i = 0; i < length; i++) {
        if (word[i] < '0' || word[i] > '9')
            return refuse("port", word, length, should, err);
        port = port * 10 + (unsigned) (word[i] - '0');
    }
    if (port == 0 || port > PORT_MAX)
        return refuse("port", word, length, should, err);
    *port_r = port;
    return 0;
}

static int
read_time(const char *what, const char *word, size_t length, int64_t *time_r,
          struct vouch_error *err)
{
    *time_r = VOUCH_NO_TIME;
    if (length == 1 && word[0] == '-')
        return 0;
    if (vouch_text_from_iso8601(word, length, time_r) == 0)
        return 0;
    return refuse(what, word, length,
                  "is no time like 2026-11-30T08:15:00Z, and not \"-\"", err);
}

/* 1 if such a fingerprint may stand in the file. */
static int
is_usable(const struct vouch_fingerprint *print)
{
    return (print->of == VOUCH_OF_CERT || print->of == VOUCH_OF_SPKI)
           && print->digest != VOUCH_SHA1 && print->digest != VOUCH_MD5;
}

static int
read_print(const char *word, size_t length, struct vouch_known_host *host,
           struct vouch_error *err)
{
    struct vouch_fingerprint print;
    char text[VOUCH_FINGERPRINT_TEXT];
    size_t i;

    if (length >= sizeof(text) || memchr(word, '\0', length) != NULL)
        return refuse("fingerprint", word, length, "is too long", err);
    memcpy(text, word, length);
    text[length] = '\0';
    if (vouch_fingerprint_parse(text, &print, err) != 0)
        return -1;
    if (!is_usable(&print))
        return refuse("fingerprint", word, length,
                      "is none of SHA-256, SHA-384 or SHA-512 of a "
                      "certificate or SubjectPublicKeyInfo",
                      err);
    for (i = 0; i < host->count; i++) {
        if (host->prints[i].of == print.of
            && host->prints[i].digest == print.digest)
            return refuse("fingerprint", word, length,
                          "is the second of its kind in this line", err);
    }
    host->prints[host->count++] = print;
    return 0;
}

/* The fingerprints, at least one, and "verified". */
static int
read_prints(struct words *words, struct vouch_known_host *host,
            struct vouch_error *err)
{
    while (next_word(words)) {
        if (host->verified)
            return refuse("word", words->word, words->length,
                          "after \"verified\", which is the last", err);
        if (words->length == 8 && memcmp(words->word, "verified", 8) == 0)
            host->verified = 1;
        else if (read_print(words->word, words->length, host, err) != 0)
            return -1;
    }
    if (host->count == 0)
        return vouch_error_set(err, VOUCH_E_FORMAT,
                               "there is no fingerprint in this line");
    return 0;
}

int
vouch_known_host_parse(const char *line, size_t length,
                       struct vouch_known_host *host_r,
                       struct vouch_error *err)
{
    struct vouch_known_host host;
    struct words words = {line, line + length, line, 0};
    struct {
        const char *what;
        int64_t *time;
    } times[3];
    int i;

    memset(&host, 0, sizeof(host));
    times[0].what = "expiry";
    times[0].time = &host.expires;
    times[1].what = "time first seen";
    times[1].time = &host.first_seen;
    times[2].what = "time last seen";
    times[2].time = &host.last_seen;
    if (length > VOUCH_HOST_LINE_MAX)
        return vouch_error_set(err, VOUCH_E_LIMIT,
                               "the line has more than %d bytes",
                               VOUCH_HOST_LINE_MAX);
    if (!next_word(&words))
        return vouch_error_set(err, VOUCH_E_FORMAT, "the line is empty");
    if (vouch_known_host_name(words.word, words.length, host.host, err) != 0)
        return -1;
    if (!next_word(&words))
        return vouch_error_set(err, VOUCH_E_FORMAT, "the port is missing");
    if (read_port(words.word, words.length, &host.port, err) != 0)
        return -1;
    for (i = 0; i < 3; i++) {
        if (!next_word(&words))
            return vouch_error_set(err, VOUCH_E_FORMAT, "the %s is missing",
                                   times[i].what);
        if (read_time(times[i].what, words.word, words.length, times[i].time,
                      err)
            != 0)
            return -1;
    }
    if (read_prints(&words, &host, err) != 0)
        return -1;
    *host_r = host;
    return 0;
}

static void
append_time(int64_t time, struct vouch_buf *out)
{
    char text[VOUCH_ISO8601_SIZE] = "-";

    if (time != VOUCH_NO_TIME)
        (void) vouch_text_iso8601(time, text);
    (void) vouch_buf_append_text(out, " ");
    (void) vouch_buf_append_text(out, text);
}

int
vouch_known_host_line(const struct vouch_known_host *host,
                      struct vouch_buf *out)
{
    char text[VOUCH_FINGERPRINT_TEXT];
    size_t i;

    (void) vouch_buf_append_format(out, "%s %u", host->host, host->port);
    append_time(host->expires, out);
    append_time(host->first_seen, out);
    append_time(host->last_seen, out);
    for (i = 0; i < host->count && i < VOUCH_HOST_PRINTS; i++) {
        vouch_fingerprint_text(&host->prints[i], VOUCH_SPELL_DOLLAR, text);
        (void) vouch_buf_append_text(out, " ");
        (void) vouch_buf_append_text(out, text);
    }
    if (host->verified)
        (void) vouch_buf_append_text(out, " verified");
    return vouch_buf_failed(out) ? -1 : 0;
}
