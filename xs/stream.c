/*
 * Input and output of a tied handle: waiting, deadlines, the read buffer.
 * Lines are in line.c.  The connection below never waits; this does, where
 * the handle is in blocking mode.
 */
#include "bridge.h"
#include "recent.h"

#include <errno.h>
#include <fcntl.h>

#include "base/clock.h"

#define RECORD_MAX 16384 /* bytes of one TLS record */

/* How far behind the end of a variable to read to: Perl fills the gap with
 * NULs, and an offset that is a mistake would take all memory. */
#define GAP_MAX (16 * 1024 * 1024)

/* Outcomes below vouch's own: the deadline has passed. */
#define TIMED_OUT (-4)

void
vxs_set_ssl_error(pTHX_ IV number, const char *text)
{
    SV *sv = get_sv("Vouch::Socket::SSL_ERROR", GV_ADD);

    sv_setpv(sv, text);
    SvUPGRADE(sv, SVt_PVIV);
    SvIV_set(sv, number);
    SvIOK_on(sv);
}

/* Throw what a callback died with, now that C has unwound. */
static void
rethrow(pTHX_ struct vxs_stream *self)
{
    SV *error = self->pending;

    if (error == NULL)
        return;
    self->pending = NULL;
    croak_sv(sv_2mortal(error));
}

void
vxs_stream_check_busy(pTHX_ struct vxs_stream *self)
{
    if (self->busy)
        croak("this connection is in its handshake: its verify callback "
              "cannot use it");
}

void
vxs_stream_check(pTHX_ struct vxs_stream *self)
{
    vxs_stream_check_busy(aTHX_ self);
    if (self->fd == -1)
        vouch_conn_abandon(self->conn);
    self->forks = vxs_forks;
    if (!self->recent)
        vxs_recent_use(aTHX_ self);
}

/* How $! tells an error that no system call had. */
static int
errno_of(const struct vouch_error *err)
{
    switch (err->code) {
    case VOUCH_E_SYSTEM:
        return err->sys_errno;
    case VOUCH_E_MEMORY:
        return ENOMEM;
    case VOUCH_E_TIMEOUT:
        return ETIMEDOUT;
    case VOUCH_E_CLOSED:
        return EPIPE;
    default:
        return EPROTO;
    }
}

/* Tell a failure the way programs expect it: $! and $SSL_ERROR. */
static void
report(pTHX_ struct vxs_stream *self, ssize_t outcome)
{
    const struct vouch_error *err = vouch_conn_error(self->conn);

    if (outcome == VOUCH_WANT_READ) {
        vxs_set_ssl_error(aTHX_ outcome, "SSL wants a read first");
        SETERRNO(EAGAIN, 0);
    } else if (outcome == VOUCH_WANT_WRITE) {
        vxs_set_ssl_error(aTHX_ outcome, "SSL wants a write first");
        SETERRNO(EAGAIN, 0);
    } else if (outcome == TIMED_OUT) {
        vxs_set_ssl_error(aTHX_ ETIMEDOUT, "the deadline has passed");
        SETERRNO(ETIMEDOUT, 0);
    } else {
        vxs_set_ssl_error(aTHX_ - 1, vxs_failure_text(aTHX_ self->conn));
        SETERRNO(errno_of(err), 0);
    }
}

static int
is_blocking(const struct vxs_stream *self)
{
    int flags = fcntl(self->fd, F_GETFL);

    return flags != -1 && !(flags & O_NONBLOCK);
}

static int64_t
deadline_in(int64_t timeout_ms)
{
    return timeout_ms < 0 ? VOUCH_FOREVER
                          : vouch_clock_monotonic_ms() + timeout_ms;
}

/* What a handler interrupts: the part of a line that has been read. */
struct interrupted {
    struct vxs_stream *self;
    SV *line; /* or NULL */
    int returned;
};

/* If the handler has died, the next reader finds what was read. */
static void
after_handlers(pTHX_ void *arg)
{
    struct interrupted *was = arg;

    if (!was->returned && was->line != NULL)
        vxs_stream_unread(aTHX_ was->self, SvPVX(was->line), SvCUR(was->line));
    SvREFCNT_dec(was->line);
    Safefree(was);
}

/* Signal handlers written in Perl run here: they may die, use this very
 * connection, or close it, and then its descriptor may be another file's. */
static void
run_handlers(pTHX_ struct vxs_stream *self, SV *line)
{
    struct interrupted *was;

    Newx(was, 1, struct interrupted);
    was->self = self;
    was->line = SvREFCNT_inc(line);
    was->returned = 0;
    ENTER;
    SAVEDESTRUCTOR_X(after_handlers, was);
    PERL_ASYNC_CHECK();
    was->returned = 1;
    LEAVE;
    if (self->fd == -1)
        vouch_conn_abandon(self->conn);
}

/* Wait for what the connection wants: 1 ask it again, else the outcome to
 * report.  line is what has been read of one, or NULL. */
static ssize_t
wait_for(pTHX_ struct vxs_stream *self, ssize_t want, int64_t deadline,
         SV *line)
{
    int events =
        want == VOUCH_WANT_WRITE ? VOUCH_SOCKET_WRITE : VOUCH_SOCKET_READ;
    int ready;

    if (self->no_wait || !is_blocking(self))
        return want;
    ready = vouch_socket_wait(self->fd, events, deadline);
    if (ready == 1)
        return 1;
    if (ready == 0)
        return TIMED_OUT;
    if (errno != EINTR)
        return want;
    /* Should a handler drop the socket, its descriptor stays ours for now. */
    if (SvROK(self->socket))
        sv_2mortal(SvREFCNT_inc_simple_NN(SvRV(self->socket)));
    run_handlers(aTHX_ self, line);
    return 1;
}

/*
 * The handshake: 1 done, 0 not; then $! and $SSL_ERROR tell why, the latter
 * with the words of IO::Socket::SSL in front.
 */
int
vxs_stream_handshake(pTHX_ struct vxs_stream *self, IV timeout_ms)
{
    int64_t deadline = deadline_in(timeout_ms);
    ssize_t outcome;

    vxs_stream_check(aTHX_ self);
    for (;;) {
        self->busy = 1;
        outcome = vouch_conn_handshake(self->conn);
        self->busy = 0;
        if (outcome == 0 || outcome == -1)
            vxs_stream_forget_callbacks(aTHX_ self);
        rethrow(aTHX_ self);
        if (outcome == 0)
            return 1;
        if (outcome == -1)
            break;
        outcome = wait_for(aTHX_ self, outcome, deadline, NULL);
        if (outcome != 1)
            break;
    }
    report(aTHX_ self, outcome);
    return 0;
}

/*
 * End TLS in both directions: 1 done, 0 not; $! and $SSL_ERROR tell why.  A
 * process that did not use the connection last has nothing to say.
 */
int
vxs_stream_shutdown(pTHX_ struct vxs_stream *self, IV timeout_ms)
{
    int64_t deadline = deadline_in(timeout_ms);
    ssize_t outcome;

    vxs_stream_check_busy(aTHX_ self);
    if (self->forks != vxs_forks)
        return 1;
    do {
        outcome = vouch_conn_shutdown(self->conn);
        if (outcome == 0)
            return 1;
        if (outcome != -1)
            outcome = wait_for(aTHX_ self, outcome, deadline, NULL);
    } while (outcome == 1);
    report(aTHX_ self, outcome);
    return 0;
}

/*
 * After an outcome other than a count: wait if the handle does; 1 means try
 * again, with pointers taken anew, for Perl may have run meanwhile.
 */
static ssize_t
wait_again(pTHX_ struct vxs_stream *self, ssize_t outcome, int64_t *deadline,
           SV *line)
{
    if (outcome >= -1)
        return outcome;
    if (*deadline == 0)
        *deadline = deadline_in(self->io_timeout);
    return wait_for(aTHX_ self, outcome, *deadline, line);
}

/*
 * An end without close_notify reads as an end, as programs for
 * IO::Socket::SSL expect; what was cut off in the middle of a record, or
 * reset, does not.
 */
static ssize_t
end_or_error(pTHX_ struct vxs_stream *self, ssize_t outcome)
{
    if (outcome == 0
        || (outcome == -1
            && vouch_conn_error(self->conn)->code == VOUCH_E_CLOSED)) {
        vxs_set_ssl_error(aTHX_ 0, "");
        SETERRNO(0, 0);
        return 0;
    }
    report(aTHX_ self, outcome);
    return outcome;
}

size_t
vxs_stream_buffered(const struct vxs_stream *self)
{
    return self->end - self->start;
}

size_t
vxs_stream_pending(const struct vxs_stream *self)
{
    return vxs_stream_buffered(self) + vouch_conn_pending(self->conn);
}

/* The buffer is given back as soon as it is empty: an idle connection
 * holds none. */
void
vxs_stream_consume(struct vxs_stream *self, size_t length)
{
    self->start += length;
    if (self->start < self->end)
        return;
    self->start = 0;
    self->end = 0;
}

void
vxs_stream_release(struct vxs_stream *self)
{
    if (vxs_stream_buffered(self) > 0)
        return;
    Safefree(self->data);
    self->data = NULL;
    self->size = 0;
}

/* Have at least one byte in the buffer: count, or the outcome.  line is what
 * has been read of one, or NULL. */
ssize_t
vxs_stream_fill(pTHX_ struct vxs_stream *self, SV *line)
{
    int64_t deadline = 0;
    ssize_t outcome;

    do {
        if (vxs_stream_buffered(self) > 0)
            return (ssize_t) vxs_stream_buffered(self);
        if (self->data == NULL) {
            Newx(self->data, RECORD_MAX, unsigned char);
            self->size = RECORD_MAX;
        }
        outcome = vouch_conn_read(self->conn, self->data, self->size);
        if (outcome > 0) {
            self->end = (size_t) outcome;
            return outcome;
        }
        outcome = wait_again(aTHX_ self, outcome, &deadline, line);
    } while (outcome == 1);
    vxs_stream_release(self);
    return end_or_error(aTHX_ self, outcome);
}

void
vxs_stream_unread(pTHX_ struct vxs_stream *self, const void *data,
                  size_t length)
{
    size_t rest = vxs_stream_buffered(self);
    size_t size = length + rest > RECORD_MAX ? length + rest : RECORD_MAX;
    unsigned char *fresh;

    if (length == 0)
        return;
    Newx(fresh, size, unsigned char);
    Copy(data, fresh, length, unsigned char);
    if (rest > 0)
        Copy(self->data + self->start, fresh + length, rest, unsigned char);
    Safefree(self->data);
    self->data = fresh;
    self->size = size;
    self->start = 0;
    self->end = length + rest;
}

/* Make the target a byte string with room for length more at offset, the
 * gap filled with NULs.  Perl that has run since may have assigned to it. */
static char *
make_room(pTHX_ SV *target, STRLEN offset, STRLEN length)
{
    STRLEN have;
    char *bytes;

    if (!SvOK(target))
        sv_setpvs(target, "");
    (void) SvPVbyte_force(target, have);
    bytes = SvGROW(target, offset + length + 1);
    if (offset > have)
        Zero(bytes + have, offset - have, char);
    return bytes + offset;
}

/* Where in the target to put what is read; dies where that is nowhere. */
static STRLEN
offset_in(pTHX_ SV *target, IV offset)
{
    STRLEN have;

    SvGETMAGIC(target);
    /* Wide characters are no bytes; where they go anyway, they may be. */
    if (!SvOK(target) || (offset == 0 && SvUTF8(target)))
        sv_setpvs(target, "");
    (void) SvPVbyte_force(target, have);
    if (offset < 0) {
        if ((STRLEN) -offset > have)
            croak("Offset outside string");
        return have - (STRLEN) -offset;
    }
    if ((STRLEN) offset > have && (STRLEN) offset - have > GAP_MAX)
        croak("Offset outside string");
    return (STRLEN) offset;
}

static void
set_length(pTHX_ SV *target, STRLEN length)
{
    SvCUR_set(target, length);
    *SvEND(target) = '\0';
    (void) SvPOK_only(target);
    SvSETMAGIC(target);
}

/* What the buffer holds, at most length, into the target. */
static ssize_t
read_buffered(pTHX_ struct vxs_stream *self, SV *target, STRLEN at,
              size_t length)
{
    char *bytes;

    if (length > vxs_stream_buffered(self))
        length = vxs_stream_buffered(self);
    bytes = make_room(aTHX_ target, at, length);
    Copy(self->data + self->start, bytes, length, char);
    vxs_stream_consume(self, length);
    vxs_stream_release(self);
    return (ssize_t) length;
}

/* One read into the target: from the buffer if it holds anything, else
 * from the connection, at most a record. */
static ssize_t
read_once(pTHX_ struct vxs_stream *self, SV *target, STRLEN at, size_t length)
{
    int64_t deadline = 0;
    ssize_t outcome;
    char *bytes;

    do {
        if (vxs_stream_buffered(self) > 0)
            return read_buffered(aTHX_ self, target, at, length);
        if (length > RECORD_MAX)
            length = RECORD_MAX;
        bytes = make_room(aTHX_ target, at, length);
        outcome = vouch_conn_read(self->conn, bytes, length);
        if (outcome > 0)
            return outcome;
        outcome = wait_again(aTHX_ self, outcome, &deadline, NULL);
    } while (outcome == 1);
    return end_or_error(aTHX_ self, outcome);
}

SV *
vxs_stream_read(pTHX_ struct vxs_stream *self, SV *target, IV length,
                IV offset, int all)
{
    size_t total = 0;
    ssize_t outcome = 0;
    STRLEN at;

    vxs_stream_check(aTHX_ self);
    if (length < 0)
        croak("Negative length");
    at = offset_in(aTHX_ target, offset);
    while (total < (size_t) length) {
        outcome =
            read_once(aTHX_ self, target, at + total, (size_t) length - total);
        if (outcome <= 0)
            break;
        total += (size_t) outcome;
        if (SvCUR(target) < at + total)
            SvCUR_set(target, at + total);
        if (!all)
            break;
    }
    if (total == 0 && outcome < 0)
        return newSV(0);
    (void) make_room(aTHX_ target, at + total, 0);
    set_length(aTHX_ target, at + total);
    return newSVuv(total);
}

SV *
vxs_stream_peek(pTHX_ struct vxs_stream *self, SV *target, IV length)
{
    ssize_t outcome;
    size_t count;

    vxs_stream_check(aTHX_ self);
    if (length < 0)
        croak("Negative length");
    outcome = vxs_stream_fill(aTHX_ self, NULL);
    if (outcome < 0)
        return newSV(0);
    count = vxs_stream_buffered(self) < (size_t) length
                ? vxs_stream_buffered(self)
                : (size_t) length;
    sv_setpvn(target, count == 0 ? "" : (char *) self->data + self->start,
              count);
    SvUTF8_off(target);
    SvSETMAGIC(target);
    return newSVuv(count);
}

int
vxs_stream_eof(pTHX_ struct vxs_stream *self)
{
    ssize_t outcome;

    vxs_stream_check(aTHX_ self);
    outcome = vxs_stream_fill(aTHX_ self, NULL);
    /* Where reading fails there is nothing more either: a loop must end. */
    return outcome <= 0 && outcome != VOUCH_WANT_READ
           && outcome != VOUCH_WANT_WRITE;
}

/* A record half sent goes on only with its own bytes: OpenSSL would take
 * others for them.  1 if these are they, or there is none. */
static int
may_write(pTHX_ const struct vxs_stream *self, const char *data, size_t length)
{
    if (self->writing)
        return 0;
    return self->unsent == NULL
           || (length >= SvCUR(self->unsent)
               && memcmp(data, SvPVX(self->unsent), SvCUR(self->unsent)) == 0);
}

static void
record_sent(pTHX_ struct vxs_stream *self)
{
    SvREFCNT_dec(self->unsent);
    self->unsent = NULL;
}

/* Wait in the middle of a record.  Signal handlers run meanwhile; they may
 * die, but not write. */
static ssize_t
wait_to_write(pTHX_ struct vxs_stream *self, ssize_t outcome,
              int64_t *deadline, const char *data, size_t length)
{
    if (outcome >= -1)
        return outcome;
    if (self->unsent == NULL)
        self->unsent =
            newSVpvn(data, length < RECORD_MAX ? length : RECORD_MAX);
    ENTER;
    SAVEINT(self->writing);
    self->writing = 1;
    outcome = wait_again(aTHX_ self, outcome, deadline, NULL);
    LEAVE;
    return outcome;
}

/*
 * Write, all of it or what one record takes.  The count, or undef.  Should
 * it come to waiting, the rest is copied first: Perl that runs meanwhile may
 * change the variable it came from.
 */
SV *
vxs_stream_write(pTHX_ struct vxs_stream *self, const char *data,
                 size_t length, int all)
{
    int64_t deadline = 0;
    size_t total = 0;
    SV *copy = NULL;
    ssize_t outcome = 0;

    vxs_stream_check(aTHX_ self);
    if (length > 0 && !may_write(aTHX_ self, data, length)) {
        vxs_set_ssl_error(aTHX_ EBUSY, "the write before this one was "
                                       "interrupted; repeat its bytes first");
        SETERRNO(EBUSY, 0);
        return newSV(0);
    }
    while (total < length) {
        outcome = vouch_conn_write(self->conn, data, length - total);
        if (outcome > 0) {
            if (self->unsent != NULL)
                record_sent(aTHX_ self);
            data += outcome;
            total += (size_t) outcome;
            deadline = 0;
            if (!all)
                break;
            continue;
        }
        if (copy == NULL && outcome < -1) {
            copy = newSVpvn_flags(data, length - total, SVs_TEMP);
            data = SvPVX(copy);
        }
        outcome = wait_to_write(aTHX_ self, outcome, &deadline, data,
                                length - total);
        if (outcome != 1)
            break;
    }
    if (outcome < 0)
        report(aTHX_ self, outcome);
    if (outcome < 0 && total == 0)
        return newSV(0);
    return newSVuv(total);
}
