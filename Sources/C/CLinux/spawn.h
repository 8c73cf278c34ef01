// Starts programs. Between vfork(2) and execve(2) the child shares our memory, so it makes only calls that are safe
// there.
#ifndef OPENSTARRY_SPAWN_H
#define OPENSTARRY_SPAWN_H

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

// The resources of setrlimit(2) as ints, as their type differs between C libraries.
static const int OPENSTARRY_RLIMIT_AS = RLIMIT_AS, OPENSTARRY_RLIMIT_DATA = RLIMIT_DATA,
                 OPENSTARRY_RLIMIT_CORE = RLIMIT_CORE, OPENSTARRY_RLIMIT_FSIZE = RLIMIT_FSIZE,
                 OPENSTARRY_RLIMIT_NOFILE = RLIMIT_NOFILE, OPENSTARRY_RLIMIT_NPROC = RLIMIT_NPROC;

struct openstarry_spawn {
  const char *program;
  char *const *words, *const *environment;
  // The working directory; NULL for ours.
  const char *folder;
  // Become 0, 1, 2 and so on in the program; -1 inherits ours. Each must be at least its target number, so that dup2(2)
  // overwrites none that is still needed.
  const int *descriptors;
  int descriptor_count;
  // Whether the program gets no others, whatever has opened them.
  int only_these;
  const int *limit_kinds;
  const uint64_t *limits;
  int limit_count;
  // Bit n resets signal n + 1 to its default action.
  uint64_t default_signals;
  int own_session;
  // The open file cgroup.procs of the control group that the program starts in; -1 for ours.
  int group;
};

// Prepares the child; call it only there. Returns 0, or -1 with errno.
static inline int openstarry_prepare(const struct openstarry_spawn *plan, const sigset_t *none) {
  for (int number = 1; number < 65; number++) {
    struct sigaction action;
    if (sigaction(number, 0, &action) != 0) continue;
    // Our handlers must not run in the child once signals are unblocked.
    int is_ours = action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
    if (!is_ours && !(plan->default_signals >> (number - 1) & 1)) continue;
    action.sa_handler = SIG_DFL;
    action.sa_flags = 0;
    if (sigaction(number, &action, 0) != 0) return -1;
  }
  if (plan->own_session && setsid() < 0) return -1;
  if (plan->group >= 0 && write(plan->group, "0", 1) != 1) return -1;
  for (int place = 0; place < plan->descriptor_count; place++)
    if (plan->descriptors[place] >= 0 && dup2(plan->descriptors[place], place) < 0) return -1;
  // Libraries have descriptors of their own, not all of them close-on-exec. An earlier kernel than 5.11 has no flag for
  // this; there only ours are closed. CLOSE_RANGE_CLOEXEC, close_range(2): the plan may need some of them until execve(2).
  if (plan->only_these) syscall(436, (unsigned)(plan->descriptor_count < 3 ? 3 : plan->descriptor_count), ~0U, 4U);
  if (plan->folder && chdir(plan->folder) != 0) return -1;
  for (int index = 0; index < plan->limit_count; index++) {
    struct rlimit limit = {plan->limits[index], plan->limits[index]};
    if (setrlimit((__rlimit_resource_t)plan->limit_kinds[index], &limit) != 0) return -1;
  }
  return sigprocmask(SIG_SETMASK, none, 0);
}

// Returns the process id; -1 with errno when the preparation or execve(2) failed, and then no child is left.
static __attribute__((noinline, unused)) pid_t openstarry_spawn(const struct openstarry_spawn *plan) {
  volatile int error = 0;
  sigset_t all, none, before;
  sigfillset(&all);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &all, &before);
  pid_t child = vfork();
  if (child == 0) {
    if (openstarry_prepare(plan, &none) == 0) execve(plan->program, plan->words, plan->environment);
    error = errno;
    _exit(127);
  }
  int reason = child < 0 ? errno : error;
  if (child > 0 && reason != 0) while (waitpid(child, 0, 0) < 0 && errno == EINTR) {}
  sigprocmask(SIG_SETMASK, &before, 0);
  errno = reason;
  return reason == 0 ? child : -1;
}

#endif
