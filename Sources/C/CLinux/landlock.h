// Landlock (landlock(7)): a process takes rights from itself, for good. The numbers and structures are those of
// linux/landlock.h, which the headers of Debian 11 and 12 have only in part; the system calls have the same numbers on
// all architectures (asm-generic/unistd.h).
#ifndef OPENSTARRY_CLINUX_LANDLOCK_H
#define OPENSTARRY_CLINUX_LANDLOCK_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim.h"

// Rights to files, LANDLOCK_ACCESS_FS_ in the kernel, with the ABI that introduced them.
enum {
  OPENSTARRY_LANDLOCK_EXECUTE = 1 << 0,
  OPENSTARRY_LANDLOCK_WRITE_FILE = 1 << 1,
  OPENSTARRY_LANDLOCK_READ_FILE = 1 << 2,
  OPENSTARRY_LANDLOCK_READ_DIR = 1 << 3,
  OPENSTARRY_LANDLOCK_REMOVE_DIR = 1 << 4,
  OPENSTARRY_LANDLOCK_REMOVE_FILE = 1 << 5,
  OPENSTARRY_LANDLOCK_MAKE_CHAR = 1 << 6,
  OPENSTARRY_LANDLOCK_MAKE_DIR = 1 << 7,
  OPENSTARRY_LANDLOCK_MAKE_REG = 1 << 8,
  OPENSTARRY_LANDLOCK_MAKE_SOCK = 1 << 9,
  OPENSTARRY_LANDLOCK_MAKE_FIFO = 1 << 10,
  OPENSTARRY_LANDLOCK_MAKE_BLOCK = 1 << 11,
  OPENSTARRY_LANDLOCK_MAKE_SYM = 1 << 12,
  OPENSTARRY_LANDLOCK_REFER = 1 << 13,      // 2: links and renames between folders
  OPENSTARRY_LANDLOCK_TRUNCATE = 1 << 14,   // 3
  OPENSTARRY_LANDLOCK_IOCTL_DEV = 1 << 15,  // 5
};

// The sets that rules are made of.
enum {
  OPENSTARRY_LANDLOCK_READ = OPENSTARRY_LANDLOCK_READ_FILE | OPENSTARRY_LANDLOCK_READ_DIR,
  OPENSTARRY_LANDLOCK_RUN = OPENSTARRY_LANDLOCK_READ | OPENSTARRY_LANDLOCK_EXECUTE,
  // Existing files only, such as /dev/null.
  OPENSTARRY_LANDLOCK_READ_WRITE = OPENSTARRY_LANDLOCK_READ | OPENSTARRY_LANDLOCK_WRITE_FILE,
  // A folder of one's own: everything but executing files and making devices.
  OPENSTARRY_LANDLOCK_OWN = OPENSTARRY_LANDLOCK_READ_WRITE | OPENSTARRY_LANDLOCK_REMOVE_DIR |
    OPENSTARRY_LANDLOCK_REMOVE_FILE | OPENSTARRY_LANDLOCK_MAKE_DIR | OPENSTARRY_LANDLOCK_MAKE_REG |
    OPENSTARRY_LANDLOCK_MAKE_SOCK | OPENSTARRY_LANDLOCK_MAKE_FIFO | OPENSTARRY_LANDLOCK_MAKE_SYM |
    OPENSTARRY_LANDLOCK_REFER | OPENSTARRY_LANDLOCK_TRUNCATE,
};

// The kernel's ABI version, at least 1; -1 with ENOSYS (before Linux 5.13, or built without it) or EOPNOTSUPP (switched
// off at boot).
static inline int openstarry_landlock_abi(void) { return (int)syscall(444, NULL, 0, 1 /* CREATE_RULESET_VERSION */); }

// The rights to files that this ABI knows. The kernel refuses others.
static inline uint64_t openstarry_landlock_file_rights(int abi) {
  int count = abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13;
  return ((uint64_t)1 << count) - 1;
}

// A ruleset that takes every right that this ABI knows: to files, to bind and connect TCP ports (4), to connect to
// abstract sockets and signal processes outside (6). Returns its descriptor, close-on-exec; rules give rights back.
static inline int openstarry_landlock_create(int abi) {
  struct { uint64_t files, network, scoped; } attributes = {
    .files = openstarry_landlock_file_rights(abi), .network = abi >= 4 ? 3 : 0, .scoped = abi >= 6 ? 3 : 0};
  // Of the size that this ABI knows, like its rights.
  size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  return (int)syscall(444, &attributes, size, 0);
}

// Gives rights to a file, or to a folder and all below it. Rights that this ABI lacks, or that a file cannot have, are
// left out. A path that does not exist is no error.
static inline int openstarry_landlock_allow(int ruleset, int abi, const char *path, uint64_t rights) {
  struct { uint64_t allowed; int32_t parent; } __attribute__((packed)) rule = {
    .allowed = rights & openstarry_landlock_file_rights(abi)};
  struct stat status;
  rule.parent = open(path, OPENSTARRY_O_PATH | O_CLOEXEC);
  if (rule.parent < 0) return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
  int result = fstat(rule.parent, &status);
  if (result == 0 && !S_ISDIR(status.st_mode))
    rule.allowed &= OPENSTARRY_LANDLOCK_EXECUTE | OPENSTARRY_LANDLOCK_READ_FILE | OPENSTARRY_LANDLOCK_WRITE_FILE |
      OPENSTARRY_LANDLOCK_TRUNCATE | OPENSTARRY_LANDLOCK_IOCTL_DEV;
  // The kernel refuses an empty rule (ENOMSG).
  if (result == 0 && rule.allowed != 0) result = (int)syscall(445, ruleset, 1 /* RULE_PATH_BENEATH */, &rule, 0);
  int reason = errno;
  close(rule.parent);
  errno = reason;
  return result;
}

// Lets TCP connect to this port, of any address. Without ABI 4 TCP is not restricted, and there is nothing to do.
static inline int openstarry_landlock_allow_connect(int ruleset, int abi, uint16_t port) {
  struct { uint64_t allowed, port; } rule = {.allowed = 2 /* CONNECT_TCP */, .port = port};
  return abi < 4 ? 0 : (int)syscall(445, ruleset, 2 /* RULE_NET_PORT */, &rule, 0);
}

// Restricts the calling thread, and what it starts from now on, to the ruleset. Also sets no_new_privs, without which
// the kernel refuses.
static inline int openstarry_landlock_restrict(int ruleset) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return (int)syscall(446, ruleset, 0);
}
#endif
