/*
 * How does a C program hold a lock?
 *
 *   lock NAME [MILLISECONDS]
 *
 * waits so long (for ever, if not told) for the lock, says what it got, holds
 * it until its standard input ends, and lets go.  The daemon is the one that
 * flom would use; it has to be there ("flom -d -1 -- true" starts one).
 *
 * In a checkout that has been built:
 *
 *   cc -Icsrc -o lock examples/lock.c libvouch.a -lssl -lcrypto -lexpat \
 *       -pthread
 *
 * vouch_flom_client_wait() waits; a program with an event loop of its own
 * watches vouch_flom_client_fd() and calls vouch_flom_client_advance().
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "vouch.h"

#define CONNECT_MS 5000
#define RELEASE_MS 1000

static int
complain(const char *what, int code, const char *reason)
{
    (void) fprintf(stderr, "lock: %s: %s%s%s\n", what,
                   vouch_flom_rc_text(code), *reason == '\0' ? "" : ": ",
                   reason);
    return EXIT_FAILURE;
}

static int64_t
in_ms(long milliseconds)
{
    return vouch_clock_monotonic_ms() + milliseconds;
}

/* To the end of what has been begun: 0, 1 too late, -1 failed. */
static int
finish(struct vouch_flom_client *client, int64_t deadline)
{
    int outcome;

    do
        outcome = vouch_flom_client_wait(client, deadline);
    while (outcome == VOUCH_FLOM_WANT_READ
           || (outcome == -1
               && vouch_flom_client_state(client) != VOUCH_FLOM_CLIENT_IDLE
               && vouch_flom_client_errno(client) == EINTR));
    return outcome;
}

/* 0, or an exit status; why not has been told. */
static int
take(struct vouch_flom_client *client, int64_t deadline)
{
    int64_t soon = in_ms(CONNECT_MS);

    if (vouch_flom_client_connect(client, soon) != 0
        || finish(client, soon) != 0)
        return complain("cannot connect", vouch_flom_client_rc(client),
                        vouch_flom_client_reason(client));
    if (vouch_flom_client_lock(client) == 0 && finish(client, deadline) == 1)
        return complain("not locked", VOUCH_FLOM_RC_NETWORK_TIMEOUT, "");
    if (vouch_flom_client_state(client) == VOUCH_FLOM_CLIENT_LOCKED)
        return 0;
    return complain("not locked", vouch_flom_client_rc(client),
                    vouch_flom_client_reason(client));
}

/* What the lock is for: here, to wait for the end of standard input.  The
 * daemon is watched, too: 0, or an exit status when the lock is lost. */
static int
work(struct vouch_flom_client *client)
{
    const char *element = vouch_flom_client_element(client);
    struct pollfd watched[2] = {{STDIN_FILENO, POLLIN, 0}, {-1, POLLIN, 0}};
    char waste[256];

    (void) printf("locked%s%s\n", element == NULL ? "" : " ",
                  element == NULL ? "" : element);
    (void) fflush(stdout);
    watched[1].fd = vouch_flom_client_fd(client);
    for (;;) {
        if (poll(watched, 2, -1) == -1 && errno != EINTR)
            return EXIT_FAILURE;
        if (watched[1].revents != 0 && vouch_flom_client_advance(client) == -1)
            return complain("lost", vouch_flom_client_rc(client),
                            vouch_flom_client_reason(client));
        if (watched[0].revents != 0
            && read(STDIN_FILENO, waste, sizeof(waste)) <= 0)
            return 0;
    }
}

static int
release(struct vouch_flom_client *client)
{
    int64_t soon = in_ms(RELEASE_MS);

    if (vouch_flom_client_unlock(client, 0) != 0 || finish(client, soon) != 0)
        return complain("not unlocked", vouch_flom_client_rc(client),
                        vouch_flom_client_reason(client));
    (void) vouch_flom_client_close(client);
    (void) finish(client, soon);
    return 0;
}

static int
run(const char *name, int64_t deadline)
{
    struct vouch_flom_settings settings;
    struct vouch_flom_client *client = NULL;
    struct vouch_error err;
    char path[4096] = "";
    int status = EXIT_FAILURE;

    vouch_error_clear(&err);
    if (vouch_flom_settings_init(&settings, &err) != 0
        || vouch_flom_config_file_read_usual(VOUCH_FLOM_SYSTEM_CONFIG,
                                             getenv("HOME"), &settings, path,
                                             sizeof(path), &err)
               != 0
        || vouch_flom_settings_set(&settings, "Resource", "Name", name, &err)
               != 1
        || vouch_flom_client_new(&settings, &client, &err) != 0)
        (void) fprintf(stderr, "lock: %s\n", err.text);
    else {
        status = take(client, deadline);
        if (status == 0)
            status = work(client);
        if (status == 0)
            status = release(client);
    }
    vouch_flom_client_free(client);
    vouch_flom_settings_clear(&settings);
    return status;
}

int
main(int argc, char **argv)
{
    if (argc != 2 && argc != 3) {
        (void) fputs("usage: lock NAME [MILLISECONDS]\n", stderr);
        return 2;
    }
    return run(argv[1],
               argc == 2 ? VOUCH_FOREVER : in_ms(strtol(argv[2], NULL, 10)));
}
