/*
 * gemini/gemtext: what lines are, and text made harmless.
 */
#include <string.h>

#include "base/buffer.h"
#include "gemini/gemtext.h"
#include "tap.h"

static void
test_kinds(void)
{
    static const struct {
        const char *line;
        enum vouch_gemtext_kind kind;
        int level;
        const char *text;
        const char *url;
    } table[] = {
        {"", VOUCH_GEMTEXT_TEXT, 0, "", ""},
        {" text ", VOUCH_GEMTEXT_TEXT, 0, " text ", ""},
        {"=> /x A link ", VOUCH_GEMTEXT_LINK, 0, "A link", "/x"},
        {"=>/x", VOUCH_GEMTEXT_LINK, 0, "", "/x"},
        {"=>\t gemini://h/\t\tA  b", VOUCH_GEMTEXT_LINK, 0, "A  b",
         "gemini://h/"},
        {"=>", VOUCH_GEMTEXT_TEXT, 0, "=>", ""},
        {"=> \t", VOUCH_GEMTEXT_TEXT, 0, "=> \t", ""},
        {" => /x", VOUCH_GEMTEXT_TEXT, 0, " => /x", ""},
        {"=", VOUCH_GEMTEXT_TEXT, 0, "=", ""},
        {"# One", VOUCH_GEMTEXT_HEADING, 1, "One", ""},
        {"##Two ", VOUCH_GEMTEXT_HEADING, 2, "Two", ""},
        {"###  Three", VOUCH_GEMTEXT_HEADING, 3, "Three", ""},
        {"#### Four", VOUCH_GEMTEXT_HEADING, 3, "# Four", ""},
        {"#", VOUCH_GEMTEXT_HEADING, 1, "", ""},
        {"* item", VOUCH_GEMTEXT_ITEM, 0, "item", ""},
        {"*item", VOUCH_GEMTEXT_TEXT, 0, "*item", ""},
        {"*", VOUCH_GEMTEXT_TEXT, 0, "*", ""},
        {"> said", VOUCH_GEMTEXT_QUOTE, 0, "said", ""},
        {">", VOUCH_GEMTEXT_QUOTE, 0, "", ""},
        {"``", VOUCH_GEMTEXT_TEXT, 0, "``", ""},
        {"``` C ", VOUCH_GEMTEXT_FENCE, 0, "C", ""},
        {"=> /x", VOUCH_GEMTEXT_PREFORMATTED, 0, "=> /x", ""},
        {" ```", VOUCH_GEMTEXT_PREFORMATTED, 0, " ```", ""},
        {"````", VOUCH_GEMTEXT_FENCE, 0, "`", ""},
        {"# again", VOUCH_GEMTEXT_HEADING, 1, "again", ""},
    };
    struct vouch_gemtext_line line;
    int fenced = 0;
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        vouch_gemtext_read(table[i].line, strlen(table[i].line), &fenced,
                           &line);
        is_int(line.kind, table[i].kind, table[i].line);
        is_int(line.level, table[i].level, "level");
        is_int(line.text_length, strlen(table[i].text), "length of text");
        is_bytes(line.text, table[i].text, line.text_length, "text");
        is_int(line.url_length, strlen(table[i].url), "length of URL");
        is_int(line.url != NULL, table[i].url[0] != '\0', "is there a URL");
        if (line.url != NULL)
            is_bytes(line.url, table[i].url, line.url_length, "URL");
    }
}

static void
test_lines(void)
{
    size_t length = 9;

    is_int(vouch_gemtext_next("a\nb", 3, 0, &length), 2, "a line");
    is_int(length, 1, "without its end");
    is_int(vouch_gemtext_next("a\r\nb", 4, 0, &length), 3, "with CRLF");
    is_int(length, 1, "without both");
    is_int(vouch_gemtext_next("\r\n", 2, 0, &length), 2, "an empty one");
    is_int(length, 0, "of nothing");
    is_int(vouch_gemtext_next("ab", 2, 0, &length), 0, "no end yet");
    is_int(vouch_gemtext_next("ab", 2, 1, &length), 2, "the last");
    is_int(length, 2, "has none");
    is_int(vouch_gemtext_next("", 0, 1, &length), 0, "nothing");
    is_int(vouch_gemtext_next("a\rb\n", 4, 0, &length), 4, "a CR inside");
    is_int(length, 3, "is no end");
}

static void
test_escape(void)
{
    static const struct {
        const char *text;
        int fenced;
        const char *want;
    } table[] = {
        {"", 0, ""},
        {"text", 0, "text\n"},
        {"a\r\nb\n", 0, "a\nb\n"},
        {"=> /x\n# h\n* i\n> q\n```\n=>\n*j", 0,
         " => /x\n # h\n * i\n > q\n ```\n =>\n*j\n"},
        {"a\x01=> b\x1B[m\x7F\t", 0, "a?=> b?[m?\t\n"},
        {"\x01# x\n*\x02", 0, "?# x\n*?\n"},
        {"\r# x\r\n", 0, "?# x\n"},
        {"```\n# x\n````", 1, " ```\n# x\n ````\n"},
        {"\xC3\xBC", 0, "\xC3\xBC\n"},
    };
    struct vouch_buf *buf = vouch_buf_new(64);
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        vouch_buf_clear(buf);
        is_int(vouch_gemtext_escape(table[i].text, strlen(table[i].text),
                                    table[i].fenced, buf),
               0, "escaped");
        is_text(vouch_buf_text(buf), table[i].want, table[i].want);
    }
    vouch_buf_free(buf);
    buf = vouch_buf_new(5);
    is_int(vouch_gemtext_escape("# ab", 4, 0, buf), -1, "no room");
    vouch_buf_clear(buf);
    is_int(vouch_gemtext_escape("abcd", 4, 0, buf), 0, "just room");
    vouch_buf_free(buf);
}

int
main(void)
{
    test_kinds();
    test_lines();
    test_escape();
    return tap_done();
}
