// Linux interfaces that Swift's Glibc module leaves out, and variadic or macro-only ones it cannot import.
#ifndef OPENSTARRY_CLINUX_H
#define OPENSTARRY_CLINUX_H

// _GNU_SOURCE would make types differ from Swift's Glibc module, so functions that need it are declared here.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int accept4(int socket, struct sockaddr *address, socklen_t *length, int flags);
int pipe2(int descriptors[2], int flags);
int pthread_setname_np(pthread_t thread, const char *name);

// open(2) and fcntl(2) are variadic.
static inline int openstarry_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }
// O_PATH of <asm-generic/fcntl.h>; <fcntl.h> defines it only with _GNU_SOURCE.
enum { OPENSTARRY_O_PATH = 010000000 };

// openat2(2), which C libraries do not wrap: opens a path below `dir` that neither `..`, a symbolic link nor a mount
// can lead out of it.
static inline int openstarry_create_beneath(int dir, const char *path, int flags, mode_t mode) {
  struct { uint64_t flags, mode, resolve; } how = {
    .flags = (uint64_t)flags, .mode = mode,
    .resolve = 0x01 | 0x02 | 0x04 | 0x08 /* NO_XDEV, NO_MAGICLINKS, NO_SYMLINKS, BENEATH */};
  return (int)syscall(437, dir, path, &how, sizeof how);
}
static inline int openstarry_open_beneath(int dir, const char *path, int flags) {
  return openstarry_create_beneath(dir, path, flags, 0);
}
static inline int openstarry_openat(int dir, const char *path, int flags, mode_t mode) {
  return openat(dir, path, flags, mode);
}
static inline int openstarry_fcntl(int fd, int command, int value) { return fcntl(fd, command, value); }

// ioctl(2) is variadic.
static inline int openstarry_ioctl(int fd, unsigned long request, void *argument) {
  return ioctl(fd, request, argument);
}

// Requests to the hardware watchdog (linux/watchdog.h); _IOWR and _IOR do not import.
static inline int openstarry_watchdog_set_timeout(int fd, int *seconds) {
  return ioctl(fd, _IOWR('W', 6, int), seconds);
}
static inline int openstarry_watchdog_get_timeout(int fd, int *seconds) {
  return ioctl(fd, _IOR('W', 7, int), seconds);
}
static inline int openstarry_watchdog_boot_status(int fd, int *flags) { return ioctl(fd, _IOR('W', 2, int), flags); }

// pidfd_open(2), which glibc before 2.36 lacks; the number is the same on all architectures (asm-generic/unistd.h).
static inline int openstarry_pidfd_open(pid_t pid) { return (int)syscall(434, pid, 0); }
// pidfd_send_signal(2), Linux 5.1; likewise.
static inline int openstarry_pidfd_signal(int process, int signal) {
  return (int)syscall(424, process, signal, NULL, 0);
}

// epoll_event has a union, and is packed only on x86-64.
static inline struct epoll_event openstarry_epoll_event(uint32_t events, uint64_t token) {
  struct epoll_event event = {.events = events, .data = {.u64 = token}};
  return event;
}
static inline uint64_t openstarry_epoll_token(const struct epoll_event *event) { return event->data.u64; }
static inline uint32_t openstarry_epoll_events(const struct epoll_event *event) { return event->events; }

// WIFEXITED and the like are macros. The code is -1 and the signal 0 if the process ended the other way.
static inline int openstarry_exit_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }
static inline int openstarry_exit_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }

// sendmsg(2) and recvmsg(2) with one descriptor; wrapped because the CMSG_ macros do not import.
static inline ssize_t openstarry_send_descriptor(int socket, const void *bytes, size_t count, int descriptor) {
  struct iovec iov = {.iov_base = (void *)bytes, .iov_len = count};
  union { char buffer[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control = {0};
  struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1,
                           .msg_control = control.buffer, .msg_controllen = sizeof control.buffer};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  *(int *)(void *)CMSG_DATA(header) = descriptor;
  return sendmsg(socket, &message, MSG_NOSIGNAL);
}
// `*descriptor` is -1 when the message has none; otherwise the caller owns it.
static inline ssize_t openstarry_receive_descriptor(int socket, void *bytes, size_t count, int *descriptor) {
  struct iovec iov = {.iov_base = bytes, .iov_len = count};
  union { char buffer[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control = {0};
  struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1,
                           .msg_control = control.buffer, .msg_controllen = sizeof control.buffer};
  *descriptor = -1;
  ssize_t received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  if (received < 0) return received;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
      *descriptor = *(int *)(void *)CMSG_DATA(header);
    }
  }
  return received;
}

// The kernel's struct ucred (unix(7)), for SO_PEERCRED.
struct openstarry_peer { pid_t pid; uid_t uid; gid_t gid; };
static inline int openstarry_peer_of(int socket, struct openstarry_peer *peer) {
  socklen_t length = sizeof *peer;
  return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, peer, &length);
}

// memfd_create(2) and its seals need _GNU_SOURCE; the numbers are those of linux/memfd.h and linux/fcntl.h.
static inline int openstarry_memfd_create(const char *name) {
  return (int)syscall(SYS_memfd_create, name, 0x0003U /* MFD_CLOEXEC | MFD_ALLOW_SEALING */);
}
static inline int openstarry_seal(int fd) {
  return fcntl(fd, 1033 /* F_ADD_SEALS */, 0xF /* SEAL | SHRINK | GROW | WRITE */);
}
#endif
