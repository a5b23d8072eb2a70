/*
 * Whole files: bounded reading, atomic writing.
 *
 * Not for logs, pipes or anything that is read bit by bit.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"

#define READ_CHUNK ((size_t) 16384)
#define WRITE_CHUNK ((size_t) 1 << 30) /* some systems refuse INT_MAX */
#define TEMP_TRIES 100                 /* names tried before giving up */
#define TEMP_NAME_SIZE 64              /* ".vouch-", three numbers, NUL */

static int
cannot(const char *path, const char *verb, int sys_errno,
       struct vouch_error *err)
{
    enum vouch_code code = sys_errno == ENOMEM ? VOUCH_E_MEMORY : VOUCH_E_FILE;

    return vouch_error_set_sys(err, code, sys_errno, "%s: cannot %s", path,
                               verb);
}

/* open(2), repeated when interrupted. */
static int
open_again(const char *path, int flags, mode_t mode)
{
    int fd;

    do {
        fd = open(path, flags | O_CLOEXEC, mode);
    } while (fd == -1 && errno == EINTR);
    return fd;
}

/* Open a regular file to read: descriptor or -1. */
static int
open_regular(const char *path, struct vouch_error *err)
{
    struct stat facts;
    int fd;

    /* Non-blocking, so that a pipe without a writer cannot hold us. */
    fd = open_again(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd == -1)
        return cannot(path, "read", errno, err);
    if (fstat(fd, &facts) != 0) {
        (void) cannot(path, "read", errno, err);
        goto fail;
    }
    if (!S_ISREG(facts.st_mode)) {
        (void) vouch_error_set(err, VOUCH_E_FORMAT,
                               "%s: is not a regular file", path);
        goto fail;
    }
    return fd;

fail:
    (void) close(fd);
    return -1;
}

void
vouch_file_mark(const char *path, struct vouch_file_mark *mark_r)
{
    struct stat facts;

    memset(mark_r, 0, sizeof(*mark_r));
    if (path == NULL)
        return;
    if (stat(path, &facts) != 0) {
        mark_r->part[0] = errno;
        return;
    }
    mark_r->part[1] = (int64_t) facts.st_dev;
    mark_r->part[2] = (int64_t) facts.st_ino;
    mark_r->part[3] = (int64_t) facts.st_size;
#ifdef __APPLE__
    mark_r->part[4] = (int64_t) facts.st_ctimespec.tv_sec;
    mark_r->part[5] = (int64_t) facts.st_ctimespec.tv_nsec;
#else
    mark_r->part[4] = (int64_t) facts.st_ctim.tv_sec;
    mark_r->part[5] = (int64_t) facts.st_ctim.tv_nsec;
#endif
}

int
vouch_file_mark_equal(const struct vouch_file_mark *a,
                      const struct vouch_file_mark *b)
{
    return memcmp(a->part, b->part, sizeof(a->part)) == 0;
}

/* read(2), repeated when interrupted. */
static ssize_t
read_again(int fd, void *data, size_t length)
{
    ssize_t count;

    do {
        count = read(fd, data, length);
    } while (count == -1 && errno == EINTR);
    return count;
}

/* Read on when the buffer is full: 0 if the file ends here, else -1. */
static int
expect_end(int fd, const char *path, size_t limit, struct vouch_error *err)
{
    unsigned char byte;
    ssize_t count;

    count = read_again(fd, &byte, 1);
    if (count == 0)
        return 0;
    if (count < 0)
        return cannot(path, "read", errno, err);
    return vouch_error_set(err, VOUCH_E_LIMIT, "%s: is larger than %zu bytes",
                           path, limit);
}

static int
read_all(int fd, const char *path, struct vouch_buf *buf,
         struct vouch_error *err)
{
    size_t limit = vouch_buf_room(buf);
    size_t room;
    unsigned char *at;
    ssize_t count;

    while ((room = vouch_buf_room(buf)) > 0) {
        if (room > READ_CHUNK)
            room = READ_CHUNK;
        at = vouch_buf_reserve(buf, room);
        if (at == NULL)
            return cannot(path, "read", ENOMEM, err);
        count = read_again(fd, at, room);
        if (count < 0)
            (void) cannot(path, "read", errno, err);
        (void) vouch_buf_commit(buf, count > 0 ? (size_t) count : 0);
        if (count <= 0)
            return (int) count;
    }
    return expect_end(fd, path, limit, err);
}

int
vouch_file_read(const char *path, struct vouch_buf *buf,
                struct vouch_error *err)
{
    int fd;
    int result;

    fd = open_regular(path, err);
    if (fd == -1)
        return -1;
    result = read_all(fd, path, buf, err);
    (void) close(fd);
    return result;
}

/* The length of the folder part of a path, its slash included. */
static size_t
folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? (size_t) (slash - path) + 1 : 0;
}

/*
 * Create a new file, mode 0600, in the folder of path; its name goes to
 * name, which has room for the folder and TEMP_NAME_SIZE.  The name need not
 * be secret: O_EXCL follows no link and takes no file of somebody else.
 */
static int
create_temp(const char *path, char *name)
{
    size_t folder = folder_length(path);
    struct timespec now = {0, 0};
    int fd = -1;
    int i;

    memcpy(name, path, folder);
    for (i = 0; i < TEMP_TRIES; i++) {
        (void) clock_gettime(CLOCK_REALTIME, &now);
        (void) snprintf(name + folder, TEMP_NAME_SIZE, ".vouch-%ld-%ld-%d",
                        (long) getpid(), (long) now.tv_nsec, i);
        fd = open_again(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (fd != -1 || errno != EEXIST)
            break;
    }
    return fd;
}

/* Write everything.  0, or -1 with errno. */
static int
write_all(int fd, const unsigned char *data, size_t length)
{
    size_t part;
    ssize_t count;

    while (length > 0) {
        part = length < WRITE_CHUNK ? length : WRITE_CHUNK;
        count = write(fd, data, part);
        if (count == -1 && errno != EINTR)
            return -1;
        if (count > 0) {
            data += count;
            length -= (size_t) count;
        }
    }
    return 0;
}

/* Bytes, mode and sync; closes fd in any case.  0, or -1 with errno. */
static int
fill_and_close(int fd, const void *data, size_t length, int flags)
{
    mode_t mode = (flags & VOUCH_FILE_PRIVATE) ? 0600 : 0644;
    int failure = 0;

    if (write_all(fd, data, length) != 0 || fchmod(fd, mode) != 0
        || fsync(fd) != 0)
        failure = errno;
    /* Network file systems tell of a full disk only now. */
    if (close(fd) != 0 && failure == 0 && errno != EINTR)
        failure = errno;
    errno = failure;
    return failure == 0 ? 0 : -1;
}

/* Give the temporary file its name.  0, or -1; then it is still there. */
static int
move_in_place(const char *temp, const char *path, int flags,
              struct vouch_error *err)
{
    if (flags & VOUCH_FILE_REPLACE) {
        if (rename(temp, path) == 0)
            return 0;
    } else if (link(temp, path) == 0) {
        (void) unlink(temp);
        return 0;
    } else if (errno == EEXIST) {
        return vouch_error_set_sys(err, VOUCH_E_EXISTS, errno,
                                   "%s: not replaced", path);
    }
    return cannot(path, "write", errno, err);
}

/* Make the new name durable too.  Not every file system can, and the file
 * is in place already, so a failure is no news for the caller. */
static void
sync_folder(const char *path, char *scratch)
{
    size_t folder = folder_length(path);
    int fd;

    memcpy(scratch, path, folder);
    scratch[folder] = '\0';
    fd = open_again(folder > 0 ? scratch : ".", O_RDONLY | O_DIRECTORY, 0);
    if (fd == -1)
        return;
    (void) fsync(fd);
    (void) close(fd);
}

int
vouch_file_write(const char *path, const void *data, size_t length, int flags,
                 struct vouch_error *err)
{
    size_t folder = folder_length(path);
    char *temp = NULL;
    int fd;
    int result = -1;

    temp = malloc(folder + TEMP_NAME_SIZE);
    if (temp == NULL)
        return cannot(path, "write", ENOMEM, err);
    fd = create_temp(path, temp);
    if (fd == -1) {
        (void) cannot(path, "write", errno, err);
        goto out;
    }
    if (fill_and_close(fd, data, length, flags) != 0) {
        (void) cannot(path, "write", errno, err);
        (void) unlink(temp);
        goto out;
    }
    if (move_in_place(temp, path, flags, err) != 0) {
        (void) unlink(temp);
        goto out;
    }
    sync_folder(path, temp);
    result = 0;

out:
    free(temp);
    return result;
}
