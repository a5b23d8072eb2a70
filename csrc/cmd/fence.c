/*
 * The fence file: one line with the largest token, changed under flock(2).
 */
#define _DEFAULT_SOURCE 1 /* flock() */

#include "cmd/fence.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/exit_status.h"
#include "flom/message.h"

#define FENCED_OUT 1

static int
failed(const char *path, const char *why)
{
    (void) fprintf(stderr, "flom: --fence %s: %s\n", path, why);
    return FLOM_EXIT_ERROR;
}

/* What the file says: 1 a token, 0 nothing yet, -1 something else. */
static int
read_token(int fd, uint64_t *epoch_r, uint64_t *counter_r)
{
    char text[VOUCH_FLOM_TOKEN_SIZE + 2];
    ssize_t count = pread(fd, text, sizeof(text) - 1, 0);

    if (count < 0)
        return -1;
    if (count == 0)
        return 0;
    text[count] = '\0';
    if (text[count - 1] != '\n')
        return -1;
    text[count - 1] = '\0';
    return vouch_flom_token_parse(text, epoch_r, counter_r) == 0 ? 1 : -1;
}

/* Should the machine stop in between, the next reader refuses the file. */
static int
write_token(int fd, const char *token)
{
    char text[VOUCH_FLOM_TOKEN_SIZE + 2];
    int length = snprintf(text, sizeof(text), "%s\n", token);

    if (length < 0 || pwrite(fd, text, (size_t) length, 0) != length
        || ftruncate(fd, length) != 0)
        return -1;
    return fsync(fd);
}

/* The file is open and locked. */
static int
compare(int fd, const char *path, const char *token, uint64_t epoch,
        uint64_t counter)
{
    uint64_t seen_epoch = 0;
    uint64_t seen_counter = 0;
    int seen = read_token(fd, &seen_epoch, &seen_counter);

    if (seen == -1)
        return failed(path, "the file holds no token; is it another file?");
    if (seen == 1
        && (epoch < seen_epoch
            || (epoch == seen_epoch && counter < seen_counter))) {
        (void) fprintf(stderr,
                       "flom: --fence %s: the lock has been given to another "
                       "since (token %s, seen %llu.%llu)\n",
                       path, token, (unsigned long long) seen_epoch,
                       (unsigned long long) seen_counter);
        return FENCED_OUT;
    }
    if (seen == 1 && epoch == seen_epoch && counter == seen_counter)
        return FLOM_EXIT_OK;
    return write_token(fd, token) == 0 ? FLOM_EXIT_OK
                                       : failed(path, strerror(errno));
}

int
flom_fence(const char *path)
{
    const char *token = getenv("FLOM_TOKEN");
    uint64_t epoch = 0;
    uint64_t counter = 0;
    struct stat facts;
    int status;
    int fd;

    if (token == NULL || vouch_flom_token_parse(token, &epoch, &counter) != 0)
        return failed(path, "there is no FLOM_TOKEN: use it inside a command "
                            "that flom runs, with a daemon of Vouch");
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd == -1)
        return failed(path, strerror(errno));
    if (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode))
        status = failed(path, "not a regular file");
    else if (flock(fd, LOCK_EX) != 0)
        status = failed(path, strerror(errno));
    else
        status = compare(fd, path, token, epoch, counter);
    (void) close(fd);
    return status;
}
