// Kernel interfaces for the guardian and its clients: GPIO lines by descriptor (linux/gpio.h, version 2 of the
// character device), block writes over I2C, messages with several descriptors.
#ifndef OPENSTARRY_CLINUX_GUARDIAN_H
#define OPENSTARRY_CLINUX_GUARDIAN_H

#include <errno.h>
#include <linux/gpio.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "shim.h"

// For requests of one line, whose value is bit 0. All return -1 with errno on failure.
static inline int openstarry_line_set(int fd, bool active) {
  struct gpio_v2_line_values values = {.bits = active, .mask = 1};
  return ioctl(fd, GPIO_V2_LINE_SET_VALUES_IOCTL, &values);
}
static inline int openstarry_line_get(int fd) {
  struct gpio_v2_line_values values = {.bits = 0, .mask = 1};
  return ioctl(fd, GPIO_V2_LINE_GET_VALUES_IOCTL, &values) < 0 ? -1 : (int)(values.bits & 1);
}
static inline int openstarry_line_configure(int fd, uint64_t flags) {
  struct gpio_v2_line_config config;
  memset(&config, 0, sizeof config);
  config.flags = flags;
  return ioctl(fd, GPIO_V2_LINE_SET_CONFIG_IOCTL, &config);
}
// Configures the line as an output with the initial value `active`.
static inline int openstarry_line_configure_output(int fd, uint64_t flags, bool active) {
  struct gpio_v2_line_config config;
  memset(&config, 0, sizeof config);
  config.flags = flags;
  config.num_attrs = 1;
  config.attrs[0].attr.id = GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES;
  config.attrs[0].attr.values = active;
  config.attrs[0].mask = 1;
  return ioctl(fd, GPIO_V2_LINE_SET_CONFIG_IOCTL, &config);
}

// An SMBus block write; the first byte is the register. The kernel emulates it where the adapter lacks it.
static inline int openstarry_i2c_write_block(int fd, uint8_t address, const uint8_t *bytes, size_t count) {
  union i2c_smbus_data data;
  if (count < 2 || count - 1 > I2C_SMBUS_BLOCK_MAX) { errno = EINVAL; return -1; }
  if (ioctl(fd, I2C_SLAVE, (unsigned long)address) < 0) return -1;
  data.block[0] = (uint8_t)(count - 1);
  memcpy(data.block + 1, bytes + 1, count - 1);
  struct i2c_smbus_ioctl_data call = {.read_write = I2C_SMBUS_WRITE, .command = bytes[0],
                                      .size = I2C_SMBUS_I2C_BLOCK_DATA, .data = &data};
  return ioctl(fd, I2C_SMBUS, &call);
}

#define OPENSTARRY_MOST_DESCRIPTORS 4
// Sends a message with at most OPENSTARRY_MOST_DESCRIPTORS descriptors (unix(7), SCM_RIGHTS).
static inline ssize_t openstarry_send_message(int socket, const void *bytes, size_t count, const int *descriptors,
                                              size_t descriptor_count) {
  struct iovec iov = {.iov_base = (void *)bytes, .iov_len = count};
  union { char buffer[CMSG_SPACE(OPENSTARRY_MOST_DESCRIPTORS * sizeof(int))]; struct cmsghdr align; } control;
  struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
  if (descriptor_count > OPENSTARRY_MOST_DESCRIPTORS) { errno = EINVAL; return -1; }
  if (descriptor_count > 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = control.buffer;
    message.msg_controllen = CMSG_SPACE(descriptor_count * sizeof(int));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptor_count * sizeof(int));
    memcpy(CMSG_DATA(header), descriptors, descriptor_count * sizeof(int));
  }
  return sendmsg(socket, &message, MSG_NOSIGNAL);
}
// Receives a message. `descriptors` has room for OPENSTARRY_MOST_DESCRIPTORS; the caller owns those received, also
// after a failure. Fails with EMSGSIZE when the message or the descriptors were truncated.
static inline ssize_t openstarry_receive_message(int socket, void *bytes, size_t count, int *descriptors,
                                                 size_t *descriptor_count) {
  struct iovec iov = {.iov_base = bytes, .iov_len = count};
  union { char buffer[CMSG_SPACE(OPENSTARRY_MOST_DESCRIPTORS * sizeof(int))]; struct cmsghdr align; } control;
  struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1,
                           .msg_control = control.buffer, .msg_controllen = sizeof control.buffer};
  *descriptor_count = 0;
  ssize_t received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  if (received < 0) return received;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t room = OPENSTARRY_MOST_DESCRIPTORS - *descriptor_count;
    size_t there = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    if (there > room) there = room;
    memcpy(descriptors + *descriptor_count, CMSG_DATA(header), there * sizeof(int));
    *descriptor_count += there;
  }
  if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) { errno = EMSGSIZE; return -1; }
  return received;
}

// The length of the next packet, which stays unread; 0 at the end, -1 with errno on failure.
static inline ssize_t openstarry_next_length(int socket) {
  return recv(socket, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
}

// Seals the size of a memfd, which stays writable, so that processes that map it can rely on its size (linux/fcntl.h).
static inline int openstarry_seal_size(int fd) { return fcntl(fd, 1033 /* F_ADD_SEALS */, 0x7 /* SEAL | SHRINK | GROW */); }
// Whether the file is sealed against shrinking. An access to a mapping of a shrunk file would raise SIGBUS.
static inline bool openstarry_never_shrinks(int fd) {
  int seals = fcntl(fd, 1034 /* F_GET_SEALS */, 0);
  return seals >= 0 && (seals & 0x2 /* SHRINK */);
}

// A store that makes all earlier writes visible to a thread that reads the value with acquire.
static inline void openstarry_store_release(uint32_t *place, uint32_t value) {
  __atomic_store_n(place, value, __ATOMIC_RELEASE);
}
static inline uint32_t openstarry_load_acquire(const uint32_t *place) {
  return __atomic_load_n(place, __ATOMIC_ACQUIRE);
}
// Orders all earlier reads and writes before all later ones (acquire and release); only a compiler barrier on x86.
static inline void openstarry_fence(void) { __atomic_thread_fence(__ATOMIC_ACQ_REL); }

// mlockall(2): locks the pages in memory now, and others once they are touched. MCL_ONFAULT is 4 on all architectures
// of supported boards.
static inline int openstarry_lock_memory(void) { return mlockall(MCL_CURRENT | MCL_FUTURE | 4); }

// Wrapped because Embedded Swift has no Glibc module and cannot import macros.
static inline int openstarry_errno(void) { return errno; }
static inline int openstarry_signal_descriptor(const sigset_t *set) {
  return signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
}
// Accepts a connection; sends on it time out after one second.
static inline int openstarry_accept(int listener) {
  int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  struct timeval limit = {.tv_sec = 1};
  if (connection >= 0) setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  return connection;
}
// close_range(2), which glibc before 2.34 lacks; the number is the same on all architectures (asm-generic/unistd.h).
static inline void openstarry_close_from(int first) { syscall(436, (unsigned)first, ~0U, 0); }
// Maps a whole file, shared (mmap(2)); NULL on failure.
static inline void *openstarry_map_shared(int fd, size_t size, bool writable) {
  void *base = mmap(NULL, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
  return base == MAP_FAILED ? NULL : base;
}

// Runs the calling thread before all that are not real-time (sched(7)); -1 with errno if that is not permitted.
static inline int openstarry_run_first(void) {
  struct sched_param first = {.sched_priority = 1};
  return sched_setscheduler(0, SCHED_FIFO, &first);
}
#endif
