/*
 * A program written for FLoM's libflom, without our header: it does what its
 * arguments say, in order, and prints a line for each.
 *
 *   PROPERTY=VALUE     set it; prints the code
 *   PROPERTY           get it
 *   lock unlock rollback clean new delete   what they say
 *   state element      of the handle
 *   error=N            the code in words
 *   handle=N           go on with handle N, 0 to 3
 *   threads=N          N handles in as many threads count to 20 each
 *   cycles=N           lock and unlock N times, and tell what has grown
 *   pause              print "ready", and wait for a line on standard input
 *   abort              die at once
 */
#define _POSIX_C_SOURCE 200809L

#include "old.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#define HANDLES 4
#define THREADS 64
#define ROUNDS 20
#define SOME_KB 512 /* what an allocator may take without a leak */

static flom_handle_t *handles[HANDLES];
static flom_handle_t **handle = handles;

static int
descriptors(void)
{
    int count = 0;
    int fd;

    for (fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

static long
kilobytes(void)
{
    struct rusage usage;

    (void) getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static volatile int counter; /* nothing but the lock guards it */

static void *
count_up(void *arg)
{
    const char *socket = arg;
    flom_handle_t *own = flom_handle_new();
    int rc = flom_handle_set_socket_name(own, socket);
    int seen;
    int i;

    for (i = 0; rc == 0 && i < ROUNDS; i++) {
        rc = flom_handle_lock(own);
        if (rc != 0)
            break;
        seen = counter;
        (void) sched_yield();
        counter = seen + 1;
        rc = flom_handle_unlock(own);
    }
    flom_handle_delete(own);
    return NULL;
}

/* What all have counted together. */
static int
threads(long count)
{
    pthread_t thread[THREADS];
    char socket[108];
    long i;

    strcpy(socket, flom_handle_get_socket_name(*handle));
    for (i = 0; i < count && i < THREADS; i++)
        (void) pthread_create(&thread[i], NULL, count_up, socket);
    while (i-- > 0)
        (void) pthread_join(thread[i], NULL);
    return counter;
}

static int
cycles(long count)
{
    long warm = count / 4;
    long memory = 0;
    int before = 0;
    int rc = 0;
    long i;

    for (i = 0; rc == 0 && i < count; i++) {
        if (i == warm) {
            memory = kilobytes();
            before = descriptors();
        }
        rc = flom_handle_lock(*handle);
        if (rc == 0)
            rc = flom_handle_unlock(*handle);
    }
    memory = kilobytes() - memory;
    printf("%ld cycles, %d descriptors more, %s\n", i, descriptors() - before,
           memory <= SOME_KB ? "no memory" : "and memory");
    if (memory > SOME_KB)
        (void) fprintf(stderr, "%ld kB more\n", memory);
    return rc;
}

static void
say(const char *text)
{
    puts(text == NULL ? "(null)" : text);
}

/* Of the properties; 1 if it is one. */
static int
property(const char *word, const char *value)
{
#define NUMBER(name) \
    if (strcmp(word, #name) == 0) { \
        printf("%d\n", value == NULL \
                           ? flom_handle_get_##name(*handle) \
                           : flom_handle_set_##name( \
                               *handle, (int) strtol(value, NULL, 10))); \
        return 1; \
    }
#define TEXT(name) \
    if (strcmp(word, #name) == 0) { \
        if (value == NULL) \
            say(flom_handle_get_##name(*handle)); \
        else \
            printf("%d\n", flom_handle_set_##name(*handle, value)); \
        return 1; \
    }
    OLD_PROPERTIES(NUMBER, TEXT)
    return 0;
}

/* What returns a code; 1 if it is one. */
static int
action(const char *word)
{
    static const struct {
        const char *word;
        int (*function)(flom_handle_t *);
    } actions[] = {
        {"lock", flom_handle_lock},
        {"unlock", flom_handle_unlock},
        {"rollback", flom_handle_unlock_rollback},
        {"clean", flom_handle_clean},
    };
    size_t i;

    for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(word, actions[i].word) == 0) {
            printf("%d\n", actions[i].function(*handle));
            return 1;
        }
    }
    return 0;
}

static void
wait_for_a_line(void)
{
    char line[16];

    puts("ready");
    (void) fflush(stdout);
    say(fgets(line, sizeof(line), stdin) == NULL ? "end" : "going on");
}

static int
other(const char *word, const char *value)
{
    if (strcmp(word, "state") == 0)
        printf("%d\n", (*handle)->state);
    else if (strcmp(word, "element") == 0)
        say(flom_handle_get_locked_element(*handle));
    else if (strcmp(word, "new") == 0)
        say((*handle = flom_handle_new()) == NULL ? "none" : "new");
    else if (strcmp(word, "delete") == 0) {
        flom_handle_delete(*handle);
        say("deleted");
    } else if (strcmp(word, "abort") == 0)
        abort();
    else if (strcmp(word, "pause") == 0)
        wait_for_a_line();
    else if (value == NULL)
        return 0;
    else if (strcmp(word, "error") == 0)
        say(flom_strerror((int) strtol(value, NULL, 10)));
    else if (strcmp(word, "handle") == 0)
        handle = &handles[strtol(value, NULL, 10) % HANDLES];
    else if (strcmp(word, "threads") == 0)
        printf("%d\n", threads(strtol(value, NULL, 10)));
    else if (strcmp(word, "cycles") == 0)
        printf("%d\n", cycles(strtol(value, NULL, 10)));
    else
        return 0;
    return 1;
}

int
main(int argc, char **argv)
{
    int i;

    for (i = 1; i < argc; i++) {
        char *value = strchr(argv[i], '=');

        if (value != NULL)
            *value++ = '\0';
        if (!property(argv[i], value) && !action(argv[i])
            && !other(argv[i], value)) {
            (void) fprintf(stderr, "%s: what is that?\n", argv[i]);
            return 2;
        }
        (void) fflush(stdout);
    }
    return 0;
}
