/*
 * base/file: bounded reading, atomic writing, and all that goes wrong.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "tap.h"

#define BIG 70000

static struct vouch_error err;

/* The number of entries of the folder we are in. */
static int
count_entries(void)
{
    DIR *dir = opendir(".");
    struct dirent *entry;
    int count = 0;

    if (dir == NULL)
        return -1;
    while ((entry = readdir(dir)) != NULL)
        count += strcmp(entry->d_name, ".") != 0
                 && strcmp(entry->d_name, "..") != 0;
    (void) closedir(dir);
    return count;
}

/* Read a file under a limit; result and text are compared. */
static void
expect_read(const char *path, size_t limit, int code, const char *text)
{
    struct vouch_buf *buf = vouch_buf_new(limit);

    vouch_error_clear(&err);
    is_int(vouch_file_read(path, buf, &err), code == VOUCH_OK ? 0 : -1, path);
    is_int(err.code, code, "code");
    is_text(code == VOUCH_OK ? vouch_buf_text(buf) : err.text, text, "text");
    vouch_buf_free(buf);
}

static void
expect_write(const char *path, const char *text, int flags, int code)
{
    vouch_error_clear(&err);
    is_int(vouch_file_write(path, text, strlen(text), flags, &err),
           code == VOUCH_OK ? 0 : -1, path);
    is_int(err.code, code, "code");
}

static int
mode_of(const char *path)
{
    struct stat facts;

    return lstat(path, &facts) == 0 ? (int) (facts.st_mode & 07777) : -1;
}

static void
test_read(void)
{
    expect_write("five", "12345", 0, VOUCH_OK);
    expect_write("empty", "", 0, VOUCH_OK);
    expect_read("five", 4, VOUCH_E_LIMIT, "five: is larger than 4 bytes");
    expect_read("five", 5, VOUCH_OK, "12345");
    expect_read("five", 6, VOUCH_OK, "12345");
    expect_read("empty", 1, VOUCH_OK, "");
    expect_read("server-cert.pem", 10, VOUCH_E_FILE,
                "server-cert.pem: cannot read: No such file or directory");
    is_int(err.sys_errno, ENOENT, "sys_errno");
    expect_read("", 10, VOUCH_E_FILE,
                ": cannot read: No such file or directory");
    expect_read("five/x", 10, VOUCH_E_FILE,
                "five/x: cannot read: Not a directory");
    is_int(mkdir("folder", 0700), 0, "mkdir");
    expect_read("folder", 10, VOUCH_E_FORMAT, "folder: is not a regular file");
    is_int(mkfifo("pipe", 0600), 0, "mkfifo");
    expect_read("pipe", 10, VOUCH_E_FORMAT, "pipe: is not a regular file");
    expect_read("/dev/null", 10, VOUCH_E_FORMAT,
                "/dev/null: is not a regular file");
    is_int(symlink("five", "link"), 0, "symlink");
    expect_read("link", 10, VOUCH_OK, "12345");
}

static void
test_read_appends(void)
{
    struct vouch_buf *buf = vouch_buf_new(7);

    (void) vouch_buf_append_text(buf, "ab");
    vouch_error_clear(&err);
    is_int(vouch_file_read("five", buf, &err), 0, "append to N");
    is_text(vouch_buf_text(buf), "ab12345", "what was there stays");
    is_int(vouch_file_read("empty", buf, &err), 0, "nothing fits when full");
    is_int(vouch_file_read("five", buf, &err), -1, "append past N");
    is_int(err.code, VOUCH_E_LIMIT, "is a limit");
    is_int(vouch_file_read("five", buf, NULL), -1, "without an error too");
    vouch_buf_free(buf);
}

/* More than one chunk of 16384 bytes. */
static void
test_big(void)
{
    struct vouch_buf *buf = vouch_buf_new(BIG);
    static unsigned char bytes[BIG];
    size_t i;

    for (i = 0; i < BIG; i++)
        bytes[i] = (unsigned char) (i % 251);
    vouch_error_clear(&err);
    is_int(vouch_file_write("big", bytes, BIG, 0, &err), 0, "write");
    is_int(vouch_file_read("big", buf, &err), 0, "read");
    is_int(vouch_buf_length(buf), BIG, "all of it");
    is_bytes(vouch_buf_data(buf), bytes, BIG, "the same bytes");
    vouch_buf_free(buf);
    expect_read("big", BIG - 1, VOUCH_E_LIMIT,
                "big: is larger than 69999 bytes");
    expect_read("big", 16384, VOUCH_E_LIMIT,
                "big: is larger than 16384 bytes");
}

static void
test_write_modes(void)
{
    mode_t old = umask(0077);

    expect_write("public", "a", 0, VOUCH_OK);
    is_int(mode_of("public"), 0644, "0644 whatever the umask");
    (void) umask(0);
    expect_write("private", "a", VOUCH_FILE_PRIVATE, VOUCH_OK);
    is_int(mode_of("private"), 0600, "0600 whatever the umask");
    expect_write("public", "b", VOUCH_FILE_REPLACE | VOUCH_FILE_PRIVATE,
                 VOUCH_OK);
    is_int(mode_of("public"), 0600, "replaced by a private one");
    (void) umask(old);
}

static void
test_write_exists(void)
{
    int before;

    is_int(symlink("nowhere", "dangling"), 0, "symlink");
    before = count_entries();
    expect_write("five", "other", 0, VOUCH_E_EXISTS);
    is_text(err.text, "five: not replaced: File exists", "says so");
    expect_read("five", 5, VOUCH_OK, "12345");
    expect_write("dangling", "x", 0, VOUCH_E_EXISTS);
    is_int(mode_of("nowhere"), -1, "nothing came into being behind it");
    expect_write("folder", "x", 0, VOUCH_E_EXISTS);
    expect_write("folder/", "x", 0, VOUCH_E_EXISTS);
    expect_write("folder", "x", VOUCH_FILE_REPLACE, VOUCH_E_FILE);
    is_int(count_entries(), before, "no temporary file is left");
}

static void
test_write_replace(void)
{
    int before = count_entries();

    expect_write("five", "54321!", VOUCH_FILE_REPLACE, VOUCH_OK);
    expect_read("five", 9, VOUCH_OK, "54321!");
    expect_write("link", "own", VOUCH_FILE_REPLACE, VOUCH_OK);
    expect_read("link", 9, VOUCH_OK, "own");
    expect_read("five", 9, VOUCH_OK, "54321!");
    is_int(count_entries(), before, "no temporary file is left");
    expect_write("new", "1", VOUCH_FILE_REPLACE, VOUCH_OK);
    is_int(count_entries(), before + 1, "replace may make a new one");
}

static void
test_write_paths(void)
{
    char cwd[1024];
    char path[2048];

    ok(getcwd(cwd, sizeof(cwd)) != NULL, "getcwd");
    (void) snprintf(path, sizeof(path), "%s/folder/abs", cwd);
    expect_write(path, "abs", 0, VOUCH_OK);
    expect_read("folder/abs", 9, VOUCH_OK, "abs");
    expect_write("folder/abs", "x", 0, VOUCH_E_EXISTS);
    expect_write("none/x", "x", 0, VOUCH_E_FILE);
    is_text(err.text, "none/x: cannot write: No such file or directory",
            "the name as given, and why");
    expect_write("five/x", "x", 0, VOUCH_E_FILE);
    expect_write("", "x", 0, VOUCH_E_FILE);
    expect_write("", "x", VOUCH_FILE_REPLACE, VOUCH_E_FILE);
    is_int(unlink("folder/abs"), 0, "unlink");
    memset(path, 'n', 255);
    path[255] = '\0';
    expect_write(path, "long", 0, VOUCH_OK);
    is_int(unlink(path), 0, "the longest name there can be");
    path[255] = 'n';
    path[256] = '\0';
    expect_write(path, "long", 0, VOUCH_E_FILE);
    is_int(err.sys_errno, ENAMETOOLONG, "one longer");
    vouch_error_clear(&err);
    is_int(vouch_file_write("nil", NULL, 0, 0, &err), 0, "no bytes");
    expect_read("nil", 1, VOUCH_OK, "");
}

/* A write that fails in the middle, as on a full disk. */
static void
test_write_full(void)
{
    static char bytes[BIG];
    struct rlimit old;
    struct rlimit small;
    int before = count_entries();

    (void) signal(SIGXFSZ, SIG_IGN);
    is_int(getrlimit(RLIMIT_FSIZE, &old), 0, "getrlimit");
    small = old;
    small.rlim_cur = BIG / 2;
    is_int(setrlimit(RLIMIT_FSIZE, &small), 0, "setrlimit");
    vouch_error_clear(&err);
    is_int(vouch_file_write("five", bytes, BIG, VOUCH_FILE_REPLACE, &err), -1,
           "the file is too large to be written");
    is_int(setrlimit(RLIMIT_FSIZE, &old), 0, "setrlimit back");
    is_int(err.code, VOUCH_E_FILE, "code");
    is_int(err.sys_errno, EFBIG, "sys_errno");
    is_int(count_entries(), before, "no temporary file is left");
    expect_read("five", 9, VOUCH_OK, "54321!");
}

static void
test_marks(void)
{
    struct vouch_file_mark none;
    struct vouch_file_mark first;
    struct vouch_file_mark second;

    vouch_file_mark("mark", &none);
    is_int(vouch_file_write("mark", "a", 1, 0, NULL), 0, "a file");
    vouch_file_mark("mark", &first);
    ok(!vouch_file_mark_equal(&none, &first), "it has come");
    vouch_file_mark("mark", &second);
    ok(vouch_file_mark_equal(&first, &second), "it is as it was");
    is_int(vouch_file_write("mark", "b", 1, VOUCH_FILE_REPLACE, NULL), 0,
           "another of the same size");
    vouch_file_mark("mark", &second);
    ok(!vouch_file_mark_equal(&first, &second), "it was replaced");
    is_int(unlink("mark"), 0, "removed");
    vouch_file_mark("mark", &second);
    ok(vouch_file_mark_equal(&none, &second), "it has gone");
}

static void
remove_all(void)
{
    static const char *const names[] = {
        "five",   "empty",   "pipe",     "link", "big",
        "public", "private", "dangling", "new",  "nil"};
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        is_int(unlink(names[i]), 0, names[i]);
    is_int(rmdir("folder"), 0, "folder");
}

int
main(void)
{
    char folder[] = "/tmp/vouch-file-XXXXXX";

    if (mkdtemp(folder) == NULL || chdir(folder) != 0)
        return 1;
    test_read();
    test_read_appends();
    test_big();
    test_write_modes();
    test_write_exists();
    test_write_replace();
    test_write_paths();
    test_write_full();
    test_marks();
    remove_all();
    ok(chdir("/") == 0 && rmdir(folder) == 0, "nothing else is left");
    return tap_done();
}
