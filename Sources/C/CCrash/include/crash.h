// The crash record: the daemon's present activity, in a mapped file that outlives the process. Swift writes it with
// plain stores. A signal handler writes it too, and is in C because Swift may not run there (signal-safety(7)).
#ifndef OPENSTARRY_CCRASH_H
#define OPENSTARRY_CCRASH_H

#include <stdint.h>

// All values are in native byte order, as only programs on the same machine read them. Times are nanoseconds of
// CLOCK_MONOTONIC. Texts are cut to fit and end with a zero byte.
struct openstarry_crash_record {
  // The run that wrote the record. `sum` is the FNV-1a hash of the fields before it.
  uint64_t magic;
  char boot[40];
  uint64_t pid;
  uint64_t started;
  uint64_t sum;

  // The stage of the run, and the agent whose code runs on the loop; phase 0 is none.
  uint32_t stage;
  uint32_t phase;
  uint64_t phase_began;
  uint64_t event_high;
  uint64_t event_low;
  char agent[72];
  char event[72];

  // The loop's last beat: its time, the CPU time of the thread until then, and the thread's wait for a CPU until then.
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

// Handles SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT and SIGFPE on an alternate stack (sigaltstack(2)), writes them to
// `record`, and lets the default action end the process. Call it on the loop's thread; `record` must stay mapped.
// Returns 0, or -1 with errno.
int openstarry_crash_catch(struct openstarry_crash_record *record);

// Forgets the record; later signals are not recorded.
void openstarry_crash_forget(void);

// The name of the function that contains `address` in this process, and in `*begin` its start; NULL if unknown. The
// loaded object owns the text. Wrapped because dladdr(3) needs _GNU_SOURCE, which Swift's Glibc module must not see.
const char *openstarry_symbol(uint64_t address, uint64_t *begin);

#endif
