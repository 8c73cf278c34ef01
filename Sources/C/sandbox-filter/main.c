// Writes the seccomp filter of agents to a file, as BPF of this machine's architecture: sandbox-filter FILE
// sandbox-filter FILE --network writes the one of agents that may connect to hosts: they also have TCP, for the proxy.
//
// It is a deny list, because interpreters need most calls. It backs up namespaces, absent capabilities and no_new_privs,
// and keeps calls that have a record of kernel bugs out of reach. Calls of other architectures (32 bit, x32) kill the
// process, because their numbers mean other calls.
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#if defined(__s390__)
#error "clone(2) has its flags in another argument on this architecture: adapt deny_namespaces"
#endif

struct denied {
  const char *name;
  // For calls that libseccomp 2.5.4 does not know; such new calls have the same number on all architectures
  // (asm-generic/unistd.h). 0 for others.
  int number;
};

static const struct denied denied[] = {
  // Mounts and roots.
  {"mount", 0}, {"umount", 0}, {"umount2", 0}, {"pivot_root", 0}, {"chroot", 0},
  {"open_tree", 428}, {"move_mount", 429}, {"fsopen", 430}, {"fsconfig", 431}, {"fsmount", 432}, {"fspick", 433},
  {"mount_setattr", 442}, {"open_tree_attr", 467}, {"statmount", 457}, {"listmount", 458},
  // Namespaces; clone(2) and clone3(2) follow below.
  {"unshare", 0}, {"setns", 0}, {"listns", 470},
  // Other processes. Agents have the same user as the launcher.
  {"ptrace", 0}, {"process_vm_readv", 0}, {"process_vm_writev", 0}, {"process_madvise", 440}, {"process_mrelease", 448},
  {"kcmp", 0}, {"pidfd_getfd", 438}, {"move_pages", 0}, {"migrate_pages", 0},
  // The kernel itself.
  {"bpf", 0}, {"perf_event_open", 0}, {"kexec_load", 0}, {"kexec_file_load", 0}, {"reboot", 0}, {"syslog", 0},
  {"init_module", 0}, {"finit_module", 0}, {"delete_module", 0}, {"create_module", 0}, {"query_module", 0},
  {"get_kernel_syms", 0}, {"_sysctl", 0}, {"swapon", 0}, {"swapoff", 0}, {"acct", 0}, {"quotactl", 0},
  {"quotactl_fd", 443}, {"nfsservctl", 0}, {"lookup_dcookie", 0}, {"vhangup", 0}, {"sysfs", 0}, {"ustat", 0},
  {"uselib", 0},
  // Makes bugs in the kernel exploitable by stopping it at a page fault.
  {"userfaultfd", 0},
  // Performs other calls where no filter sees them.
  {"io_uring_setup", 425}, {"io_uring_enter", 426}, {"io_uring_register", 427},
  // Keys belong to the user, which all agents share.
  {"keyctl", 0}, {"add_key", 0}, {"request_key", 0},
  // Files by their number on the device, past every mount; events of whole file systems.
  {"open_by_handle_at", 0}, {"name_to_handle_at", 0}, {"fanotify_init", 0}, {"fanotify_mark", 0},
  // Clocks and names.
  {"settimeofday", 0}, {"stime", 0}, {"clock_settime", 0}, {"clock_settime64", 404}, {"adjtimex", 0},
  {"clock_adjtime", 0}, {"clock_adjtime64", 405}, {"sethostname", 0}, {"setdomainname", 0},
  // Memory that outlives the process that made it, or that no account of a process shows.
  {"shmget", 0}, {"shmat", 0}, {"shmctl", 0}, {"semget", 0}, {"msgget", 0}, {"ipc", 0}, {"mq_open", 0},
  {"memfd_secret", 447},
  // Placement of memory on boards with several nodes.
  {"mbind", 0}, {"set_mempolicy", 0}, {"set_mempolicy_home_node", 450},
  // x86: ports, segments, 16-bit mode. Others: PCI.
  {"ioperm", 0}, {"iopl", 0}, {"modify_ldt", 0}, {"vm86", 0}, {"vm86old", 0}, {"pciconfig_read", 0},
  {"pciconfig_write", 0}, {"pciconfig_iobase", 0},
};

// The first failure; libseccomp returns negated error numbers.
static int failure;
static void note(int result) {
  if (failure == 0 && result < 0) failure = -result;
}

// The result of seccomp_syscall_resolve_name may be a negative pseudo number: a call of other architectures, for which
// libseccomp leaves out the rule.
static void deny(scmp_filter_ctx filter, const struct denied *call) {
  int number = seccomp_syscall_resolve_name(call->name);
  if (number == __NR_SCMP_ERROR && call->number == 0) {
    fprintf(stderr, "sandbox-filter: this libseccomp does not know %s; the filter allows it\n", call->name);
    return;
  }
  if (number == __NR_SCMP_ERROR) {
    fprintf(stderr, "sandbox-filter: this libseccomp does not know %s; the filter denies it by its number %d\n",
            call->name, call->number);
    number = call->number;
  }
  note(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0));
}

static void deny_namespaces(scmp_filter_ctx filter) {
  static const uint64_t flags[] = {CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                   CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET};
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
    note(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                          SCMP_A0(SCMP_CMP_MASKED_EQ, flags[i], flags[i])));
  // Its flags are in memory, which no filter sees. C libraries then use clone(2).
  note(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0));
}

// A rule can compare an argument once, so all other families are listed. The comparison is one of 64 bits although the
// kernel uses 32: the rule for large values also denies those with bits in the upper half.
static void deny_families(scmp_filter_ctx filter, int call, int has_network) {
  uint32_t answer = SCMP_ACT_ERRNO(EAFNOSUPPORT);
  for (uint64_t family = 0; family <= AF_INET6; family++) {
    int is_internet = family == AF_INET || family == AF_INET6;
    if (family != AF_UNIX && !(is_internet && has_network))
      note(seccomp_rule_add(filter, answer, call, 1, SCMP_A0(SCMP_CMP_EQ, family)));
  }
  note(seccomp_rule_add(filter, answer, call, 1, SCMP_A0(SCMP_CMP_GT, AF_INET6)));
}

// Of the Internet only TCP. The kind of a socket has four bits, and flags above them.
static void deny_kinds(scmp_filter_ctx filter) {
  static const uint64_t families[] = {AF_INET, AF_INET6};
  for (size_t i = 0; i < sizeof families / sizeof *families; i++)
    for (uint64_t kind = 0; kind < 16; kind++)
      if (kind != SOCK_STREAM)
        note(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 2,
                              SCMP_A0(SCMP_CMP_EQ, families[i]), SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, kind)));
  // SCTP, DCCP, L2TP, SMC, MPTCP are stream sockets, too.
  note(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPROTONOSUPPORT), SCMP_SYS(socket), 1,
                        SCMP_A2(SCMP_CMP_GT, IPPROTO_UDP)));
}

static void deny_sockets(scmp_filter_ctx filter, int has_network) {
  deny_families(filter, SCMP_SYS(socket), has_network);
  deny_families(filter, SCMP_SYS(socketpair), 0);
  note(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
                        SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_RAW)));
  if (has_network) deny_kinds(filter);
}

// Requests to a terminal that inject input, or load code into the kernel. The kernel uses 32 bits of the request.
static void deny_terminal_requests(scmp_filter_ctx filter) {
#ifndef TIOCLINUX
#define TIOCLINUX 0x541C
#endif
  static const uint64_t requests[] = {TIOCSTI, TIOCLINUX, TIOCSETD};
  for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
    note(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
                          SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, requests[i])));
}

// Allows only to ask for the current personality. ADDR_NO_RANDOMIZE serves debuggers, which cannot work here, and
// READ_IMPLIES_EXEC attackers.
static void deny_personality(scmp_filter_ctx filter) {
  note(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(personality), 1, SCMP_A0(SCMP_CMP_NE, 0xffffffff)));
}

// A part of a filter must not stay behind: it could load, and allow more. What is no ordinary file (a device, a pipe)
// belongs to others and stays.
static void remove_part(int file, const char *path) {
  struct stat status;
  if (fstat(file, &status) == 0 && S_ISREG(status.st_mode)) unlink(path);
}

static int write_filter(scmp_filter_ctx filter, const char *path) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) {
    fprintf(stderr, "sandbox-filter: cannot create %s: %s\n", path, strerror(errno));
    return EX_CANTCREAT;
  }
  int result = seccomp_export_bpf(filter, file);
  if (result == 0 && fsync(file) < 0 && errno != EINVAL) result = -errno;
  if (result < 0) {
    fprintf(stderr, "sandbox-filter: cannot write %s: %s\n", path, strerror(-result));
    remove_part(file, path);
  }
  close(file);
  return result < 0 ? EX_IOERR : EX_OK;
}

int main(int count, char **words) {
  int has_network = count == 3 && strcmp(words[2], "--network") == 0;
  if (count != 2 && !has_network) {
    fprintf(stderr, "usage: sandbox-filter FILE [--network]\n");
    return EX_USAGE;
  }
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  if (!filter) {
    fprintf(stderr, "sandbox-filter: libseccomp cannot start; is there enough memory?\n");
    return EX_OSERR;
  }
  note(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
  // Report the system's own error numbers, such as ENOSPC from the export.
  note(seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1));
  // A binary tree: 11 to 15 instructions for most calls, instead of a comparison for each denied one.
  note(seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2));
  for (size_t i = 0; i < sizeof denied / sizeof *denied; i++) deny(filter, &denied[i]);
  deny_namespaces(filter);
  deny_sockets(filter, has_network);
  deny_terminal_requests(filter);
  deny_personality(filter);
  if (failure != 0) {
    fprintf(stderr, "sandbox-filter: libseccomp refuses a rule: %s; no filter is written\n", strerror(failure));
    return EX_SOFTWARE;
  }
  int code = write_filter(filter, words[1]);
  seccomp_release(filter);
  return code;
}
