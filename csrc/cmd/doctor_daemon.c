/*
 * The doctor asks the daemon: who are you, what is the time, what may I do?
 */
#include "cmd/doctor_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/clock.h"
#include "base/error.h"
#include "cmd/question.h"
#include "flom/client.h"
#include "flom/error_codes.h"
#include "flom/message.h"
#include "flom/peer_id.h"

#define SECOND_US INT64_C(1000000)
#define CLOCK_NOTE_US (2 * SECOND_US)
#define CLOCK_FAIL_US (60 * SECOND_US) /* certificates may fail of it */

static int64_t
wall_us(void)
{
    struct timeval now;

    (void) gettimeofday(&now, NULL);
    return (int64_t) now.tv_sec * SECOND_US + now.tv_usec;
}

/* --- what it says ---------------------------------------------------------*/

/* The rest of the line that begins with this word, "" if there is none. */
static void
find_line(const char *data, const char *word, char *out, size_t size)
{
    size_t length = strlen(word);

    *out = '\0';
    while (*data != '\0') {
        size_t end = strcspn(data, "\n");

        if (end > length && memcmp(data, word, length) == 0
            && data[length] == ' ') {
            (void) snprintf(out, size, "%.*s", (int) (end - length - 1),
                            data + length + 1);
            return;
        }
        data += end;
        data += *data == '\n';
    }
}

/* Its clock against ours, which asked between these two times. */
static void
compare_clocks(struct doctor *doctor, const char *data, int64_t before,
               int64_t after)
{
    char text[64];
    int64_t difference;
    int64_t doubt = (after - before) / 2;

    find_line(data, "time", text, sizeof(text));
    difference = (int64_t) strtoll(text, NULL, 10) - (before + doubt);
    if (*text == '\0')
        doctor_note("clock", "the daemon does not tell its time");
    else if (llabs(difference) > CLOCK_FAIL_US)
        doctor_fail(doctor, "clock",
                    "set both clocks (NTP): certificates and times of "
                    "resources depend on them",
                    "the daemon's is %.1f s %s ours",
                    (double) llabs(difference) / (double) SECOND_US,
                    difference < 0 ? "behind" : "ahead of");
    else if (llabs(difference) > CLOCK_NOTE_US)
        doctor_note("clock", "the daemon's is %.1f s %s ours",
                    (double) llabs(difference) / (double) SECOND_US,
                    difference < 0 ? "behind" : "ahead of");
    else
        doctor_ok("clock", "the same, within %.3f s",
                  (double) (llabs(difference) + doubt) / (double) SECOND_US);
}

/* What this command would do must be allowed; the rest is worth knowing. */
static void
look_at_rights(struct doctor *doctor, const char *data)
{
    static const char *const words[] = {"lock", "create", "status", "kick",
                                        "shutdown"};
    char text[VOUCH_FLOM_TEXT_MAX + 8];
    size_t i;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        int must = i == 0 || (i == 1 && doctor->settings.resource_create);

        find_line(data, words[i], text, sizeof(text));
        if (strncmp(text, "yes ", 4) == 0)
            doctor_ok("access", "%s", text + 4);
        else if (strncmp(text, "no ", 3) == 0 && must)
            doctor_fail(doctor, "access",
                        "the daemon's access file (--access) says who may",
                        "%s", text + 3);
        else if (strncmp(text, "no ", 3) == 0)
            doctor_note("access", "%s", text + 3);
    }
}

static void
check_its_name(struct doctor *doctor, const struct vouch_flom_message *answer)
{
    const char *id =
        answer->has & VOUCH_FLOM_HAS_PEER_ID ? answer->peer_id : NULL;
    struct vouch_error err;

    vouch_error_clear(&err);
    if (doctor->theirs == NULL)
        doctor_ok("its unique id", "%s", id == NULL ? "it tells none" : id);
    else if (vouch_flom_check_peer_id(doctor->theirs, id, &err) == 0)
        doctor_ok("its unique id", "%s, as its certificate says", id);
    else
        doctor_note("its unique id",
                    "%s: with --tls-check-peer-id=yes we would refuse it",
                    err.text);
}

/* --- the questions --------------------------------------------------------*/

static const char *
reason_of(const struct vouch_flom_client *client)
{
    int rc = vouch_flom_client_rc(client);

    if (*vouch_flom_client_reason(client) != '\0')
        return vouch_flom_client_reason(client);
    return rc != VOUCH_FLOM_RC_OK ? vouch_flom_rc_text(rc)
                                  : "it does not answer in time";
}

static void
take_answer(struct doctor *doctor, const struct vouch_flom_client *client,
            int64_t before, int64_t after)
{
    const struct vouch_flom_message *answer = vouch_flom_client_answer(client);
    char data[VOUCH_FLOM_DATA_MAX + 1];

    memcpy(data, answer->data, answer->data_length);
    data[answer->data_length] = '\0';
    doctor_ok("daemon", "it is one of Vouch's");
    check_its_name(doctor, answer);
    if (answer->rc != VOUCH_FLOM_RC_OK) {
        doctor_note("access", "the daemon does not say what we may do: %s",
                    answer->reason);
        return;
    }
    compare_clocks(doctor, data, before, after);
    look_at_rights(doctor, data);
}

static void
ask(struct doctor *doctor, struct vouch_flom_client *client)
{
    char about[VOUCH_FLOM_NAME_MAX + 1];
    int64_t deadline = vouch_clock_monotonic_ms() + DOCTOR_STEP_MS;
    int64_t before;
    int outcome = -1;

    (void) snprintf(about, sizeof(about), "%d %s", doctor->settings.lock_mode,
                    doctor->settings.resource_name);
    if (vouch_flom_client_connect(client, deadline) == 0)
        outcome = vouch_flom_client_wait(client, deadline);
    before = wall_us();
    if (outcome == 0)
        outcome = flom_question_put(client, "access", about, deadline);
    if (outcome == 0)
        take_answer(doctor, client, before, wall_us());
    else if (outcome == 1
             && vouch_flom_client_answer(client)->step == VOUCH_FLOM_ANSWER) {
        doctor_ok("daemon", "it answers, as FLoM 1.7.2 does");
        check_its_name(doctor, vouch_flom_client_answer(client));
        doctor_note("access", "it tells neither its time nor what we may do");
    } else
        doctor_fail(doctor, "daemon",
                    vouch_flom_client_is_explained(client)
                        ? ""
                        : "the daemon's log (--log) says what it saw",
                    "%s", reason_of(client));
}

void
doctor_daemon(struct doctor *doctor)
{
    struct vouch_flom_client *client = NULL;
    struct vouch_error err;

    vouch_error_clear(&err);
    if (vouch_flom_client_new(&doctor->settings, &client, &err) == 0)
        ask(doctor, client);
    else
        doctor_fail(doctor, "daemon", "", "%s", err.text);
    vouch_flom_client_free(client);
}
