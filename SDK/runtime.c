// The runtime of a module: memory, the mem* functions, random numbers, standard output. The linker drops unused parts.
#define OPENSTARRY_SWIFT
#include "openstarry.h"

extern unsigned char __heap_base;

// Memory.
//
// Block sizes are 16 times 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20 …: four size classes per doubling, so at most a
// fifth is wasted. Each class has a list of free blocks. Blocks are never merged: an agent's memory settles at the most
// blocks of each class that it has used at once. A block begins with a header of 8 bytes, 8 bytes before a multiple of 16,
// so that the memory after it has the alignment that C and Swift need.

enum { PAGE = 65536, CLASSES = 96, ALIGNED = 0xFFFF };

typedef struct header {
  uint32_t class;     // ALIGNED: the block begins `distance` bytes before this
  uint32_t distance;
} header;

typedef struct block {
  header head;
  struct block *next;
} block;

static block *spare[CLASSES];
static uintptr_t top, end;

// The size class of at least 1 unit of 16 bytes: one class each up to 8 units, then four per doubling.
static uint32_t class_of(uint32_t units) {
  if (units <= 8) return units - 1;
  uint32_t shift = 29 - (uint32_t)__builtin_clz(units - 1);
  return 4 * shift + ((units - 1) >> shift);
}

static uint32_t units_of(uint32_t class) {
  if (class < 8) return class + 1;
  uint32_t shift = class / 4 - 1;
  return (class % 4 + 5) << shift;
}

// The host reports this trap as `budget.memory`.
static _Noreturn void out_of_memory(void) { __builtin_trap(); }

void *malloc(size_t size) {
  if (size > 0x7FFFFF00) out_of_memory();
  uint32_t class = class_of((size + sizeof(header) + 15) / 16);
  block *found = spare[class];
  if (found) {
    spare[class] = found->next;
    return &found->next;
  }
  uint32_t bytes = units_of(class) * 16;
  if (!top) {
    top = (((uintptr_t)&__heap_base + 15) & ~(uintptr_t)15) + 8;
    end = (uintptr_t)__builtin_wasm_memory_size(0) * PAGE;
  }
  if (bytes > end - top) {
    uint32_t pages = (bytes - (end - top) + PAGE - 1) / PAGE;
    if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1) out_of_memory();
    end = (uintptr_t)__builtin_wasm_memory_size(0) * PAGE;
  }
  block *made = (block *)top;
  top += bytes;
  made->head.class = class;
  return &made->next;
}

void free(void *memory) {
  if (!memory) return;
  header *head = (header *)memory - 1;
  if (head->class == ALIGNED) head = (header *)((uintptr_t)head - head->distance);
  block *given = (block *)head;
  given->next = spare[head->class];
  spare[head->class] = given;
}

int posix_memalign(void **place, size_t alignment, size_t size) {
  if (alignment <= 16) {
    *place = malloc(size);
    return 0;
  }
  if (size > 0x7FFFFF00 - alignment) out_of_memory();
  uintptr_t start = (uintptr_t)malloc(size + alignment);
  uintptr_t aligned = (start + alignment - 1) & ~(uintptr_t)(alignment - 1);
  if (aligned != start) {
    header *head = (header *)aligned - 1;
    head->class = ALIGNED;
    head->distance = aligned - start;
  }
  *place = (void *)aligned;
  return 0;
}

// LLVM compiles these to the instructions memory.copy and memory.fill.

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
  return __builtin_memcpy(to, from, count);
}

void *memmove(void *to, const void *from, size_t count) { return __builtin_memmove(to, from, count); }

void *memset(void *at, int byte, size_t count) { return __builtin_memset(at, byte, count); }

static uint64_t word_at(const unsigned char *at) {
  uint64_t word;
  __builtin_memcpy(&word, at, sizeof word);
  return word;
}

// The next two work on eight bytes at a time, because fuel counts instructions.

int memcmp(const void *left, const void *right, size_t count) {
  const unsigned char *a = left, *b = right;
  for (; count >= 8 && word_at(a) == word_at(b); count -= 8, a += 8, b += 8) {}
  for (; count; count--, a++, b++) {
    if (*a != *b) return *a < *b ? -1 : 1;
  }
  return 0;
}

void *memchr(const void *at, int byte, size_t count) {
  const uint64_t ones = 0x0101010101010101;
  const unsigned char *bytes = at;
  for (; count >= 8; count -= 8, bytes += 8) {
    // A byte of `word` is zero where the byte is found.
    uint64_t word = word_at(bytes) ^ ones * (unsigned char)byte;
    if ((word - ones) & ~word & ones << 7) break;
  }
  for (; count; count--, bytes++) {
    if (*bytes == (unsigned char)byte) return (void *)bytes;
  }
  return 0;
}

size_t strlen(const char *text) {
  size_t length = 0;
  while (text[length]) length++;
  return length;
}

// The host allocates memory for results and events with it.
OPENSTARRY_EXPORT("cabi_realloc")
void *openstarry_realloc(void *old, size_t old_size, size_t alignment, size_t size) {
  void *made;
  posix_memalign(&made, alignment, size);
  if (old) {
    memcpy(made, old, old_size < size ? old_size : size);
    free(old);
  }
  return made;
}

// For Swift's hash seeds and random numbers.
void arc4random_buf(void *at, size_t count) {
  unsigned char *bytes = at;
  while (count) {
    uint64_t bits = openstarry_random();
    size_t part = count < sizeof bits ? count : sizeof bits;
    memcpy(bytes, &bits, part);
    bytes += part;
    count -= part;
  }
}

// For Swift's `print`: writes whole lines into the log.
int putchar(int character) {
  static char line[256];
  static size_t length;
  if (character != '\n') line[length++] = (char)character;
  if (character == '\n' || length == sizeof line) {
    openstarry_log(OPENSTARRY_INFO, line, length);
    length = 0;
  }
  return character;
}

openstarry_bytes openstarry_agent_id(void) {
  static const char name[] = "OPENSTARRY_AGENT_ID=";
  static openstarry_bytes id;
  size_t count = 0, bytes = 0;
  if (id.at || openstarry_environ_sizes_get(&count, &bytes) || !count) return id;
  char **variables = malloc(count * sizeof *variables), *text = malloc(bytes);
  if (!openstarry_environ_get(variables, text)) {
    for (size_t index = 0; index < count; index++) {
      if (memcmp(variables[index], name, sizeof name - 1)) continue;
      id.at = variables[index] + sizeof name - 1;
      id.length = strlen(id.at);
    }
  }
  free(variables);
  if (!id.at) free(text);
  return id;
}

// Constructors of C, and main.swift of Swift.
void __wasm_call_ctors(void);
__attribute__((weak)) int __main_argc_argv(int count, char **arguments);

OPENSTARRY_EXPORT("_initialize")
void openstarry_initialize(void) {
  __wasm_call_ctors();
  if (__main_argc_argv) __main_argc_argv(0, 0);
}
