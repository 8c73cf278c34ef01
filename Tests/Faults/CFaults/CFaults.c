#define _GNU_SOURCE
#include "CFaults.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { most_descriptors = 4096, longest_path = 512 };

static char root[longest_path];
static size_t root_length;
static faults_hook hook;
static char followed[most_descriptors];

void faults_follow(const char *folder, faults_hook new_hook) {
  root_length = strlen(folder);
  if (root_length >= longest_path) return;
  memcpy(root, folder, root_length + 1);
  hook = new_hook;
}

static int is_below(const char *path) { return hook && strncmp(path, root, root_length) == 0; }
static int is_followed(int descriptor) {
  return hook && descriptor >= 0 && descriptor < most_descriptors && followed[descriptor];
}

static int refused(int error) {
  if (error) errno = error;
  return error != 0;
}

static int open_file(const char *path, int flags, int mode) {
  int below = is_below(path);
  if (below && (flags & (O_CREAT | O_TRUNC)) && refused(hook(faults_create, -1, path, 0, 0, flags, 0))) return -1;
  int descriptor = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
  if (descriptor >= 0 && descriptor < most_descriptors) {
    followed[descriptor] = (char)below;
    if (below) hook(faults_open, descriptor, path, 0, 0, flags, 0);
  }
  return descriptor;
}

static int mode_of(int flags, va_list arguments) {
  return flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, int) : 0;
}

int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  int mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_file(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  int mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_file(path, flags, mode);
}

int close(int descriptor) {
  if (is_followed(descriptor)) {
    hook(faults_close, descriptor, 0, 0, 0, 0, 0);
    followed[descriptor] = 0;
  }
  return (int)syscall(SYS_close, descriptor);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
  if (is_followed(descriptor) && refused(hook(faults_write, descriptor, 0, 0, bytes, (long)count, offset))) return -1;
  return syscall(SYS_pwrite64, descriptor, bytes, count, offset);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
  return pwrite64(descriptor, bytes, count, offset);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
  if (is_followed(descriptor)) {
    long offset = syscall(SYS_lseek, descriptor, 0, SEEK_CUR);
    if (refused(hook(faults_write, descriptor, 0, 0, bytes, (long)count, offset))) return -1;
  }
  return syscall(SYS_write, descriptor, bytes, count);
}

int ftruncate64(int descriptor, off64_t length) {
  if (is_followed(descriptor) && refused(hook(faults_truncate, descriptor, 0, 0, 0, length, 0))) return -1;
  return (int)syscall(SYS_ftruncate, descriptor, length);
}

int ftruncate(int descriptor, off_t length) { return ftruncate64(descriptor, length); }

// These return the error and do not set errno.
int posix_fallocate64(int descriptor, off64_t offset, off64_t length) {
  int error = is_followed(descriptor) ? hook(faults_allocate, descriptor, 0, 0, 0, (long)(offset + length), 0) : 0;
  if (error) return error;
  return syscall(SYS_fallocate, descriptor, 0, offset, length) ? errno : 0;
}

int posix_fallocate(int descriptor, off_t offset, off_t length) {
  return posix_fallocate64(descriptor, offset, length);
}

int fsync(int descriptor) {
  if (is_followed(descriptor) && refused(hook(faults_sync, descriptor, 0, 0, 0, 0, 0))) return -1;
  return (int)syscall(SYS_fsync, descriptor);
}

int fdatasync(int descriptor) {
  if (is_followed(descriptor) && refused(hook(faults_sync, descriptor, 0, 0, 0, 0, 0))) return -1;
  return (int)syscall(SYS_fdatasync, descriptor);
}

int rename(const char *from, const char *to) {
  if (is_below(from) && refused(hook(faults_rename, -1, from, to, 0, 0, 0))) return -1;
  return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlink(const char *path) {
  if (is_below(path) && refused(hook(faults_remove, -1, path, 0, 0, 0, 0))) return -1;
  return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}
