/*
 * Reading lines from a tied handle, by every kind of $/.
 */
#include "bridge.h"

#include <errno.h>

#define SHORT 16 /* bytes of a separator that need no allocation */

/* How a call of readline ends: $/, taken apart once. */
struct separator {
    const char *bytes; /* NULL: none, read to the end */
    char copy[SHORT];  /* for while we wait a signal handler may change $/ */
    STRLEN length;
    size_t record; /* of that many bytes, or 0 */
    int paragraph;
};

static void
separator_now(pTHX_ struct separator *sep)
{
    sep->bytes = NULL;
    sep->length = 0;
    sep->record = 0;
    sep->paragraph = 0;
    if (!SvOK(PL_rs))
        return;
    if (SvROK(PL_rs)) {
        IV size = SvIV(SvRV(PL_rs));

        if (size <= 0)
            croak("Setting $/ to a reference to a number that is not "
                  "positive is forbidden");
        sep->record = (size_t) size;
        return;
    }
    sep->bytes = vxs_bytes(aTHX_ PL_rs, "$/", &sep->length);
    if (sep->length == 0) {
        sep->bytes = "\n\n";
        sep->length = 2;
        sep->paragraph = 1;
    } else if (sep->length <= SHORT) {
        Copy(sep->bytes, sep->copy, sep->length, char);
        sep->bytes = sep->copy;
    } else {
        sep->bytes = SvPVX(newSVpvn_flags(sep->bytes, sep->length, SVs_TEMP));
    }
}

/* How many of the buffered bytes belong to the line; *done_r says that
 * with them it is whole. */
static size_t
take_until(const struct vxs_stream *self, const struct separator *sep,
           SV *line, int *done_r)
{
    const unsigned char *from = self->data + self->start;
    size_t have = vxs_stream_buffered(self);
    const unsigned char *hit;

    *done_r = 0;
    if (sep->record > 0) {
        size_t missing = sep->record - SvCUR(line);

        *done_r = have >= missing;
        return have >= missing ? missing : have;
    }
    if (sep->bytes == NULL)
        return have;
    hit = memchr(from, sep->bytes[sep->length - 1], have);
    if (hit == NULL)
        return have;
    *done_r = 1; /* if what precedes it fits as well: see ends_with() */
    return (size_t) (hit - from) + 1;
}

static int
ends_with(pTHX_ SV *line, const struct separator *sep)
{
    if (sep->bytes == NULL || sep->length < 2 || sep->record > 0)
        return 1;
    return SvCUR(line) >= sep->length
           && memcmp(SvEND(line) - sep->length, sep->bytes, sep->length) == 0;
}

/* Paragraphs: line ends before the first one do not count. */
static ssize_t
skip_newlines(pTHX_ struct vxs_stream *self)
{
    ssize_t outcome;

    for (;;) {
        outcome = vxs_stream_fill(aTHX_ self, NULL);
        if (outcome <= 0 || self->data[self->start] != '\n')
            return outcome;
        vxs_stream_consume(self, 1);
    }
}

/*
 * A line that could not be finished: at the end, and where the handle does
 * not wait, it is given as it is; after an error it is kept for the next
 * reader, so that nothing is taken for a line that was none.
 */
static SV *
unfinished(pTHX_ struct vxs_stream *self, SV *line, ssize_t outcome)
{
    if (SvCUR(line) > 0) {
        if (outcome == 0 || outcome == VOUCH_WANT_READ
            || outcome == VOUCH_WANT_WRITE)
            return line;
        vxs_stream_unread(aTHX_ self, SvPVX(line), SvCUR(line));
    }
    SvREFCNT_dec(line);
    return NULL;
}

/* What was gathered is kept too: sysread gets at it. */
static SV *
too_long(pTHX_ struct vxs_stream *self, SV *line)
{
    vxs_set_ssl_error(
        aTHX_ EMSGSIZE,
        Perl_form(aTHX_ "no end of line within %lu bytes (SSL_max_line)",
                  (unsigned long) self->max_line));
    vxs_stream_unread(aTHX_ self, SvPVX(line), SvCUR(line));
    SvREFCNT_dec(line);
    SETERRNO(EMSGSIZE, 0);
    return NULL;
}

/* The next line by $/, a new SV; NULL at the end or after an error. */
SV *
vxs_stream_line(pTHX_ struct vxs_stream *self)
{
    struct separator sep;
    ssize_t outcome;
    int done = 0;
    SV *line;

    vxs_stream_check(aTHX_ self);
    separator_now(aTHX_ & sep);
    if (sep.paragraph && skip_newlines(aTHX_ self) <= 0)
        return NULL;
    outcome = vxs_stream_fill(aTHX_ self, NULL);
    if (outcome <= 0)
        return NULL;
    line = newSVpvs("");
    sv_2mortal(line); /* a signal handler may die while we wait */
    for (;;) {
        size_t count = take_until(self, &sep, line, &done);

        if (count + SvCUR(line) > self->max_line)
            return too_long(aTHX_ self, SvREFCNT_inc_simple_NN(line));
        sv_catpvn_nomg(line, (const char *) self->data + self->start, count);
        vxs_stream_consume(self, count);
        if (done && ends_with(aTHX_ line, &sep))
            break;
        outcome = vxs_stream_fill(aTHX_ self, line);
        if (outcome <= 0)
            return unfinished(aTHX_ self, SvREFCNT_inc_simple_NN(line),
                              outcome);
    }
    vxs_stream_release(self);
    return SvREFCNT_inc_simple_NN(line);
}
