/* Put before the C library (LD_PRELOAD): notes every call by which a process changes files, and fails chosen ones.
 *
 * PELLUCID_FAULT_LOG    a file; each call that changes a path below PELLUCID_FAULT_ROOT is noted as "OP\tPATH\n".
 * PELLUCID_FAULT_OP     the operation that fails: open, write, flush, rename, mkdir, size, remove
 * PELLUCID_FAULT_PATH   a pattern (fnmatch) of the paths that it fails for
 * PELLUCID_FAULT_FROM   the how-manyth such call is the first that fails; all after it fail too
 * PELLUCID_FAULT_ERRNO  what it fails with
 * A rename is that of its source. The environment is read at each call, so that a forked child can set its own.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_int seen;
static ssize_t (*real_write)(int, const void *, size_t);

#define REAL(result, name, ...) \
    static result (*real)(__VA_ARGS__); \
    if (!real) real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static int refused(const char *op, const char *path) {
    const char *root = getenv("PELLUCID_FAULT_ROOT");
    if (!root || strncmp(path, root, strlen(root))) return 0;
    const char *log = getenv("PELLUCID_FAULT_LOG");
    if (log) {
        static int (*real_open)(const char *, int, ...);
        if (!real_open) real_open = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
        if (!real_write) real_write = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
        char line[PATH_MAX + 32];
        int length = snprintf(line, sizeof line, "%s\t%s\n", op, path), file = real_open(log, O_WRONLY | O_CREAT | O_APPEND, 0666);
        if (file >= 0) { real_write(file, line, length); close(file); }
    }
    const char *chosen = getenv("PELLUCID_FAULT_OP"), *pattern = getenv("PELLUCID_FAULT_PATH");
    const char *from = getenv("PELLUCID_FAULT_FROM"), *number = getenv("PELLUCID_FAULT_ERRNO");
    if (!chosen || !pattern || strcmp(op, chosen) || fnmatch(pattern, path, 0)) return 0;
    if (atomic_fetch_add(&seen, 1) + 1 < (from ? atoi(from) : 1)) return 0;
    errno = number ? atoi(number) : EIO;
    return 1;
}

static int refused_at(const char *op, int folder, const char *name) {
    char path[2 * PATH_MAX], link[64], base[PATH_MAX] = "";
    int saved = errno;
    if (name[0] != '/') {
        if (folder == AT_FDCWD) { if (!getcwd(base, sizeof base)) base[0] = 0; }
        else {
            snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
            ssize_t length = readlink(link, base, sizeof base - 1);
            base[length > 0 ? length : 0] = 0;
        }
        snprintf(path, sizeof path, "%s/%s", base, name);
    } else snprintf(path, sizeof path, "%s", name);
    errno = saved;
    return refused(op, path);
}

static int refused_fd(const char *op, int file) {
    char path[PATH_MAX], link[64];
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    errno = saved;
    return length > 0 && refused(op, path);
}

#define WRITING(flags) (((flags) & O_ACCMODE) != O_RDONLY || (flags) & (O_CREAT | O_TRUNC))
#define MODE mode_t mode = 0; \
    if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) { \
        va_list list; va_start(list, flags); mode = va_arg(list, mode_t); va_end(list); }

#define OPEN(function) int function(const char *path, int flags, ...) { MODE; \
    REAL(int, #function, const char *, int, ...); \
    if (WRITING(flags) && refused_at("open", AT_FDCWD, path)) return -1; \
    return real(path, flags, mode); }
#define OPENAT(function) int function(int folder, const char *path, int flags, ...) { MODE; \
    REAL(int, #function, int, const char *, int, ...); \
    if (WRITING(flags) && refused_at("open", folder, path)) return -1; \
    return real(folder, path, flags, mode); }
OPEN(open) OPEN(open64) OPENAT(openat) OPENAT(openat64)

#define FOPEN(function) FILE *function(const char *path, const char *how) { \
    REAL(FILE *, #function, const char *, const char *); \
    if (strpbrk(how, "wa+") && refused_at("open", AT_FDCWD, path)) return NULL; \
    return real(path, how); }
FOPEN(fopen) FOPEN(fopen64)

ssize_t write(int file, const void *data, size_t count) {
    if (!real_write) real_write = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    return refused_fd("write", file) ? -1 : real_write(file, data, count);
}
ssize_t writev(int file, const struct iovec *data, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    return refused_fd("write", file) ? -1 : real(file, data, count);
}
#define PWRITE(function, offset) ssize_t function(int file, const void *data, size_t count, offset at) { \
    REAL(ssize_t, #function, int, const void *, size_t, offset); \
    return refused_fd("write", file) ? -1 : real(file, data, count, at); }
PWRITE(pwrite, off_t) PWRITE(pwrite64, off64_t)

#define FLUSH(function) int function(int file) { \
    REAL(int, #function, int); \
    return refused_fd("flush", file) ? -1 : real(file); }
FLUSH(fsync) FLUSH(fdatasync)

#define SIZE(function, size) int function(int file, size length) { \
    REAL(int, #function, int, size); \
    return refused_fd("size", file) ? -1 : real(file, length); }
SIZE(ftruncate, off_t) SIZE(ftruncate64, off64_t)
#define SPACE(function, size) int function(int file, size at, size length) { \
    REAL(int, #function, int, size, size); \
    return refused_fd("size", file) ? errno : real(file, at, length); }
SPACE(posix_fallocate, off_t) SPACE(posix_fallocate64, off64_t)

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    return refused_at("rename", AT_FDCWD, from) ? -1 : real(from, to);
}
int renameat(int a, const char *from, int b, const char *to) {
    REAL(int, "renameat", int, const char *, int, const char *);
    return refused_at("rename", a, from) ? -1 : real(a, from, b, to);
}
int mkdir(const char *path, mode_t mode) {
    REAL(int, "mkdir", const char *, mode_t);
    return refused_at("mkdir", AT_FDCWD, path) ? -1 : real(path, mode);
}
int mkdirat(int folder, const char *path, mode_t mode) {
    REAL(int, "mkdirat", int, const char *, mode_t);
    return refused_at("mkdir", folder, path) ? -1 : real(folder, path, mode);
}
int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    return refused_at("remove", AT_FDCWD, path) ? -1 : real(path);
}
int unlinkat(int folder, const char *path, int flags) {
    REAL(int, "unlinkat", int, const char *, int);
    return refused_at("remove", folder, path) ? -1 : real(folder, path, flags);
}
int rmdir(const char *path) {
    REAL(int, "rmdir", const char *);
    return refused_at("remove", AT_FDCWD, path) ? -1 : real(path);
}
