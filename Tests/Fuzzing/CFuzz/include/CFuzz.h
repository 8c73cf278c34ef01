// The fuzzer's interface to the system and the compiler: resource limits, and coverage of an instrumented build.
#ifndef CFUZZ_H
#define CFUZZ_H

#include <stddef.h>
#include <stdint.h>

/// Limits the process from now on to `computing` seconds of CPU time (RLIMIT_CPU) and to `waiting` seconds of elapsed
/// time (alarm(2)). A signal ends it when a limit is exceeded.
void fuzz_allow(unsigned computing, unsigned waiting);

/// Disables core files and limits the data segment to `data` bytes (RLIMIT_DATA).
void fuzz_confine(uint64_t data);

/// The peak resident memory of the process, in bytes (getrusage(2)).
uint64_t fuzz_peak(void);

/// Copies the edge counters that are not 0, at most `most` of them, and resets all counters.
/// Returns the number of copied counters; 0 in a build without `-sanitize-coverage`.
size_t fuzz_take_edges(uint32_t *_Nonnull places, uint8_t *_Nonnull counts, size_t most);

/// The number of edges; 0 in a build without `-sanitize-coverage`.
size_t fuzz_edges(void);

#endif
