// Kernel interfaces for the launcher.
#ifndef OPENSTARRY_CLINUX_LAUNCHER_H
#define OPENSTARRY_CLINUX_LAUNCHER_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "shim.h"

// wait4(2) needs another feature macro in Swift's view of the C library.
pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage);

// The user who owns the file of a listening socket; -1 with errno on failure.
static inline int openstarry_socket_owner(int socket, uid_t *owner) {
  struct sockaddr_un address;
  socklen_t length = sizeof address;
  struct stat status;
  memset(&address, 0, sizeof address);
  if (getsockname(socket, (struct sockaddr *)&address, &length) != 0) return -1;
  if (stat(address.sun_path, &status) != 0) return -1;
  *owner = status.st_uid;
  return 0;
}

// Descendants that lose their parent become our children (PR_SET_CHILD_SUBREAPER, prctl(2)).
static inline int openstarry_adopt_orphans(void) { return prctl(36, 1, 0, 0, 0); }

// Reaps one child that has ended; 0 when none has, -1 when there is none.
static inline pid_t openstarry_wait(int *status, struct rusage *usage) {
  pid_t pid;
  do pid = wait4(-1, status, WNOHANG, usage); while (pid < 0 && errno == EINTR);
  return pid;
}

// setrlimit(2) of RLIMIT_NPROC; wrapped because its first parameter's type differs between C libraries.
static inline int openstarry_limit_tasks(const struct rlimit *limit) { return setrlimit(RLIMIT_NPROC, limit); }

// RLIMIT_DATA of another process (prlimit64(2)); -1 with errno on failure.
static inline int openstarry_limit_data(pid_t pid, uint64_t bytes) {
  uint64_t limit[2] = {bytes, bytes};
  return (int)syscall(SYS_prlimit64, pid, RLIMIT_DATA, limit, (void *)0);
}

// The kernel kills this process when the thread that started it ends (PR_SET_PDEATHSIG, prctl(2)), also while it is
// stopped. A change of the user clears it.
static inline int openstarry_die_with_parent(void) { return prctl(1, SIGKILL, 0, 0, 0); }

// The same with a signal that the process can act on.
static inline int openstarry_signal_at_parents_end(int number) { return prctl(1, number, 0, 0, 0); }

// A non-blocking connection to a stream socket's path; -1 with errno on failure: ENOTSOCK for something else, EAGAIN when
// too many wait for it already.
static inline int openstarry_connect_path(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct stat status;
  if (strlen(path) >= sizeof address.sun_path) { errno = ENAMETOOLONG; return -1; }
  strcpy(address.sun_path, path);
  int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (connection < 0) return -1;
  if (connect(connection, (struct sockaddr *)&address, sizeof address) == 0) return connection;
  int error = errno;
  if (error == ECONNREFUSED && stat(path, &status) == 0 && !S_ISSOCK(status.st_mode)) error = ENOTSOCK;
  close(connection);
  errno = error;
  return -1;
}

// A stream socket that listens at a path, for any user who reaches the path; -1 with errno on failure.
static inline int openstarry_listen_path(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) { errno = ENAMETOOLONG; return -1; }
  strcpy(address.sun_path, path);
  unlink(path);
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0) return -1;
  if (bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0) return listener;
  int error = errno;
  close(listener);
  errno = error;
  return -1;
}

// A lock on an open file or folder (flock(2)), which ends with its descriptor; -1 with errno when somebody else has it.
static inline int openstarry_lock(int file) { return flock(file, LOCK_EX | LOCK_NB); }

static inline void openstarry_set_errno(int number) { errno = number; }

// 0 for a folder in which nobody but its owner may write; otherwise an errno, EPERM when others may.
static inline int openstarry_own_folder_error(const char *path) {
  struct stat status;
  if (stat(path, &status) != 0) return errno;
  if (!S_ISDIR(status.st_mode)) return ENOTDIR;
  return status.st_mode & (S_IWGRP | S_IWOTH) ? EPERM : 0;
}

// The entries of a folder whose names are positive numbers, at most `most`. Returns how many; -1 with errno on failure.
static inline int openstarry_numbers_in(const char *path, int32_t *numbers, int most) {
  DIR *entries = opendir(path);
  struct dirent *entry;
  int count = 0;
  if (entries == NULL) return -1;
  while (count < most && (entry = readdir(entries)) != NULL) {
    char *end;
    long number = strtol(entry->d_name, &end, 10);
    if (*end == 0 && number > 0 && number <= INT32_MAX) numbers[count++] = (int32_t)number;
  }
  closedir(entries);
  return count;
}

// The size in bytes of all that is below a folder, by its descriptor, which is closed: for each file its length or its
// room on the disk, whichever is more. UINT64_MAX for more than *left files or more than `depth` levels, or when a folder
// cannot be read. Follows no links. A file with several names counts for each.
static inline uint64_t openstarry_folder_size(int folder, int depth, int *left) {
  DIR *entries = depth > 0 ? fdopendir(folder) : NULL;
  struct dirent *entry;
  uint64_t sum = 0;
  if (entries == NULL) {
    close(folder);
    return UINT64_MAX;
  }
  while (sum != UINT64_MAX && (entry = readdir(entries)) != NULL) {
    const char *name = entry->d_name;
    struct stat status;
    uint64_t room, below = 0;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) continue;
    if (--*left < 0) {
      sum = UINT64_MAX;
      break;
    }
    // It may be gone by now. Where nothing else can be found out either, nothing can be counted.
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno != ENOENT) sum = UINT64_MAX;
      continue;
    }
    room = (uint64_t)status.st_blocks * 512;
    if ((status.st_mode & S_IFMT) == S_IFDIR) {
      int inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      // It may be gone by now, or something else.
      if (inner < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) continue;
      below = inner < 0 ? UINT64_MAX : openstarry_folder_size(inner, depth - 1, left);
    } else if (room < (uint64_t)status.st_size) {
      room = (uint64_t)status.st_size;
    }
    sum = below == UINT64_MAX ? UINT64_MAX : sum + room + below;
  }
  closedir(entries);
  return sum;
}

// environ(7), which <unistd.h> declares only with _GNU_SOURCE.
static inline char **openstarry_environment(void) {
  extern char **environ;
  return environ;
}
#endif
