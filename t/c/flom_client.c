/*
 * flom/client: against a daemon played from the bytes of FLoM 1.7.2.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "flom/client.h"
#include "flom/error_codes.h"
#include "flom/message.h"
#include "flom/settings.h"
#include "flom/socket_name.h"
#include "net/address.h"
#include "net/socket.h"
#include "tap.h"

#define SAMPLES "t/data/flom/"
#define SAMPLE_ID "00112233445566778899aabbccddeeff"

static char folder[] = "/tmp/vouch-client-XXXXXX";
static char path[sizeof(folder) + 16];
static int listener = -1;
static int peer = -1; /* the daemon's end */
static struct vouch_flom_settings settings;
static struct vouch_flom_client *client;
static struct vouch_error err;

static void
set(const char *group, const char *key, const char *value)
{
    (void) vouch_flom_settings_set(&settings, group, key, value, &err);
}

static struct vouch_buf *
sample(const char *name)
{
    struct vouch_buf *bytes = vouch_buf_new(4096);
    char file[300];

    (void) snprintf(file, sizeof(file), SAMPLES "%s.xml", name);
    if (vouch_file_read(file, bytes, &err) != 0)
        ok(0, file);
    return bytes;
}

static int64_t
soon(void)
{
    return vouch_clock_monotonic_ms() + 5000;
}

/* A client that is connected. */
static void
begin(void)
{
    vouch_error_clear(&err);
    is_int(vouch_flom_client_new(&settings, &client, &err), 0, "a client");
    is_int(vouch_flom_client_connect(client, soon()), 0, "connects");
    is_int(vouch_flom_client_wait(client, soon()), 0, "is connected");
    (void) vouch_socket_wait(listener, VOUCH_SOCKET_READ, soon());
    peer = vouch_socket_accept(listener, NULL);
    ok(peer != -1, "the daemon accepts it");
}

static void
end(void)
{
    vouch_flom_client_free(client);
    client = NULL;
    if (peer != -1)
        (void) close(peer);
    peer = -1;
}

/* What the client has sent, with the sample's id in the place of its own. */
static void
expect(const char *name)
{
    struct vouch_buf *want = sample(name);
    char got[1024] = "";
    ssize_t count;
    char *id;

    (void) vouch_socket_wait(peer, VOUCH_SOCKET_READ, soon());
    count = vouch_socket_recv(peer, got, sizeof(got) - 1);
    got[count > 0 ? count : 0] = '\0';
    id = strstr(got, "peerid=\"");
    if (id != NULL && strlen(id) > 41)
        memcpy(id + 8, SAMPLE_ID, 32);
    is_text(got, vouch_buf_text(want), name);
    vouch_buf_free(want);
}

static void
say(const char *text)
{
    is_int(vouch_socket_send(peer, text, strlen(text)), strlen(text),
           "answered");
}

static void
answer(const char *name)
{
    struct vouch_buf *bytes = sample(name);

    say(vouch_buf_text(bytes));
    vouch_buf_free(bytes);
}

/* The request goes out, and something is still to come. */
static void
send_lock(void)
{
    is_int(vouch_flom_client_lock(client), 0, "asks for a lock");
    is_int(vouch_flom_client_advance(client), VOUCH_FLOM_WANT_READ,
           "and waits");
}

static const struct {
    const char *name;
    const char *mode;
    const char *quantity;
    const char *lock;
    const char *granted;
    const char *element;
    const char *unlock;
    int rollback;
} LOCKS[] = {
    {NULL, "EX", "1", "lock_8_simple_default", "lock_16_simple_default_ok",
     NULL, "unlock_8_simple_default", 0},
    {"RA123", "PR", "1", "lock_8_simple_named", "lock_16_simple_named_ok",
     NULL, "unlock_8_simple_named", 0},
    {"N[10]", "EX", "3", "lock_8_numeric", "lock_16_numeric_ok", NULL,
     "unlock_8_numeric", 0},
    {"red.green.blue", "EX", "1", "lock_8_set", "lock_16_set_ok", "red",
     "unlock_8_set", 0},
    {"/a/b/c", "CW", "1", "lock_8_hier", "lock_16_hier_ok", NULL,
     "unlock_8_hier", 0},
    {"_s_cnt[2]", "EX", "1", "lock_8_seq_nontrans", "lock_16_seq_nontrans_ok",
     "1", "unlock_8_seq_nontrans", 0},
    {"_S_cnt[2]", "EX", "1", "lock_8_seq_trans", "lock_16_seq_trans_ok", "1",
     "unlock_8_seq_trans_rollback", 1},
};

static void
test_locks(void)
{
    size_t i;

    for (i = 0; i < sizeof(LOCKS) / sizeof(LOCKS[0]); i++) {
        if (LOCKS[i].name != NULL)
            set("Resource", "Name", LOCKS[i].name);
        set("Resource", "LockMode", LOCKS[i].mode);
        set("Resource", "Quantity", LOCKS[i].quantity);
        begin();
        send_lock();
        expect(LOCKS[i].lock);
        answer(LOCKS[i].granted);
        is_int(vouch_flom_client_wait(client, soon()), 0, "granted");
        is_int(vouch_flom_client_state(client), VOUCH_FLOM_CLIENT_LOCKED,
               "locked");
        is_text(vouch_flom_client_element(client), LOCKS[i].element,
                "element");
        is_int(vouch_flom_client_unlock(client, LOCKS[i].rollback), 0,
               "unlocks");
        is_int(vouch_flom_client_wait(client, soon()), 0, "unlocked");
        expect(LOCKS[i].unlock);
        end();
    }
}

static void
test_queue(void)
{
    begin();
    send_lock();
    answer("lock_16_rc1_simple");
    is_int(vouch_flom_client_wait(client, soon()), VOUCH_FLOM_WANT_READ,
           "queued");
    is_int(vouch_flom_client_state(client), VOUCH_FLOM_CLIENT_WAITING,
           "waits");
    is_int(vouch_flom_client_wait(client, vouch_clock_monotonic_ms() + 10), 1,
           "until a deadline");
    answer("lock_24_rc0_simple");
    is_int(vouch_flom_client_wait(client, soon()), 0, "granted later");
    is_int(vouch_flom_client_state(client), VOUCH_FLOM_CLIENT_LOCKED,
           "and locked");
    end();

    begin();
    send_lock();
    answer("incubator_sequence_S2C");
    is_int(vouch_flom_client_wait(client, soon()), 0,
           "three answers in a row: no resource, queued, granted");
    end();
}

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>"
#define ANSWER(step, rest) \
    HEAD "<msg level=\"3\" verb=\"1\" step=\"" step "\">" rest "</msg>"

/* Answers that are no grant; first is that of step 16. */
static void
test_refusals(void)
{
    static const struct {
        const char *first;
        const char *later;
        int outcome;
        int rc;
    } table[] = {
        {ANSWER("16", "<answer rc=\"4\"/>"), NULL, 0, 4},
        {ANSWER("16", "<answer rc=\"5\"/>"), NULL, 0, 5},
        {ANSWER("16", "<answer rc=\"6\"/>"), NULL, 0, 6},
        {ANSWER("16", "<answer rc=\"-14\"/>"), NULL, -1, -13},
        {ANSWER("16", ""), NULL, -1, -13},
        {ANSWER("24", "<answer rc=\"0\"/>"), NULL, -1, -13},
        {HEAD "<msg level=\"2\" verb=\"1\" step=\"16\"></msg>", NULL, -1, -15},
        {HEAD "<msg level=\"3\" verb=\"3\" step=\"8\"></msg>", NULL, -1, -13},
        {"rubbish</msg>", NULL, -1, -16},
        {ANSWER("16", "<answer rc=\"1\"/>"),
         ANSWER("24", "<answer rc=\"6\"/>"), 0, 6},
        {ANSWER("16", "<answer rc=\"2\"/>"),
         ANSWER("24", "<answer rc=\"-1\"/>"), 0, 3},
        {ANSWER("16", "<answer rc=\"1\"/>"),
         ANSWER("32", "<answer rc=\"9\"/>"), 0, 3},
        {ANSWER("16", "<answer rc=\"1\"/>"), ANSWER("24", ""), -1, -13},
        {ANSWER("16", "<answer rc=\"1\"/>"),
         ANSWER("16", "<answer rc=\"0\"/>"), -1, -13},
        {ANSWER("16", "<answer rc=\"1\"/>"),
         HEAD "<msg level=\"3\" verb=\"3\" step=\"8\"></msg>", -1, -13},
    };
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        begin();
        send_lock();
        say(table[i].first);
        if (table[i].later != NULL) {
            is_int(vouch_flom_client_wait(client, soon()),
                   VOUCH_FLOM_WANT_READ, "queued");
            say(table[i].later);
        }
        is_int(vouch_flom_client_wait(client, soon()), table[i].outcome,
               table[i].later ? table[i].later : table[i].first);
        is_int(vouch_flom_client_rc(client), table[i].rc, "its code");
        ok(vouch_flom_client_state(client) != VOUCH_FLOM_CLIENT_LOCKED,
           "nothing is locked");
        end();
    }
}

static void
test_daemon_gone(void)
{
    begin();
    send_lock();
    (void) close(peer);
    peer = -1;
    is_int(vouch_flom_client_wait(client, soon()), -1, "while asking");
    is_int(vouch_flom_client_rc(client), VOUCH_FLOM_RC_RECV_ERROR, "-126");
    end();

    begin();
    send_lock();
    answer("lock_16_simple_named_ok");
    is_int(vouch_flom_client_wait(client, soon()), 0, "locked");
    is_int(vouch_flom_client_advance(client), VOUCH_FLOM_WANT_READ,
           "nothing happens");
    (void) close(peer);
    peer = -1;
    is_int(vouch_flom_client_wait(client, soon()), -1, "the lock is lost");
    is_int(vouch_flom_client_rc(client),
           VOUCH_FLOM_RC_CONNECTION_CLOSED_BY_SERVER, "which is told");
    end();
}

static void
test_token(void)
{
    uint64_t epoch = 0;
    uint64_t counter = 0;

    begin();
    send_lock();
    say(ANSWER("16", "<answer rc=\"0\" token=\"7.9\"/>"));
    is_int(vouch_flom_client_wait(client, soon()), 0, "locked");
    is_int(vouch_flom_client_token(client, &epoch, &counter), 1, "a token");
    ok(epoch == 7 && counter == 9, "is that of the answer");
    end();
}

static void
test_close(void)
{
    char byte;

    begin();
    is_int(vouch_flom_client_close(client), 0, "half-closes");
    is_int(vouch_socket_recv(peer, &byte, 1), 0, "the daemon sees the end");
    is_int(vouch_flom_client_advance(client), VOUCH_FLOM_WANT_READ,
           "and is waited for");
    (void) close(peer);
    peer = -1;
    is_int(vouch_flom_client_wait(client, soon()), 0, "until it closes");
    is_int(vouch_flom_client_state(client), VOUCH_FLOM_CLIENT_IDLE, "idle");
    end();
}

static void
test_no_daemon(void)
{
    char longer[200];

    (void) close(listener);
    listener = -1;
    is_int(vouch_flom_client_new(&settings, &client, &err), 0, "a client");
    is_int(vouch_flom_client_connect(client, soon()), -1, "nobody listens");
    is_int(vouch_flom_client_rc(client), VOUCH_FLOM_RC_CONNECT_ERROR, "-105");
    vouch_flom_client_free(client);

    memset(longer, 'x', sizeof(longer));
    longer[0] = '/';
    longer[108] = '\0';
    set("Daemon", "SocketName", longer);
    is_int(vouch_flom_client_new(&settings, &client, &err), 0, "a client");
    is_int(vouch_flom_client_connect(client, soon()), -1, "108 bytes");
    is_int(vouch_flom_client_rc(client), VOUCH_FLOM_RC_BUFFER_OVERFLOW, "-9");
    vouch_flom_client_free(client);
    client = NULL;
}

int
main(void)
{
    struct vouch_address address;

    ok(mkdtemp(folder) != NULL, "a folder");
    (void) snprintf(path, sizeof(path), "%s/socket", folder);
    is_int(vouch_flom_socket_address(path, &address), 0, "an address");
    listener = vouch_socket_listen(&address, 10, &err);
    ok(listener != -1, "a listening socket");
    is_int(vouch_flom_settings_init(&settings, &err), 0, "settings");
    set("Daemon", "SocketName", path);
    test_locks();
    test_queue();
    test_refusals();
    test_daemon_gone();
    test_token();
    test_close();
    test_no_daemon();
    vouch_flom_settings_clear(&settings);
    (void) unlink(path);
    (void) rmdir(folder);
    return tap_done();
}
