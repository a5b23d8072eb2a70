/*
 * flom: run a command while holding a lock.
 */
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "cmd/apply.h"
#include "cmd/debug.h"
#include "cmd/doctor.h"
#include "cmd/exit_status.h"
#include "cmd/fence.h"
#include "cmd/foreground.h"
#include "cmd/locks.h"
#include "cmd/options.h"
#include "cmd/question.h"
#include "cmd/run.h"
#include "cmd/shutdown.h"
#include "cmd/start.h"
#include "cmd/trace.h"
#include "flom/error_codes.h"
#include "flom/machine_id.h"
#include "flom/settings.h"

#define OUTPUT_MAX 65536

/* What was written to the buffer, if it was; the buffer is freed. */
static int
print_buffer(struct vouch_buf *out, int written)
{
    int status = FLOM_EXIT_ERROR;

    if (out != NULL && written == 0
        && fputs(vouch_buf_text(out), stdout) != EOF && fflush(stdout) == 0)
        status = FLOM_EXIT_OK;
    vouch_buf_free(out);
    return status;
}

static int
print(int (*write)(struct vouch_buf *out))
{
    struct vouch_buf *out = vouch_buf_new(OUTPUT_MAX);

    return print_buffer(out, out == NULL ? -1 : write(out));
}

/* FLoM's version, which scripts look for, and whose program this is. */
static int
write_version(struct vouch_buf *out)
{
    return vouch_buf_append_text(
        out, "FLoM: Free Lock Manager\n"
             "This is the flom of Vouch: the same protocol and command line\n"
             "Package name: flom; package version: 1.7.2; release date: "
             "2024-03-02\n"
             "Access: local (unix socket) and network (TCP, UDP discovery)\n"
             "TLS supported protocol(s): All TLS protocols\n"
             "Licence: the same terms as Perl\n"
             "See: flom --help\n");
}

static int
write_signals(struct vouch_buf *out)
{
    int number;

    for (number = 1; vouch_flom_signal_name(number) != NULL; number++)
        (void) vouch_buf_append_format(out, "%d) %s\t%s", number,
                                       vouch_flom_signal_name(number),
                                       number % 4 == 0 ? "\n" : "");
    return vouch_buf_append_text(out, "\n");
}

static int
print_unique_id(void)
{
    char id[VOUCH_FLOM_MACHINE_ID_SIZE];
    struct vouch_error err;

    vouch_error_clear(&err);
    if (vouch_flom_machine_id(id, &err) == 0)
        return puts(id) == EOF ? FLOM_EXIT_ERROR : FLOM_EXIT_OK;
    (void) fprintf(stderr, "flom: %s\n", err.text);
    return FLOM_EXIT_ERROR;
}

static int
dump(const struct vouch_flom_settings *settings)
{
    struct vouch_buf *out = vouch_buf_new(OUTPUT_MAX);

    return print_buffer(
        out, out == NULL ? -1 : vouch_flom_settings_dump(settings, out));
}

/* Take the locks, run the command, let go. */
static int
run_locked(const struct flom_command_line *line,
           const struct vouch_flom_settings *settings,
           const struct flom_extra *extra)
{
    struct flom_locks locks;
    int rollback = 0;
    int status;
    int released;

    status = flom_locks_take(settings, extra, &locks);
    if (status != 0)
        return status;
    flom_locks_print(settings, &locks);
    status = flom_run(line, settings, extra, &locks, &rollback);
    released = flom_locks_release(&locks, rollback);
    flom_locks_clear(&locks);
    return released != 0 ? released : status;
}

static int
start(const struct vouch_flom_settings *settings,
      const struct flom_extra *extra)
{
    struct vouch_error err;
    int rc;

    vouch_error_clear(&err);
    rc = flom_start(settings, extra, &err);
    if (rc == 0)
        return FLOM_EXIT_OK;
    (void) fprintf(stderr, "flom: the daemon was not started: %s\n",
                   *err.text != '\0' ? err.text : vouch_flom_rc_text(rc));
    return FLOM_EXIT_ERROR;
}

/* What is asked of the daemon, or of the command, with the settings. */
static int
act(const struct flom_command_line *line,
    const struct vouch_flom_settings *settings, const struct flom_extra *extra)
{
    const struct flom_given *name;

    if (flom_given_last(line, FLOM_DEBUG_FEATURE) != NULL)
        return flom_debug(flom_given_last(line, FLOM_DEBUG_FEATURE)->value,
                          settings);
    if (flom_given_last(line, FLOM_DOCTOR) != NULL)
        return flom_doctor(settings);
    if (flom_given_last(line, FLOM_DAEMON) != NULL)
        return flom_foreground(settings, extra);
    if (flom_given_last(line, FLOM_START) != NULL)
        return start(settings, extra);
    if (flom_given_last(line, FLOM_STATUS) != NULL) {
        name = flom_given_last(line, FLOM_RESOURCE_NAME);
        return flom_question_status(settings, name ? name->value : NULL,
                                    flom_given_last(line, FLOM_JSON) != NULL);
    }
    if (flom_given_last(line, FLOM_KICK) != NULL)
        return flom_question_kick(settings,
                                  flom_given_last(line, FLOM_KICK)->value);
    if (flom_given_last(line, FLOM_IMMEDIATE_EXIT) != NULL)
        return flom_shutdown(settings, 1);
    if (flom_given_last(line, FLOM_QUIESCE_EXIT) != NULL)
        return flom_shutdown(settings, 0);
    if (line->command_count == 0) {
        (void) fputs("No command to execute!\n", stderr);
        return FLOM_EXIT_CANT_EXECUTE;
    }
    return run_locked(line, settings, extra);
}

/* What does not fit.  The doctor says more about some of it. */
static int
check(const struct flom_command_line *line,
      const struct vouch_flom_settings *settings)
{
    if (flom_given_last(line, FLOM_DOCTOR) != NULL
        && vouch_flom_settings_check(settings) == VOUCH_FLOM_TLS_INCOMPLETE)
        return 0;
    return flom_check(settings);
}

static int
configure_and_act(const struct flom_command_line *line)
{
    struct vouch_flom_settings settings;
    struct flom_extra extra;
    struct vouch_error err;
    int status;

    vouch_error_clear(&err);
    memset(&extra, 0, sizeof(extra));
    if (vouch_flom_settings_init(&settings, &err) != 0) {
        (void) fprintf(stderr, "flom: %s\n", err.text);
        return FLOM_EXIT_ERROR;
    }
    status = flom_apply(line, &settings, &extra);
    if (status == 0 && settings.verbose)
        status = dump(&settings);
    if (status == 0)
        status = check(line, &settings);
    if (status == 0 && flom_trace_open(&settings, 0) != 0)
        status = FLOM_EXIT_ERROR;
    if (status == 0)
        status = act(line, &settings, &extra);
    vouch_flom_settings_clear(&settings);
    return status;
}

/* What needs no settings comes first. */
static int
run(const struct flom_command_line *line)
{
    int version = flom_given_last(line, FLOM_VERSION) != NULL;
    int signals = flom_given_last(line, FLOM_SIGNAL_LIST) != NULL;

    if (flom_given_last(line, FLOM_HELP) != NULL)
        return print(flom_options_help);
    if (version && print(write_version) != 0)
        return FLOM_EXIT_ERROR;
    if (signals)
        return print(write_signals);
    if (version)
        return FLOM_EXIT_OK;
    if (flom_given_last(line, FLOM_UNIQUE_ID) != NULL)
        return print_unique_id();
    if (flom_given_last(line, FLOM_FENCE) != NULL)
        return flom_fence(flom_given_last(line, FLOM_FENCE)->value);
    return configure_and_act(line);
}

int
main(int argc, char **argv)
{
    struct flom_command_line line;
    struct vouch_error err;
    int status;

    vouch_error_clear(&err);
    if (flom_command_line_parse(argc, argv, &line, &err) != 0) {
        (void) fprintf(stderr, "option parsing failed: %s\n", err.text);
        return FLOM_EXIT_ERROR;
    }
    status = run(&line);
    flom_command_line_clear(&line);
    return status;
}
