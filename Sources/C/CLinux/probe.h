// Kernel interfaces for the probes of `openstarry doctor`.
#ifndef OPENSTARRY_CLINUX_PROBE_H
#define OPENSTARRY_CLINUX_PROBE_H

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

// fork(2), which Swift's view of the C library does not offer. The probes have one thread.
static inline pid_t openstarry_fork(void) { return fork(); }

// Private memory (mmap(2)); NULL with errno when there is no more.
static inline unsigned char *openstarry_map_memory(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? NULL : (unsigned char *)memory;
}

// Ignores a signal; children inherit that.
static inline void openstarry_ignore_signal(int number) { signal(number, SIG_IGN); }

#endif
