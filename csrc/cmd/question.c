/*
 * Questions to the daemon.
 */
#include "cmd/question.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/error.h"
#include "cmd/exit_status.h"
#include "cmd/locks.h"
#include "cmd/verbose.h"
#include "flom/client.h"
#include "flom/error_codes.h"
#include "flom/machine_id.h"
#include "flom/message.h"
#include "flom/settings.h"
#include "net/address.h"

#define QUICK_MS 500 /* for a token that the command could do without */
#define PATIENT_MS 10000

/* A valid name that nobody has a resource of. */
#define NOBODYS_RESOURCE "vouchAsksAndLocksNothing"

static void
write_question(struct vouch_flom_message *message, const char *ask,
               const char *about)
{
    vouch_flom_message_init(message, VOUCH_FLOM_LOCK, VOUCH_FLOM_REQUEST);
    if (vouch_flom_machine_id(message->peer_id, NULL) == 0)
        message->has |= VOUCH_FLOM_HAS_PEER_ID;
    (void) snprintf(message->ask, sizeof(message->ask), "%s", ask);
    (void) snprintf(message->about, sizeof(message->about), "%s", about);
    message->name_length = sizeof(NOBODYS_RESOURCE) - 1;
    memcpy(message->name, NOBODYS_RESOURCE, sizeof(NOBODYS_RESOURCE));
}

int
flom_question_put(struct vouch_flom_client *client, const char *question,
                  const char *about, int64_t deadline)
{
    struct vouch_flom_message message;

    write_question(&message, question, about);
    if (vouch_flom_client_ask(client, &message) != 0
        || vouch_flom_client_wait(client, deadline) != 0)
        return -1;
    return strcmp(vouch_flom_client_answer(client)->ask, question) == 0 ? 0
                                                                        : 1;
}

/* Connect and ask. */
static int
ask(struct vouch_flom_client *client, const char *question, const char *about,
    int64_t deadline)
{
    if (vouch_flom_client_connect(client, deadline) != 0
        || vouch_flom_client_wait(client, deadline) != 0)
        return -1;
    return flom_question_put(client, question, about, deadline);
}

/* How the daemon knows the connection that holds the lock: by its address,
 * or, over a unix socket, by our process. */
static void
name_session(const struct flom_lock *lock, char *out, size_t size)
{
    struct vouch_address address;
    char text[VOUCH_HOST_SIZE + VOUCH_PORT_SIZE];

    memset(&address, 0, sizeof(address));
    address.length = sizeof(address.storage);
    if (getsockname(vouch_flom_client_fd(lock->client),
                    (struct sockaddr *) &address.storage, &address.length)
        != 0)
        address.storage.ss_family = AF_UNIX;
    vouch_address_text(&address, text, sizeof(text));
    (void) snprintf(out, size, "%s %s", text, lock->name);
}

/* One for the same daemon, also where that was looked for. */
static int
new_client_like(struct vouch_flom_client *other,
                struct vouch_flom_client **client_r)
{
    struct vouch_flom_settings settings;
    int status = -1;

    if (vouch_flom_settings_copy(vouch_flom_client_settings(other), &settings,
                                 NULL)
        != 0)
        return -1;
    if (vouch_flom_client_found(other, &settings, NULL) != -1)
        status = vouch_flom_client_new(&settings, client_r, NULL);
    vouch_flom_settings_clear(&settings);
    return status;
}

void
flom_question_token(struct flom_lock *lock)
{
    struct vouch_flom_client *client = NULL;
    const struct vouch_flom_message *answer;
    char about[VOUCH_FLOM_NAME_MAX + 1];

    lock->has_token = vouch_flom_client_token(lock->client, &lock->token_epoch,
                                              &lock->token_counter);
    if (lock->has_token || vouch_flom_client_knows_daemon(lock->client) == 0
        || new_client_like(lock->client, &client) != 0)
        return;
    name_session(lock, about, sizeof(about));
    if (ask(client, "token", about, vouch_clock_monotonic_ms() + QUICK_MS)
        == 0) {
        answer = vouch_flom_client_answer(client);
        lock->has_token = (answer->has & VOUCH_FLOM_HAS_TOKEN) != 0;
        lock->token_epoch = answer->token_epoch;
        lock->token_counter = answer->token_counter;
    }
    vouch_flom_client_free(client);
}

static int
does_not_know(const char *option)
{
    (void) fprintf(stderr,
                   "flom: the daemon does not know %s: it is not one of "
                   "Vouch's\n",
                   option);
    return FLOM_EXIT_ERROR;
}

/* What follows the first answer, until nothing more does. */
static int
print_answers(struct vouch_flom_client *client, int64_t deadline)
{
    const struct vouch_flom_message *answer = vouch_flom_client_answer(client);

    for (;;) {
        if (answer->has & VOUCH_FLOM_HAS_DATA)
            (void) fwrite(answer->data, 1, answer->data_length, stdout);
        if (!answer->more)
            return fflush(stdout) == 0 ? 0 : -1;
        if (vouch_flom_client_more(client) != 0
            || vouch_flom_client_wait(client, deadline) != 0)
            return -1;
    }
}

static int
refused(const struct vouch_flom_client *client, const char *option)
{
    const struct vouch_flom_message *answer = vouch_flom_client_answer(client);

    (void) fprintf(stderr, "flom: %s: %s\n", option,
                   answer->reason[0] != '\0' ? answer->reason
                                             : "refused by the daemon");
    return FLOM_EXIT_ERROR;
}

static int
question(const struct vouch_flom_settings *settings, const char *option,
         const char *ask_for, const char *about)
{
    int64_t deadline = vouch_clock_monotonic_ms() + PATIENT_MS
                       + vouch_flom_discovery_ms(settings);
    struct vouch_flom_client *client = NULL;
    struct vouch_error err;
    int outcome;
    int status = FLOM_EXIT_OK;

    vouch_error_clear(&err);
    if (vouch_flom_client_new(settings, &client, &err) != 0) {
        (void) fprintf(stderr, "flom: %s\n", err.text);
        return FLOM_EXIT_ERROR;
    }
    flom_verbose_discovery(client, settings);
    outcome = ask(client, ask_for, about, deadline);
    if (outcome == -1)
        status = flom_locks_failed("flom_client_connect", client);
    else if (outcome == 1)
        status = does_not_know(option);
    else if (vouch_flom_client_answer(client)->rc != VOUCH_FLOM_RC_OK)
        status = refused(client, option);
    else if (print_answers(client, deadline) != 0)
        status = flom_locks_failed("flom_client_lock", client);
    vouch_flom_client_free(client);
    return status;
}

int
flom_question_status(const struct vouch_flom_settings *settings,
                     const char *pattern, int json)
{
    return question(settings, "--status", json ? "status-json" : "status",
                    pattern == NULL ? "" : pattern);
}

int
flom_question_kick(const struct vouch_flom_settings *settings, const char *id)
{
    return question(settings, "--kick", "kick", id);
}
