// Wrappers of ptrace(2), which is variadic and cannot be imported, and access to a stopped thread's program counter.
#ifndef OPENSTARRY_CTRACE_H
#define OPENSTARRY_CTRACE_H

#include <elf.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

// New threads of a traced thread are traced too.
static inline long openstarry_trace_seize(int thread) {
  return ptrace(PTRACE_SEIZE, thread, 0, (void *)(uintptr_t)PTRACE_O_TRACECLONE);
}
static inline long openstarry_trace_interrupt(int thread) { return ptrace(PTRACE_INTERRUPT, thread, 0, 0); }
static inline long openstarry_trace_continue(int thread, int signal) {
  return ptrace(PTRACE_CONT, thread, 0, (void *)(uintptr_t)signal);
}
static inline long openstarry_trace_detach(int thread) { return ptrace(PTRACE_DETACH, thread, 0, 0); }

#if defined(__x86_64__)
#define OPENSTARRY_BREAKPOINT_SIZE 1
static const uint8_t openstarry_breakpoint[1] = {0xCC}; // INT3
#else
#define OPENSTARRY_BREAKPOINT_SIZE 4
static const uint8_t openstarry_breakpoint[4] = {0x00, 0x00, 0x20, 0xD4}; // BRK #0
#endif

// Returns the address of the breakpoint at which a thread has stopped, and makes the thread continue there. Returns 0
// if its registers cannot be read or written.
static inline uint64_t openstarry_trace_rewind(int thread) {
#if defined(__x86_64__)
  struct user_regs_struct registers;
#else
  struct user_pt_regs registers;
#endif
  struct iovec place = {.iov_base = &registers, .iov_len = sizeof registers};
  if (ptrace(PTRACE_GETREGSET, thread, (void *)NT_PRSTATUS, &place) < 0) return 0;
#if defined(__x86_64__)
  registers.rip -= 1;
  if (ptrace(PTRACE_SETREGSET, thread, (void *)NT_PRSTATUS, &place) < 0) return 0;
  return registers.rip;
#else
  return registers.pc;
#endif
}

#endif
