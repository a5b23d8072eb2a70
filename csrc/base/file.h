/*
 * Whole files: read one with a size limit, write one atomically.
 *
 * Only regular files are read.  A file is written under a temporary name in
 * the same folder, synced, and then moved into place, so that a reader sees
 * the old bytes or the new, never a part.
 */
#ifndef VOUCH_BASE_FILE_H
#define VOUCH_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

struct vouch_buf;
struct vouch_error;

enum vouch_file_flags {
    VOUCH_FILE_PRIVATE = 1, /* mode 0600 from the first byte; else 0644 */
    VOUCH_FILE_REPLACE = 2  /* a file of that name may be replaced */
};

/*
 * Append the bytes of a regular file to buf; buf's maximum is the limit.
 * 0, or -1 with VOUCH_E_FILE (names the file and the system's reason) or
 * VOUCH_E_LIMIT (larger than the buffer's maximum) or VOUCH_E_FORMAT
 * (a folder, a device, a pipe).  After a failure buf may hold a part.
 */
int vouch_file_read(const char *path, struct vouch_buf *buf,
                    struct vouch_error *err);

/*
 * Which bytes a name (NULL: none) stands for just now.  Two marks are equal
 * (1, else 0) unless the file was written, replaced, made or removed in
 * between, be it by one of the same size within the same second; a name that
 * cannot be looked at has a mark, too.
 */
struct vouch_file_mark {
    int64_t part[6];
};
void vouch_file_mark(const char *path, struct vouch_file_mark *mark_r);
int vouch_file_mark_equal(const struct vouch_file_mark *a,
                          const struct vouch_file_mark *b);

/*
 * Write a whole file.  Without VOUCH_FILE_REPLACE an existing name, be it a
 * dangling link, is VOUCH_E_EXISTS and stays as it is.  0 or -1.
 */
int vouch_file_write(const char *path, const void *data, size_t length,
                     int flags, struct vouch_error *err);

#endif
