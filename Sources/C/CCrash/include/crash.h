// The crash record: what the daemon was doing, in a mapped file that outlives the process. Written with plain stores
// from Swift, and by a signal handler, which is why this is C: Swift may not run there (signal-safety(7)).
#ifndef OPENSTARRY_CCRASH_H
#define OPENSTARRY_CCRASH_H

#include <stdint.h>

// Everything is in the machine's own byte order: only a program on the same machine reads it. Times are nanoseconds of
// CLOCK_MONOTONIC. Texts are cut to fit and end with a zero byte.
struct openstarry_crash_record {
  // Who wrote it. `sum` is the FNV-1a hash of these fields before it.
  uint64_t magic;
  char boot[40];
  uint64_t pid;
  uint64_t started;
  uint64_t sum;

  // How far the program has come, and which agent's code runs on the loop; phase 0 is none.
  uint32_t stage;
  uint32_t phase;
  uint64_t phase_began;
  uint64_t event_high;
  uint64_t event_low;
  char agent[72];
  char event[72];

  // The loop's last beat: when, the CPU time of its thread by then, and how long that waited for a CPU by then.
  uint64_t beat;
  uint64_t beat_cpu;
  uint64_t beat_delay;

  // Written by the signal handler; signal 0 is none.
  uint32_t signal;
  int32_t code;
  int32_t sender;
  int32_t on_loop;
  uint64_t address;
  uint64_t instruction;
  uint64_t object_base;
  uint64_t time;
  uint64_t cpu;
  char object[160];
  // The thread's /proc/thread-self/schedstat.
  char schedule[64];
};

// Catches SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT and SIGFPE on a stack of their own (sigaltstack(2)), notes them in
// `record`, and lets the default action end the process. Call it on the loop's thread; `record` must stay mapped.
// Returns 0, or -1 with errno.
int openstarry_crash_catch(struct openstarry_crash_record *record);

// Forgets the record; signals that come later are not noted.
void openstarry_crash_forget(void);

// The name of the function that holds `address` in this process, and where that begins; NULL where nothing is known.
// dladdr(3) is hidden without _GNU_SOURCE, which Swift's Glibc module must not see. The text is the loaded object's.
const char *openstarry_symbol(uint64_t address, uint64_t *begin);

#endif
