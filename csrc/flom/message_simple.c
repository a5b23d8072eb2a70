/*
 * A strict part of XML: <msg a="b"><c d="e"/><f g="h" /></msg>, with at most
 * the usual declaration before it.
 */
#include "flom/message_simple.h"

#include <string.h>

#define LENGTH_MAX 2048
#define ATTRIBUTES_MAX 16

static const char DECLARATION[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>";
static const char END[] = "</msg>";

/* 1 if the text is next; then it is passed. */
static int
pass(char **at, const char *text)
{
    size_t length = strlen(text);

    if (strncmp(*at, text, length) != 0)
        return 0;
    *at += length;
    return 1;
}

/* A name of small letters; NULL if there is none. */
static char *
read_name(char **at)
{
    char *name = *at;

    while (**at >= 'a' && **at <= 'z')
        (*at)++;
    return *at == name ? NULL : name;
}

/* Up to the quotation mark, which becomes the end of the value; NULL for
 * anything that expat might read otherwise. */
static char *
read_value(char **at)
{
    char *value = *at;

    for (; **at != '"'; (*at)++) {
        if (**at < ' ' || **at > '~' || **at == '<' || **at == '&')
            return NULL;
    }
    *(*at)++ = '\0';
    return value;
}

/* ' NAME="VALUE"' as often as it comes; -1 if it is not that, or a name
 * comes twice. */
static int
read_attributes(char **at, const char **attributes)
{
    int count = 0;
    int i;

    while (**at == ' ' && (*at)[1] >= 'a' && (*at)[1] <= 'z') {
        char *name;
        char *value;

        (*at)++;
        name = read_name(at);
        if (count == ATTRIBUTES_MAX || **at != '=' || (*at)[1] != '"')
            return -1;
        *(*at)++ = '\0';
        (*at)++;
        value = read_value(at);
        if (value == NULL)
            return -1;
        for (i = 0; i < count; i++) {
            if (strcmp(attributes[2 * i], name) == 0)
                return -1;
        }
        attributes[2 * count] = name;
        attributes[2 * count + 1] = value;
        count++;
    }
    attributes[2 * count] = NULL;
    return 0;
}

/* A tag from its "<" on; closing is how it has to end.  The name ends where
 * the attributes begin, so they are read first. */
static int
read_tag(char **at, const char *closing, vouch_flom_start_fn start, void *arg,
         const char **name_r)
{
    const char *attributes[2 * ATTRIBUTES_MAX + 1];
    char *name;
    char *after;

    (*at)++;
    name = read_name(at);
    if (name == NULL)
        return -1;
    after = *at;
    if (read_attributes(at, attributes) != 0)
        return -1;
    if (*closing == '/' && **at == ' ')
        (*at)++;
    if (!pass(at, closing))
        return -1;
    *after = '\0';
    *name_r = name;
    start(arg, name, attributes);
    return 0;
}

static int
read_elements(char *at, vouch_flom_start_fn start, vouch_flom_end_fn end,
              void *arg)
{
    const char *name = NULL;

    if (strncmp(at, "<msg ", 5) != 0
        || read_tag(&at, ">", start, arg, &name) != 0)
        return 0;
    while (*at == '<' && at[1] != '/') {
        if (read_tag(&at, "/>", start, arg, &name) != 0)
            return 0;
        end(arg, name);
    }
    if (!pass(&at, END) || *at != '\0')
        return 0;
    end(arg, "msg");
    return 1;
}

int
vouch_flom_message_read_simple(const unsigned char *data, size_t length,
                               vouch_flom_start_fn start,
                               vouch_flom_end_fn end, void *arg)
{
    char copy[LENGTH_MAX + 1];
    char *at = copy;

    if (length > LENGTH_MAX || memchr(data, '\0', length) != NULL)
        return 0;
    memcpy(copy, data, length);
    copy[length] = '\0';
    (void) pass(&at, DECLARATION);
    return read_elements(at, start, end, arg);
}
