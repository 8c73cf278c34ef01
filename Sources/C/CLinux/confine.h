// A process that only computes: it reads and writes the descriptors that it has, and nothing else.
#ifndef OPENSTARRY_CONFINE_H
#define OPENSTARRY_CONFINE_H
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

// Takes all system calls from this process but those that computing, reading, writing and ending need (seccomp(2)); others
// fail with EPERM. Also sets no_new_privs. All calls of another architecture, whose numbers mean other calls, fail.
static inline int openstarry_confine_to_computing(void) {
#if defined(__x86_64__)
#define OPENSTARRY_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OPENSTARRY_ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define OPENSTARRY_ARCHITECTURE AUDIT_ARCH_RISCV64
#elif defined(__arm__)
#define OPENSTARRY_ARCHITECTURE AUDIT_ARCH_ARM
#else
#error "name the architecture of linux/audit.h"
#endif
#define OPENSTARRY_ALLOW(name) \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
  struct sock_filter program[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OPENSTARRY_ARCHITECTURE, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    OPENSTARRY_ALLOW(read), OPENSTARRY_ALLOW(write), OPENSTARRY_ALLOW(lseek), OPENSTARRY_ALLOW(close),
    OPENSTARRY_ALLOW(fstat), OPENSTARRY_ALLOW(mmap), OPENSTARRY_ALLOW(munmap), OPENSTARRY_ALLOW(mremap),
    OPENSTARRY_ALLOW(mprotect), OPENSTARRY_ALLOW(madvise), OPENSTARRY_ALLOW(brk), OPENSTARRY_ALLOW(futex),
    OPENSTARRY_ALLOW(getrandom), OPENSTARRY_ALLOW(clock_gettime), OPENSTARRY_ALLOW(rt_sigreturn),
    OPENSTARRY_ALLOW(rt_sigprocmask), OPENSTARRY_ALLOW(exit), OPENSTARRY_ALLOW(exit_group),
#ifdef SYS_newfstatat // fstat(3) of some C libraries
    OPENSTARRY_ALLOW(newfstatat),
#endif
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
  };
  struct sock_fprog filter = {.len = sizeof program / sizeof program[0], .filter = program};
#undef OPENSTARRY_ALLOW
#undef OPENSTARRY_ARCHITECTURE
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}
#endif
