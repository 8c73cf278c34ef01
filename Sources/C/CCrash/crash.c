#define _GNU_SOURCE
#include "crash.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

// `note` and the functions that it calls use only async-signal-safe calls (signal-safety(7)).

static struct openstarry_crash_record *volatile record;
static pid_t loop_thread;
static int is_noted;
static char stack[32 << 10] __attribute__((aligned(16)));

static uint64_t nanoseconds(clockid_t clock) {
  struct timespec time = {0, 0};
  clock_gettime(clock, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static uint64_t instruction(const ucontext_t *context) {
#if defined(__x86_64__)
  return (uint64_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
  return context->uc_mcontext.pc;
#elif defined(__arm__)
  return context->uc_mcontext.arm_pc;
#elif defined(__riscv)
  return context->uc_mcontext.__gregs[REG_PC];
#else
  (void)context;
  return 0;
#endif
}

// Parses a hexadecimal number and skips the one byte after it.
static const char *number(const char *text, const char *end, uint64_t *value) {
  *value = 0;
  for (; text < end; text++) {
    char c = *text;
    int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return text + 1;
    *value = *value << 4 | (uint64_t)digit;
  }
  return end;
}

// Parses a line of /proc/self/maps (proc_pid_maps(5)): `start-end perms offset dev inode path`.
// Returns 1 when the mapping contains the instruction, else 0.
static int look(struct openstarry_crash_record *into, const char *text, const char *end, uint64_t *base) {
  uint64_t start, stop, offset;
  text = number(text, end, &start);
  text = number(text, end, &stop);
  text = text + 5 < end ? text + 5 : end;
  text = number(text, end, &offset);
  // This is the object's first mapping, from which addresses in the object are counted.
  if (offset == 0) *base = start;
  if (into->instruction < start || into->instruction >= stop) return 0;
  while (text < end && *text != '/' && *text != '[') text++;
  size_t length = 0;
  for (; text < end && length + 1 < sizeof into->object; text++) into->object[length++] = *text;
  into->object[length] = 0;
  into->object_base = *base;
  return 1;
}

// Finds the object file that contains the instruction.
static void find_object(struct openstarry_crash_record *into) {
  static char buffer[4096];
  size_t kept = 0;
  uint64_t base = 0;
  int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  for (;;) {
    ssize_t count = read(file, buffer + kept, sizeof buffer - kept);
    if (count <= 0) break;
    char *end = buffer + kept + count, *line = buffer;
    for (char *c = buffer; c < end; c++) {
      if (*c != '\n') continue;
      if (look(into, line, c, &base)) { close(file); return; }
      line = c + 1;
    }
    kept = (size_t)(end - line);
    // Skip a line that is longer than the buffer.
    if (kept == sizeof buffer) kept = 0;
    for (size_t index = 0; index < kept; index++) buffer[index] = line[index];
  }
  close(file);
}

static void find_schedule(struct openstarry_crash_record *into) {
  int file = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  ssize_t count = read(file, into->schedule, sizeof into->schedule - 1);
  into->schedule[count > 0 ? count : 0] = 0;
  close(file);
}

static void note(int number, siginfo_t *information, void *context) {
  int error = errno;
  struct openstarry_crash_record *into = record;
  if (into && !__atomic_exchange_n(&is_noted, 1, __ATOMIC_SEQ_CST)) {
    into->time = nanoseconds(CLOCK_MONOTONIC);
    into->cpu = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
    into->on_loop = (pid_t)syscall(SYS_gettid) == loop_thread;
    into->code = information->si_code;
    // Sender and address share a union: positive codes come from the kernel and have an address (sigaction(2)).
    into->sender = information->si_code <= 0 ? information->si_pid : 0;
    into->address = information->si_code > 0 ? (uint64_t)(uintptr_t)information->si_addr : 0;
    into->instruction = instruction(context);
    // The signal is recorded from here on, even if the rest fails.
    into->signal = (uint32_t)number;
    find_schedule(into);
    find_object(into);
  }
  // Restore the default action, also when another handler called this one, such as the WebAssembly engine's. The raised
  // signal is blocked until this handler returns.
  struct sigaction standard = {.sa_handler = SIG_DFL};
  sigemptyset(&standard.sa_mask);
  sigaction(number, &standard, NULL);
  errno = error;
  raise(number);
}

int openstarry_crash_catch(struct openstarry_crash_record *into) {
  static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE};
  stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
  record = into;
  is_noted = 0;
  loop_thread = (pid_t)syscall(SYS_gettid);
  if (sigaltstack(&alternative, NULL) < 0) return -1;
  for (size_t index = 0; index < sizeof signals / sizeof *signals; index++) {
    struct sigaction action = {.sa_flags = (int)(SA_SIGINFO | SA_ONSTACK)};
    action.sa_sigaction = note;
    sigemptyset(&action.sa_mask);
    if (sigaction(signals[index], &action, NULL) < 0) return -1;
  }
  return 0;
}

void openstarry_crash_forget(void) { record = NULL; }

const char *openstarry_symbol(uint64_t address, uint64_t *begin) {
  Dl_info information;
  if (!dladdr((void *)(uintptr_t)address, &information) || !information.dli_sname) return NULL;
  *begin = (uint64_t)(uintptr_t)information.dli_saddr;
  return information.dli_sname;
}
