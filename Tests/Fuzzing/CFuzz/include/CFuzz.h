// What a fuzzer needs of the system and of the compiler: limits, and the edges that an instrumented build has taken.
#ifndef CFUZZ_H
#define CFUZZ_H

#include <stddef.h>
#include <stdint.h>

/// From now on the process may compute for so many more seconds (RLIMIT_CPU), and wait for so many (alarm(2)); then a
/// signal ends it.
void fuzz_allow(unsigned computing, unsigned waiting);

/// No core files, and no more than so many bytes of data (RLIMIT_DATA).
void fuzz_confine(uint64_t data);

/// The most memory that the process has had, in bytes (getrusage(2)).
uint64_t fuzz_peak(void);

/// Copies which counters of edges are not 0, at most `most` of them, and sets all to 0.
/// Returns how many; 0 in a build without `-sanitize-coverage`.
size_t fuzz_take_edges(uint32_t *_Nonnull places, uint8_t *_Nonnull counts, size_t most);

/// How many edges there are; 0 in a build without `-sanitize-coverage`.
size_t fuzz_edges(void);

#endif
