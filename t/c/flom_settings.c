/*
 * flom/settings, flom/key_file and flom/config_file: what FLoM can be told.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "flom/config_file.h"
#include "flom/key_file.h"
#include "flom/settings.h"
#include "tap.h"

static struct vouch_flom_settings settings;
static struct vouch_error err;
static char seen[1024];

static int
record(const char *group, const char *key, const char *value, int line,
       void *arg)
{
    size_t used = strlen(seen);

    (void) arg;
    (void) snprintf(seen + used, sizeof(seen) - used, "%d %s.%s=%s;", line,
                    group, key, value);
    return strcmp(key, "stop") == 0 ? 7 : 0;
}

static void
test_key_file(void)
{
    static const struct {
        const char *text;
        int want;
        const char *seen;
    } table[] = {
        {"", 0, ""},
        {"[A]\nb=c", 0, "2 A.b=c;"},
        {"# x\n\n [A] \n b \t=  c d \n", 0, "4 A.b=c d ;"},
        {"[A]\nb=\n[B C]\nb=1=2\n", 0, "2 A.b=;4 B C.b=1=2;"},
        {"[A]\r\nb=c\r\n", 0, "2 A.b=c;"},
        {"[A]\nb=x\\sy\\n\\t\\r\\\\z\n", 0, "2 A.b=x y\n\t\r\\z;"},
        {"[A]\n;b=c\n", 0, "2 A.;b=c;"},
        {"[A]\nstop=1\nb=c\n", 7, "2 A.stop=1;"},
        {"[A]\nb=1\nb=2\n[A]\nb=3\n", 0, "2 A.b=1;3 A.b=2;5 A.b=3;"},
        {"b=c\n", -1, ""},
        {"[A]\n=c\n", -1, ""},
        {"[A]\nb\n", -1, ""},
        {"[A\nb=c\n", -1, ""},
        {"[]\nb=c\n", -1, ""},
        {"[A]x\nb=c\n", -1, ""},
        {"[A]\nb=\\x\n", -1, ""},
        {"[A]\nb=\\", -1, ""},
        {"[A[]\nb=c\n", -1, ""},
    };
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        seen[0] = '\0';
        vouch_error_clear(&err);
        is_int(vouch_flom_key_file_parse(table[i].text, strlen(table[i].text),
                                         record, NULL, &err),
               table[i].want, table[i].text);
        is_text(seen, table[i].seen, "keys");
        if (table[i].want == -1)
            ok(strstr(err.text, "line ") == err.text, err.text);
    }
    is_int(vouch_flom_key_file_parse("[A]\0", 4, record, NULL, &err), -1,
           "a NUL");
}

static void
test_words(void)
{
    static const struct {
        const char *text;
        int mode;
        int truth;
    } table[] = {
        {"NL", 0, 0},     {"nulllock", 0, 0}, {"CREX", 1, -1},
        {"xxPRyy", 3, 1}, {"PWPR", 4, -1},    {"exclusive", 5, -1},
        {"cw", 2, -1},    {"none", -1, 0},    {"maybe", -1, 1},
        {"nyes", -1, 1},  {"know", -1, 0},    {"NOYES", -1, 0},
        {"true", -1, -1}, {"1", -1, -1},      {"", -1, -1},
        {"Y", -1, 1},     {"any", -1, 0},     {"ProtectedRead", 3, -1},
    };
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        is_int(vouch_flom_mode_parse(table[i].text), table[i].mode,
               table[i].text);
        is_int(vouch_flom_bool_parse(table[i].text), table[i].truth,
               table[i].text);
    }
    is_int(vouch_flom_signal_parse("SIGTERM"), 15, "a signal by name");
    is_int(vouch_flom_signal_parse("31"), 31, "by number");
    is_int(vouch_flom_signal_parse("32"), -1, "too large a number");
    is_int(vouch_flom_signal_parse("sigterm"), -1, "in lower case");
    is_text(vouch_flom_signal_name(1), "SIGHUP", "the name of one");
    is_text(vouch_flom_signal_name(0), NULL, "of none");
}

static int
set(const char *group, const char *key, const char *value)
{
    vouch_error_clear(&err);
    return vouch_flom_settings_set(&settings, group, key, value, &err);
}

static void
test_set(void)
{
    is_int(vouch_flom_settings_init(&settings, &err), 0, "the defaults");
    is_int(set("Resource", "Timeout", "-5"), 1, "a negative timeout");
    is_int(settings.resource_timeout, -5, "is kept");
    is_int(set("Resource", "Timeout", "0x10"), -1, "no C notation in files");
    is_text(err.text, "'0x10' is not a value for [Resource] Timeout", "why");
    is_int(set("Resource", "Timeout", "99999999999"), -1, "too large");
    is_int(set("Resource", "Quantity", "-3"), 1, "a negative quantity");
    is_int(settings.resource_quantity, 3, "loses its sign");
    is_int(set("Resource", "Quantity", "0"), 1, "the quantity 0");
    is_int(settings.resource_quantity, 3, "changes nothing");
    is_int(set("Network", "DiscoveryTTL", "0"), 1, "the TTL 0");
    is_int(settings.discovery_ttl, 1, "is 1");
    is_int(set("Daemon", "UnicastPort", "-77"), 1, "a negative port");
    is_int(settings.unicast_port, 77, "loses its sign");
    is_int(set("Resource", "Name", "a.b"), 1, "a resource");
    is_int(set("Resource", "Name", "_RESOURCE"), -1, "the reserved one");
    is_int(set("Resource", "Name", "1a"), -1, "an invalid one");
    is_text(settings.resource_name, "a.b", "leaves the name");
    is_int(set("Resource", "LockMode", "zz"), -1, "an unknown mode");
    is_int(set("Monitor", "IgnoredSignals", "SIGTERM;x;2;"), 1, "signals");
    is_int(settings.ignored_signals, 1 << 15 | 1 << 2, "the known ones");
    is_int(set("TLS", "TlsCertificate", "/nosuch/file"), -1, "no such file");
    is_int(set("TLS", "TlsCertificate", "t/../t/c/tap.h"), 1, "a file");
    ok(settings.tls_certificate[0] == '/'
           && strstr(settings.tls_certificate, "/../") == NULL,
       "is kept with the real path of its folder");
    is_int(set("TLS", "TlsCertificate", "/etc/mtab/.."), -1, "no folder");
    is_int(set("TLS", "TlsCrl", "/nosuch/file"), -1, "no such list");
    is_int(set("TLS", "TlsCrl", "t/c/tap.h"), 1, "a list");
    is_int(set("TLS", "TlsPeerName", "node1"), 1, "a peer");
    is_text(settings.tls_peer_name, "node1", "by name");
    is_int(set("Resource", "name", "x"), 0, "keys have their case");
    is_int(set("Nothing", "Name", "x"), 0, "an unknown group");
}

static void
test_check(void)
{
    vouch_flom_settings_clear(&settings);
    is_int(vouch_flom_settings_init(&settings, &err), 0, "defaults again");
    is_int(vouch_flom_settings_check(&settings), VOUCH_FLOM_SETTINGS_GOOD,
           "are good");
    (void) set("Daemon", "SocketName", "/tmp/x");
    (void) set("Daemon", "UnicastAddress", "localhost");
    is_int(vouch_flom_settings_check(&settings), VOUCH_FLOM_LOCAL_AND_NETWORK,
           "a socket name and an address");
    is_int(vouch_flom_settings_set_text(&settings.socket_name, NULL, &err), 0,
           "without the socket name");
    (void) set("TLS", "TlsCheckPeerId", "yes");
    is_int(vouch_flom_settings_check(&settings),
           VOUCH_FLOM_PEER_ID_WITHOUT_TLS, "a peer id without TLS");
    (void) set("TLS", "TlsCertificate", "t/c/tap.h");
    (void) set("TLS", "TlsPrivateKey", "t/c/tap.h");
    is_int(vouch_flom_settings_use_tls(&settings), 0, "two of three files");
    (void) set("TLS", "TlsCheckPeerId", "no");
    is_int(vouch_flom_settings_check(&settings), VOUCH_FLOM_TLS_INCOMPLETE,
           "are too few");
    (void) set("TLS", "TlsCheckPeerId", "yes");
    (void) set("TLS", "TlsCaCertificate", "t/c/tap.h");
    is_int(vouch_flom_settings_check(&settings), VOUCH_FLOM_SETTINGS_GOOD,
           "with TLS");
    vouch_flom_settings_clear(&settings);
    is_int(vouch_flom_settings_init(&settings, &err), 0, "without TLS");
    (void) set("TLS", "TlsPeerName", "node1");
    is_int(vouch_flom_settings_check(&settings), VOUCH_FLOM_TLS_INCOMPLETE,
           "nobody's name can be looked at");
    vouch_flom_settings_clear(&settings);
}

static void
test_dump(void)
{
    struct vouch_buf *out = vouch_buf_new(4096);
    struct vouch_buf *want = vouch_buf_new(4096);

    is_int(vouch_flom_settings_init(&settings, &err), 0, "defaults");
    settings.verbose = 1;
    settings.daemon_lifespan = 0;
    (void) set("Daemon", "SocketName", "/tmp/flom-spec/lab/s/smp");
    is_int(vouch_flom_settings_dump(&settings, out), 0, "dumped");
    is_int(vouch_file_read("t/data/flom/cli_verbose.stdout.txt", want, &err),
           0, "what FLoM prints");
    is_text(vouch_buf_text(out), vouch_buf_text(want), "to the byte");
    vouch_buf_free(out);
    vouch_buf_free(want);
    vouch_flom_settings_clear(&settings);
}

static char folder[] = "/tmp/vouch-settings-XXXXXX";
static char file[sizeof(folder) + 16];

static void
write_file(const char *name, const char *text)
{
    (void) snprintf(file, sizeof(file), "%s/%s", folder, name);
    is_int(
        vouch_file_write(file, text, strlen(text), VOUCH_FILE_REPLACE, &err),
        0, file);
}

static int
read_usual(void)
{
    char system_path[sizeof(folder) + 16];
    static char path[256];

    path[0] = '\0';
    vouch_error_clear(&err);
    (void) snprintf(system_path, sizeof(system_path), "%s/system", folder);
    return vouch_flom_config_file_read_usual(system_path, folder, &settings,
                                             path, sizeof(path), &err);
}

static void
test_files(void)
{
    ok(mkdtemp(folder) != NULL, "a folder");
    is_int(vouch_flom_settings_init(&settings, &err), 0, "defaults");
    is_int(read_usual(), 0, "no files");
    write_file("system", "[Resource]\nName=sys\nTimeout=5\n");
    write_file(".flom", "[Resource]\nName=user\n[Future]\nx=y\n");
    is_int(read_usual(), 0, "two files");
    is_text(settings.resource_name, "user", "the later one wins");
    is_int(settings.resource_timeout, 5, "key by key");
    write_file(".flom", "[Resource]\nName=other\nrubbish\n");
    is_int(read_usual(), 0, "one that is no key file");
    is_text(settings.resource_name, "sys", "is skipped as a whole");
    is_int(vouch_flom_config_file_read(file, &settings, &err), -1,
           "but is an error when it is asked for");
    is_text(err.text, "line 3: neither [Group] nor Key=value nor # comment",
            "which tells the line");
    write_file(".flom", "[Resource]\nLockMode=zz\n");
    is_int(read_usual(), -1, "a bad value");
    is_int(err.code, VOUCH_E_ARGUMENT, "is an error");
    ok(strstr(err.text, "line 2: 'zz' is not a value") != NULL, err.text);
    (void) unlink(file);
    (void) snprintf(file, sizeof(file), "%s/system", folder);
    (void) unlink(file);
    (void) rmdir(folder);
    vouch_flom_settings_clear(&settings);
}

int
main(void)
{
    test_key_file();
    test_words();
    test_set();
    test_check();
    test_dump();
    test_files();
    return tap_done();
}
