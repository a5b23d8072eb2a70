/*
 * Configuration files into settings.
 */
#include "flom/config_file.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "flom/key_file.h"
#include "flom/settings.h"

#define FILE_MAX (64 * 1024)
#define PATH_SIZE 4096
#define PASSWD_SIZE 16384

struct target {
    struct vouch_flom_settings *settings;
    struct vouch_error *err;
};

static int
take_key(const char *group, const char *key, const char *value, int line,
         void *arg)
{
    struct target *target = arg;
    struct vouch_error why;

    vouch_error_clear(&why);
    if (vouch_flom_settings_set(target->settings, group, key, value, &why)
        != -1)
        return 0;
    return vouch_error_set(target->err, why.code, "line %d: %s", line,
                           why.text);
}

int
vouch_flom_config_file_read(const char *path,
                            struct vouch_flom_settings *settings,
                            struct vouch_error *err)
{
    struct vouch_buf *text = vouch_buf_new(FILE_MAX);
    struct target target = {settings, err};
    int status = -1;

    if (text == NULL)
        (void) vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    else if (vouch_file_read(path, text, err) == 0)
        status = vouch_flom_key_file_parse(vouch_buf_text(text),
                                           vouch_buf_length(text), take_key,
                                           &target, err);
    vouch_buf_free(text);
    return status;
}

/* All of it, or nothing where it is not a key file. */
static int
read_if_there(const char *path, struct vouch_flom_settings *settings,
              struct vouch_error *err)
{
    struct vouch_flom_settings copy;
    struct vouch_error why;

    vouch_error_clear(&why);
    if (vouch_flom_settings_copy(settings, &copy, err) != 0)
        return -1;
    if (vouch_flom_config_file_read(path, &copy, &why) == 0) {
        vouch_flom_settings_clear(settings);
        *settings = copy;
        return 0;
    }
    vouch_flom_settings_clear(&copy);
    if (why.code != VOUCH_E_ARGUMENT && why.code != VOUCH_E_MEMORY)
        return 0;
    return vouch_error_set(err, why.code, "%s: %s", path, why.text);
}

/* The user's folder by the password file, or "". */
static void
find_home(char *home, size_t size)
{
    char buffer[PASSWD_SIZE];
    struct passwd entry;
    struct passwd *found = NULL;

    home[0] = '\0';
    if (getpwuid_r(getuid(), &entry, buffer, sizeof(buffer), &found) == 0
        && found != NULL)
        (void) snprintf(home, size, "%s", found->pw_dir);
}

int
vouch_flom_config_file_read_usual(const char *system_path, const char *home,
                                  struct vouch_flom_settings *settings,
                                  char *path_r, size_t size,
                                  struct vouch_error *err)
{
    char folder[PATH_SIZE];
    char path[PATH_SIZE + sizeof("/.flom")];

    if (read_if_there(system_path, settings, err) != 0) {
        (void) snprintf(path_r, size, "%s", system_path);
        return -1;
    }
    if (home == NULL) {
        find_home(folder, sizeof(folder));
        home = folder;
    }
    if (snprintf(path, sizeof(path), "%s/.flom", home) >= (int) sizeof(path))
        return 0;
    if (read_if_there(path, settings, err) != 0) {
        (void) snprintf(path_r, size, "%s", path);
        return -1;
    }
    return 0;
}
