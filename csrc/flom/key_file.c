/*
 * Key files, line by line.
 */
#include "flom/key_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

struct reader {
    char *group; /* within the line that named it; NULL before the first */
    int line;
    vouch_flom_key_fn each;
    void *arg;
    struct vouch_error *err;
};

static int
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static int
bad_line(const struct reader *reader, const char *problem)
{
    return vouch_error_set(reader->err, VOUCH_E_FORMAT, "line %d: %s",
                           reader->line, problem);
}

/* The character that follows a backslash, or -1. */
static int
escaped(char c)
{
    switch (c) {
    case 's':
        return ' ';
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'r':
        return '\r';
    case '\\':
        return '\\';
    default:
        return -1;
    }
}

/* In place: a value is never longer than what stands for it. */
static int
unescape(char *value)
{
    char *out = value;
    int c;

    for (; *value != '\0'; value++) {
        c = (unsigned char) *value;
        if (c == '\\') {
            value++;
            c = escaped(*value);
            if (c == -1)
                return -1;
        }
        *out++ = (char) c;
    }
    *out = '\0';
    return 0;
}

static int
read_group(struct reader *reader, char *line)
{
    char *end = line + strlen(line);

    while (end > line && is_blank(end[-1]))
        end--;
    if (end - line < 3 || end[-1] != ']')
        return bad_line(reader, "a group is written [Name]");
    end[-1] = '\0';
    if (strpbrk(line + 1, "[]") != NULL)
        return bad_line(reader, "a bracket in the name of a group");
    reader->group = line + 1;
    return 0;
}

static int
read_key(struct reader *reader, char *line)
{
    char *equals = strchr(line, '=');
    char *value;
    char *end;

    if (equals == NULL)
        return bad_line(reader, "neither [Group] nor Key=value nor # comment");
    for (end = equals; end > line && is_blank(end[-1]);)
        end--;
    if (end == line)
        return bad_line(reader, "no key before the =");
    if (reader->group == NULL)
        return bad_line(reader, "a key before the first [Group]");
    value = equals + 1;
    *end = '\0';
    while (is_blank(*value))
        value++;
    if (unescape(value) != 0)
        return bad_line(reader, "a backslash that is not part of \\s \\n \\t "
                                "\\r \\\\");
    return reader->each(reader->group, line, value, reader->line, reader->arg);
}

static int
read_line(struct reader *reader, char *line)
{
    while (is_blank(*line))
        line++;
    if (*line == '\0' || *line == '#')
        return 0;
    return *line == '[' ? read_group(reader, line) : read_key(reader, line);
}

int
vouch_flom_key_file_parse(const char *text, size_t length,
                          vouch_flom_key_fn each, void *arg,
                          struct vouch_error *err)
{
    struct reader reader = {NULL, 0, each, arg, err};
    char *copy = malloc(length + 1);
    char *line = copy;
    char *end;
    int status = 0;

    if (copy == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (memchr(copy, '\0', length) != NULL)
        status = vouch_error_set(err, VOUCH_E_FORMAT, "a NUL byte");
    while (status == 0 && line != NULL) {
        end = strchr(line, '\n');
        if (end != NULL)
            *end++ = '\0';
        /* A line ended by CR LF. */
        if (end != NULL && end - line >= 2 && end[-2] == '\r')
            end[-2] = '\0';
        reader.line++;
        status = read_line(&reader, line);
        line = end;
    }
    free(copy);
    return status;
}
