#include "CFuzz.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t computed(const struct rusage *usage) {
  return (uint64_t)usage->ru_utime.tv_sec + (uint64_t)usage->ru_stime.tv_sec;
}

void fuzz_allow(unsigned computing, unsigned waiting) {
  struct rusage usage;
  struct rlimit limit;
  getrusage(RUSAGE_SELF, &usage);
  getrlimit(RLIMIT_CPU, &limit);
  // Keep the hard limit, so that the soft limit can be raised for the next input.
  limit.rlim_cur = computed(&usage) + computing + 1;
  setrlimit(RLIMIT_CPU, &limit);
  alarm(waiting);
}

void fuzz_confine(uint64_t data) {
  struct rlimit none = {0, 0}, most = {data, data};
  setrlimit(RLIMIT_CORE, &none);
  setrlimit(RLIMIT_DATA, &most);
}

uint64_t fuzz_peak(void) {
  // The kernel counts resident pages per processor and sums them up approximately (since Linux 6.2), so that its maximum
  // can fall a little.
  static uint64_t peak;
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  uint64_t now = (uint64_t)usage.ru_maxrss << 10;
  if (now > peak) peak = now;
  return peak;
}

// The interface of `-sanitize-coverage=edge,inline-8bit-counters` (clang.llvm.org/docs/SanitizerCoverage.html).

static uint8_t *first, *end;

void __sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *stop) {
  // Every object file calls this with the bounds of the whole program's counters.
  first = start;
  end = stop;
}

void __sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop) {
  (void)start;
  (void)stop;
}

size_t fuzz_edges(void) { return (size_t)(end - first); }

size_t fuzz_take_edges(uint32_t *places, uint8_t *counts, size_t most) {
  size_t count = 0, size = fuzz_edges();
  for (size_t place = 0; place < size; place++) {
    // Most counters are 0: skip eight at a time.
    uint64_t eight;
    if (size - place >= 8 && (memcpy(&eight, first + place, 8), eight == 0)) {
      place += 7;
      continue;
    }
    if (first[place] == 0 || count == most) continue;
    places[count] = (uint32_t)place;
    counts[count++] = first[place];
  }
  if (size > 0) memset(first, 0, size);
  return count;
}
