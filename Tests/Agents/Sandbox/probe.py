#!/usr/bin/env python3
"""Runs as an agent inside the sandbox and tries what must be impossible there.

Prints a line for each attempt: `held NAME`, `BROKEN NAME: detail`, or `open NAME: reason` for what this kernel or this
test cannot decide. Exits with code 1 if anything is broken, 64 if it is not in a sandbox: as root outside, the attempts
would succeed and do harm.
"""
import argparse
import ctypes
import errno
import mmap
import os
import platform
import shutil
import signal
import socket
import stat
import subprocess
import sys

USER = 65534
TMP_BYTES = 16 << 20
ENVIRONMENT = {"OPENSTARRY_AGENT_ID", "OPENSTARRY_HOME", "PATH", "HOME", "LANG", "PWD"}
DEVICES = {"null", "zero", "full", "random", "urandom"}
REFUSED = {errno.EPERM, errno.EACCES, errno.EROFS, errno.ENOSYS}
# An open for writing that did not reach the file: refused, absent, a folder, or a file without a write operation.
NOT_WRITABLE = REFUSED | {errno.ENOENT, errno.EISDIR, errno.ENXIO, errno.ENODEV, errno.ESRCH, errno.ELOOP, errno.EIO,
                          errno.ENOTDIR}

# The answer where bubblewrap's --disable-userns, and not the filter, refuses.
NO_MORE_NAMESPACES = {errno.ENOSPC}

# Numbers of system calls: x86_64 (unistd_64.h), aarch64 (asm-generic/unistd.h). None: the architecture lacks the call.
NUMBERS = {
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "unshare": (272, 97),
    "setns": (308, 268), "clone": (56, 220), "clone3": (435, 435), "open_tree": (428, 428), "move_mount": (429, 429),
    "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "statmount": (457, 457), "listmount": (458, 458), "open_tree_attr": (467, 467),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "process_mrelease": (448, 448), "kcmp": (312, 272), "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438), "move_pages": (279, 239), "migrate_pages": (256, 238), "bpf": (321, 280),
    "perf_event_open": (298, 241), "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "syslog": (103, 116), "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    "nfsservctl": (180, 42), "lookup_dcookie": (212, 18), "vhangup": (153, 58), "sysfs": (139, None),
    "ustat": (136, None), "uselib": (134, None), "_sysctl": (156, None), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "keyctl": (250, 219),
    "add_key": (248, 217), "request_key": (249, 218), "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264), "fanotify_init": (300, 262), "fanotify_mark": (301, 263),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    "sethostname": (170, 161), "setdomainname": (171, 162), "shmget": (29, 194), "semget": (64, 190),
    "msgget": (68, 186), "mq_open": (240, 180), "memfd_secret": (447, 447), "mbind": (237, 235),
    "set_mempolicy": (238, 237), "set_mempolicy_home_node": (450, 450), "ioperm": (173, None), "iopl": (172, None),
    "modify_ldt": (154, None), "personality": (135, 92), "ioctl": (16, 29), "socket": (41, 198), "socketpair": (53, 199), "capset": (126, 91),
    "prctl": (157, 167), "landlock_create_ruleset": (444, 444), "mknodat": (259, 33),
}
COLUMN = {"x86_64": 0, "aarch64": 1}.get(platform.machine())

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def call(name, *arguments):
    """The error number of a system call, 0 if it succeeded, None if the architecture has no such call."""
    number = NUMBERS[name][COLUMN]
    if number is None:
        return None
    words = [word if isinstance(word, (bytes, ctypes.Array)) or word is None else ctypes.c_ulong(word & 2**64 - 1)
             for word in arguments]
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *words)
    return 0 if result >= 0 else ctypes.get_errno()


broken = 0


def held(name):
    print(f"held {name}", flush=True)


def fail(name, detail):
    global broken
    broken += 1
    print(f"BROKEN {name}: {detail}", flush=True)


def undecided(name, reason):
    print(f"open {name}: {reason}", flush=True)


def judge(name, number, allowed=REFUSED):
    """A call that must fail with one of these errors. Any other means that the call was allowed to look further."""
    if number is None:
        undecided(name, "this architecture has no such call")
    elif number in allowed:
        held(name)
    else:
        fail(name, "it succeeded" if number == 0 else f"it failed only with {errno.errorcode.get(number, number)}")


def attempt(name, action, allowed=REFUSED):
    """An action that must raise OSError with one of these error numbers."""
    try:
        action()
    except OSError as error:
        judge(name, error.errno, allowed)
    else:
        fail(name, "it succeeded")


def expect(name, is_so, detail):
    held(name) if is_so else fail(name, detail)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def status():
    lines = read("/proc/self/status").decode().splitlines()
    return {line.split(":", 1)[0]: line.split(":", 1)[1].strip() for line in lines}


def landlock():
    """The kernel's ABI version of Landlock, 0 without."""
    number = NUMBERS["landlock_create_ruleset"][COLUMN]
    return max(0, libc.syscall(ctypes.c_long(number), None, ctypes.c_ulong(0), ctypes.c_ulong(1)))


def in_child(action):
    """Runs it in a child and returns the wait status as subprocess does: negative for a signal."""
    child = os.fork()
    if child == 0:
        try:
            action()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


# Files


def open_for_writing(path):
    os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC))


def same_mode(path):
    """A change without effect: even where the sandbox is broken, the probe must not damage the machine."""
    os.chmod(path, stat.S_IMODE(os.stat(path).st_mode))


def files_below(folder, skip):
    for parent, folders, files in os.walk(folder, onerror=None, followlinks=False):
        folders[:] = [name for name in folders if not skip(os.path.join(parent, name))]
        for name in files:
            path = os.path.join(parent, name)
            if not skip(path):
                yield path


def no_file_opens(name, folder, skip=lambda path: False, least=0):
    opened, count = [], 0
    for path in files_below(folder, skip):
        count += 1
        try:
            open_for_writing(path)
            opened.append(path)
        except OSError as error:
            if error.errno not in NOT_WRITABLE | {errno.EBUSY, errno.EINVAL}:
                opened.append(f"{path} ({errno.errorcode[error.errno]})")
    if opened:
        fail(name, f"{len(opened)} of {count} files opened for writing, such as {', '.join(opened[:3])}")
    elif count < least:
        undecided(name, f"only {count} files are there")
    else:
        held(name)


def is_process(path):
    return os.path.basename(path).isdigit() or os.path.basename(path) in ("self", "thread-self")


def probe_proc():
    no_file_opens("proc-sys-writing", "/proc/sys", least=100)
    no_file_opens("proc-writing", "/proc", lambda path: is_process(path) or path == "/proc/sys", least=10)
    no_file_opens("proc-init-writing", "/proc/1", lambda path: os.path.basename(path) in ("fd", "task", "map_files"))
    no_file_opens("proc-self-writing", f"/proc/{os.getpid()}",
                  lambda path: os.path.basename(path) in ("fd", "task", "map_files"))
    for path in ("sys/kernel/core_pattern", "sys/kernel/modprobe", "sys/vm/drop_caches", "sys/user/max_user_namespaces",
                 "sysrq-trigger", f"{os.getpid()}/oom_score_adj", "1/oom_score_adj", "1/mem", "1/attr/current"):
        attempt(f"proc-{path.replace('/', '-').replace(f'{os.getpid()}-', 'self-')}",
                lambda: open_for_writing(f"/proc/{path}"), NOT_WRITABLE)
    for path in ("kcore", "kmsg", "kpagecount", "kpageflags", "vmallocinfo", "slabinfo", "timer_list", "iomem"):
        name = f"proc-read-{path}"
        try:
            content = os.read(os.open(f"/proc/{path}", os.O_RDONLY | os.O_NONBLOCK), 4096)
        except OSError as error:
            judge(name, error.errno, REFUSED | {errno.ENOENT})
        else:
            # Without CAP_SYS_ADMIN the addresses are zero.
            expect(name, path == "iomem" and content.lstrip().startswith(b"00000000-00000000"), "it was read")
    own = {1, os.getpid(), os.getppid()}
    others = [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) not in own]
    expect("proc-processes", not others, f"it sees the processes {others[:5]}")
    try:
        names = {entry.split(b"=")[0].decode() for entry in read("/proc/1/environ").split(b"\0") if entry}
    except OSError as error:
        judge("proc-init-environment", error.errno)
    else:
        expect("proc-init-environment", names <= ENVIRONMENT, f"it contains {sorted(names - ENVIRONMENT)}")
    no_file_opens("sys-writing", "/sys")


def probe_devices():
    there = set(os.listdir("/dev"))
    expect("dev-list", there == DEVICES, f"/dev has {sorted(there)[:12]}")
    for name in ("gpiochip0", "i2c-1", "video0", "mem", "kmem", "port", "kmsg", "watchdog", "spidev0.0", "ttyS0",
                 "ttyAMA0", "vcio", "gpiomem", "fuse", "ptmx", "tty", "shm", "net/tun", "vda", "mmcblk0", "sda",
                 "loop-control", "uinput"):
        expect(f"dev-{name.replace('/', '-')}", not os.path.lexists(f"/dev/{name}"), "it exists")
    attempt("dev-create", lambda: open("/dev/new", "w"))
    attempt("dev-rename", lambda: os.rename("/dev/null", "/dev/null.new"), REFUSED | {errno.EBUSY})
    attempt("dev-mode", lambda: same_mode("/dev/null"))
    for kind, bits in (("character", stat.S_IFCHR), ("block", stat.S_IFBLK)):
        attempt(f"mknod-{kind}", lambda: os.mknod("/tmp/node", bits | 0o600, os.makedev(1, 1)))


def mounts():
    """Mount point, options of the mount and kind of file system, of each mount (proc_pid_mountinfo(5))."""
    for line in read("/proc/self/mountinfo").decode().splitlines():
        words = line.split()
        yield words[4], words[5].split(","), words[words.index("-") + 1]


def probe_mounts():
    devices = {f"/dev/{name}" for name in DEVICES}
    writable = [point for point, options, _ in mounts() if "rw" in options and point not in devices | {"/tmp"}]
    expect("mounts-read-only", not writable, f"writable: {writable[:5]}")
    missing = [point for point, options, _ in mounts() if "nosuid" not in options]
    expect("mounts-nosuid", not missing, f"without: {missing[:5]}")
    missing = [point for point, options, _ in mounts() if "nodev" not in options and point not in devices]
    expect("mounts-nodev", not missing, f"without: {missing[:5]}")
    kinds = {kind for _, _, kind in mounts()} & {"sysfs", "cgroup", "cgroup2", "debugfs", "tracefs", "securityfs",
                                                  "bpf", "configfs", "fusectl", "devpts", "mqueue"}
    expect("mounts-kinds", not kinds, f"it has {sorted(kinds)}")


def probe_folders(options):
    folders = [("root", "/"), ("usr", "/usr"), ("usr-bin", "/usr/bin"), ("etc", "/etc"), ("proc", "/proc"),
               ("own", os.getcwd()), ("home", os.environ.get("OPENSTARRY_HOME", "/openstarry"))]
    folders += [(f"plugin-{os.path.basename(path)}", path) for path in options.plugin]
    for name, path in folders:
        attempt(f"write-{name}", lambda: open(os.path.join(path, "new"), "w"), REFUSED | {errno.ENOENT})
    for name, path in folders[5:]:
        for file in sorted(os.listdir(path))[:3]:
            file = os.path.join(path, file)
            attempt(f"open-{name}", lambda: open_for_writing(file), NOT_WRITABLE - {errno.ENOENT})
            attempt(f"mode-{name}", lambda: same_mode(file))
            attempt(f"rename-{name}", lambda: os.rename(file, file + ".new"), REFUSED | {errno.EBUSY, errno.EXDEV})
    for path in options.hidden + ["/root", "/home", "/var", "/run", "/boot", "/etc/shadow", "/etc/passwd",
                                  "/etc/machine-id", "/etc/openstarry", "/var/lib/openstarry", "/run/openstarry",
                                  "/sys", "/oldroot", "/newroot", "/proc/1/root/root", "/proc/1/cwd/../root"]:
        try:
            os.listdir(path) if os.path.isdir(path) else os.close(os.open(path, os.O_RDONLY))
        except OSError as error:
            judge(f"hidden-{path}", error.errno, {errno.ENOENT, errno.EACCES, errno.ENOTDIR})
        else:
            fail(f"hidden-{path}", "it can be read")


def probe_tmp(abi):
    written = 0
    try:
        with open("/tmp/large", "wb", buffering=0) as file:
            while written <= 2 * TMP_BYTES:
                written += file.write(b"x" * 65536)
    except OSError as error:
        expect("tmp-size", error.errno == errno.ENOSPC and TMP_BYTES * 3 // 4 <= written <= TMP_BYTES,
               f"{written} bytes, then {errno.errorcode[error.errno]}")
    else:
        fail("tmp-size", f"{written} bytes were written")
    finally:
        os.unlink("/tmp/large")
    attempt("tmp-allocate", lambda: allocate("/tmp/sparse", 2 * TMP_BYTES), {errno.ENOSPC, errno.EFBIG})
    if os.path.exists("/tmp/sparse"):
        os.unlink("/tmp/sparse")
    inodes = os.statvfs("/tmp").f_files
    undecided("tmp-inodes", f"{inodes} empty files fit; only a memory limit of the control group counts them")
    source = shutil.which("true") or "/bin/true"
    shutil.copy(source, "/tmp/true")
    os.chmod("/tmp/true", 0o755)
    if abi:
        attempt("tmp-execute", lambda: subprocess.run(["/tmp/true"], check=False))
    else:
        undecided("tmp-execute", "this kernel has no Landlock")
    os.unlink("/tmp/true")


def allocate(path, size):
    with open(path, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)


# Processes and privileges


def probe_identity():
    expect("user", set(os.getresuid()) == {USER}, f"user ids {os.getresuid()}")
    expect("group", set(os.getresgid()) == {USER}, f"group ids {os.getresgid()}")
    expect("groups", not os.getgroups(), f"further groups {os.getgroups()}; the launcher's user must have none")
    fields = status()
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        expect(name, int(fields[name], 16) == 0, fields[name])
    expect("no-new-privileges", fields.get("NoNewPrivs") == "1", str(fields.get("NoNewPrivs")))
    expect("seccomp", fields.get("Seccomp") == "2", f"mode {fields.get('Seccomp')}")
    expect("host-name", os.uname().nodename == "agent", os.uname().nodename)
    expect("session", os.getsid(0) != 0, "it has the session of a process outside, perhaps with a terminal")
    lines = read("/proc/self/uid_map").decode().split()
    expect("user-map", lines[0] == str(USER) and lines[2] == "1", " ".join(lines))
    for name, action in (("setuid", lambda: os.setuid(0)), ("setgid", lambda: os.setgid(0)),
                         ("setgroups", lambda: os.setgroups([0]))):
        attempt(f"{name}-0", action, REFUSED | {errno.EINVAL})
    header = ctypes.create_string_buffer((0x20080522).to_bytes(4, sys.byteorder) + bytes(4))
    judge("capset", call("capset", header, ctypes.create_string_buffer(b"\xff" * 24, 24)))
    judge("ambient-capability", call("prctl", 47, 2, 21, 0, 0))  # PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN
    judge("no-new-privileges-off", call("prctl", 38, 0, 0, 0, 0), REFUSED | {errno.EINVAL})


def probe_set_user_id():
    """LD_SHOW_AUXV makes the loader print what the kernel has decided about the program (glibc, ld.so(8))."""
    folders = ("/usr/bin", "/bin", "/usr/sbin")
    folders = [folder for folder in folders if os.path.isdir(folder)]
    paths = [os.path.join(folder, name) for folder in folders for name in os.listdir(folder)]
    programs = sorted({os.path.realpath(path) for path in paths})
    programs = [path for path in programs if os.path.isfile(path) and os.stat(path).st_mode & stat.S_ISUID]
    if not programs:
        undecided("set-user-id", "the system has no such program")
    for path in programs[:4]:
        try:
            output = subprocess.run([path, "--version"], env={"LD_SHOW_AUXV": "1"}, stdin=subprocess.DEVNULL,
                                    capture_output=True, timeout=10).stdout.decode(errors="replace").split()
        except PermissionError:
            held(f"set-user-id-{os.path.basename(path)}")
            continue
        values = dict(zip(output, output[1:]))
        if "AT_EUID:" not in values:
            undecided(f"set-user-id-{os.path.basename(path)}", "its loader prints nothing")
        else:
            expect(f"set-user-id-{os.path.basename(path)}",
                   values["AT_EUID:"] == str(USER) and values["AT_SECURE:"] == "0",
                   f"effective user {values['AT_EUID:']}")


def probe_namespaces():
    kinds = {"mount": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000, "user": 0x10000000,
             "pid": 0x20000000, "net": 0x40000000}
    for kind, flag in (kinds | {"time": 0x80}).items():
        judge(f"unshare-{kind}", call("unshare", flag), REFUSED | NO_MORE_NAMESPACES)
    for kind, flag in kinds.items():
        judge(f"clone-{kind}", in_child(lambda: clone_exits(flag)), REFUSED | NO_MORE_NAMESPACES)
    judge("clone3", call("clone3", None, 0), {errno.ENOSYS})
    new_user = ctypes.create_string_buffer(kinds["user"].to_bytes(8, sys.byteorder) + bytes(56))
    judge("clone3-user", call("clone3", new_user, 64), {errno.ENOSYS})
    for kind in os.listdir("/proc/self/ns"):
        try:
            descriptor = os.open(f"/proc/self/ns/{kind}", os.O_RDONLY)
        except OSError:
            held(f"setns-{kind}")
            continue
        judge(f"setns-{kind}", call("setns", descriptor, 0))
        os.close(descriptor)


def clone_exits(flag):
    os._exit(call("clone", flag | signal.SIGCHLD, 0, 0, 0, 0) & 0xff)


def probe_calls():
    """Arguments without effect: if a call were allowed, it would fail with another error."""
    text = b"/tmp"
    attempts = {
        "mount": (b"none", text, b"tmpfs", 0, None), "umount2": (b"/proc", 2), "pivot_root": (text, text),
        "chroot": (text,), "open_tree": (-100, b"/", 1), "move_mount": (-1, b"", -1, b"", 4), "fsopen": (b"tmpfs", 0),
        "fsconfig": (-1, 0, None, None, 0), "fsmount": (-1, 0, 0), "fspick": (-100, b"/", 0),
        "mount_setattr": (-100, b"/", 0, None, 0), "statmount": (None, None, 0, 0), "listmount": (None, None, 0, 0),
        "open_tree_attr": (-100, b"/", 1, None, 0), "ptrace": (3, 2**31 - 1, 0, 0),
        "process_vm_readv": (1, None, 0, None, 0, 0),
        "process_vm_writev": (1, None, 0, None, 0, 0), "process_madvise": (-1, None, 0, 0, 0),
        "process_mrelease": (-1, 0), "kcmp": (1, 1, 0, 0, 0), "pidfd_getfd": (-1, 0, 0),
        "move_pages": (0, 0, None, None, None, 0),
        "migrate_pages": (0, 0, None, None), "bpf": (0, None, 0), "perf_event_open": (None, 0, -1, -1, 0),
        "kexec_load": (0, 0, None, 0xffff), "kexec_file_load": (-1, -1, 0, None, 0xffff), "reboot": (0, 0, 0, None),
        "syslog": (10, None, 0), "init_module": (None, 0, b""), "finit_module": (-1, b"", 0),
        "delete_module": (b"none", 0),
        "swapon": (b"/none", 0), "swapoff": (b"/none",), "acct": (b"/none",), "quotactl": (0, None, 0, None),
        "quotactl_fd": (-1, 0, 0, None), "nfsservctl": (0, None, None), "lookup_dcookie": (0, None, 0), "vhangup": (),
        "sysfs": (3,), "ustat": (0, None), "uselib": (b"/none",), "_sysctl": (None,), "userfaultfd": (0,),
        "io_uring_setup": (1, ctypes.create_string_buffer(120)), "io_uring_enter": (-1, 0, 0, 0, None, 0),
        "io_uring_register": (-1, 0, None, 0), "keyctl": (0, -3, 1), "add_key": (b"user", b"probe", b"x", 1, -3),
        "request_key": (b"user", b"probe", None, -3), "open_by_handle_at": (-1, None, 0),
        "name_to_handle_at": (-100, b"/", None, None, 0), "fanotify_init": (0, 0),
        "fanotify_mark": (-1, 0, 0, -1, None),
        "settimeofday": (None, None), "clock_settime": (0, None), "adjtimex": (ctypes.create_string_buffer(208),),
        "clock_adjtime": (0, ctypes.create_string_buffer(208)), "sethostname": (b"agent", 5),
        "setdomainname": (b"none", 4), "shmget": (0, 4096, 0o1600), "semget": (0, 1, 0o1600), "msgget": (0, 0o1600),
        "mq_open": (b"probe", 0o102, 0o600, None), "memfd_secret": (0,), "mbind": (None, 0, 0, None, 0, 0),
        "set_mempolicy": (0, None, 0), "set_mempolicy_home_node": (0, 0, 0, 0), "ioperm": (0, 1, 1), "iopl": (3,),
        "modify_ldt": (0, None, 0),
    }
    for name, arguments in attempts.items():
        judge(f"call-{name}", call(name, *arguments))
    # In a child, because a personality that is not refused would change this process.
    for name, value in (("no-randomize", 0x40000), ("read-implies-exec", 0x400000), ("high-bits", 0x100400000)):
        judge(f"personality-{name}", in_child(lambda: os._exit(call("personality", value) & 0xff)))
    for name, request in (("TIOCSTI", 0x5412), ("TIOCLINUX", 0x541c), ("TIOCSETD", 0x5423)):
        judge(f"ioctl-{name}", call("ioctl", 0, request, b"\n"))
        judge(f"ioctl-{name}-high-bits", call("ioctl", 0, request | 1 << 32, b"\n"))


def probe_architectures():
    if platform.machine() != "x86_64":
        undecided("call-of-32-bit", "only x86-64 can make such calls within a program")
        return
    # mov eax, 20; int 0x80; ret: getpid of i386.
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
    function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
    result = in_child(function)
    expect("call-of-32-bit", result in (-signal.SIGSYS, -signal.SIGSEGV), f"the process lived on, status {result}")
    result = in_child(lambda: libc.syscall(ctypes.c_long(0x40000000 + 39)))
    expect("call-of-x32", result == -signal.SIGSYS, f"the process lived on, status {result}")


def probe_signals(abi, outside):
    if abi >= 6:
        attempt("signal-init", lambda: os.kill(1, 0))
    else:
        undecided("signal-init", "this kernel's Landlock has no scopes")
    for process in outside:
        attempt(f"signal-{process}", lambda: os.kill(process, 0), {errno.ESRCH, errno.EPERM})
        judge(f"pidfd-{process}", call("pidfd_open", process, 0), {errno.ESRCH, errno.EINVAL})
        expect(f"proc-{process}", not os.path.exists(f"/proc/{process}"), "its folder is there")
    judge("attach-init", call("ptrace", 16, 1, 0, 0))


def probe_start():
    # Reading /proc/self/fd would add the descriptor of the folder.
    there = []
    for descriptor in range(min(os.sysconf("SC_OPEN_MAX"), 65536)):
        try:
            os.fstat(descriptor)
            there.append(descriptor)
        except OSError:
            pass
    expect("descriptors", set(there) <= {0, 1, 2, 3}, f"it has {there}")
    expect("descriptor-0", os.fstat(0).st_rdev == os.makedev(1, 3), "standard input is not /dev/null")
    try:
        socket.socket(fileno=os.dup(3)).getpeername()
        expect("descriptor-3", socket.socket(fileno=os.dup(3)).family == socket.AF_UNIX, "it is no Unix socket")
    except OSError as error:
        fail("descriptor-3", str(error))
    for descriptor in (1, 2):
        expect(f"descriptor-{descriptor}", not os.isatty(descriptor), "it is a terminal")
    more = set(os.environ) - ENVIRONMENT
    expect("environment", not more, f"it also has {sorted(more)}")


# Network


def probe_sockets(proxy):
    internet = {socket.AF_INET, socket.AF_INET6}
    allowed = {socket.AF_UNIX} | (internet if proxy else set())
    for family in range(0, 48):
        if family not in allowed:
            judge(f"socket-family-{family}", call("socket", family, socket.SOCK_DGRAM, 0), {errno.EAFNOSUPPORT})
    netlink, packet = 16, 17
    judge("socket-netlink-raw", call("socket", netlink, socket.SOCK_RAW, 0), {errno.EAFNOSUPPORT, errno.EPERM})
    judge("socket-packet-raw", call("socket", packet, socket.SOCK_RAW, 0), {errno.EAFNOSUPPORT, errno.EPERM})
    judge("socket-netlink-high-bits", call("socket", netlink | 1 << 32, socket.SOCK_RAW, 0),
          {errno.EAFNOSUPPORT, errno.EPERM})
    no_family = REFUSED | {errno.EAFNOSUPPORT}
    for name, family in (("inet", socket.AF_INET), ("inet6", socket.AF_INET6)):
        for kind in range(0, 16):
            if kind != socket.SOCK_STREAM or not proxy:
                judge(f"socket-{name}-kind-{kind}", call("socket", family, kind | socket.SOCK_CLOEXEC, 0), no_family)
        judge(f"socket-{name}-raw", call("socket", family, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 1), no_family)
        judge(f"socket-{name}-udp", call("socket", family, socket.SOCK_DGRAM, 17), no_family)
        judge(f"socket-{name}-udp-high-bits", call("socket", family, socket.SOCK_DGRAM | 1 << 32, 17), no_family)
        judge(f"socket-{name}-ping", call("socket", family, socket.SOCK_DGRAM, 1 if name == "inet" else 58),
              no_family | {errno.EPROTONOSUPPORT})
        judge(f"socketpair-{name}", call("socketpair", family, socket.SOCK_STREAM, 0, None), no_family)
        for protocol in (33, 115, 132, 256, 262):
            judge(f"socket-{name}-protocol-{protocol}", call("socket", family, socket.SOCK_STREAM, protocol),
                  no_family | {errno.EPROTONOSUPPORT})


def probe_proxy(port, abi):
    """What an agent with hosts has instead: one port, to which it can connect and which it cannot take over."""
    try:
        connect(socket.AF_INET, ("127.0.0.1", port))
        held("proxy")
    except OSError as error:
        fail("proxy", f"the agent cannot connect to it: {error}")
    for name, address in (("same", ("127.0.0.1", port)), ("any", ("0.0.0.0", port))):
        attempt(f"proxy-bind-{name}", lambda: bind(socket.AF_INET, address), REFUSED | {errno.EADDRINUSE})
    if abi >= 4:
        attempt("bind-other", lambda: bind(socket.AF_INET, ("127.0.0.1", 0)))
    else:
        undecided("bind-other", "this kernel's Landlock does not restrict TCP")


def bind(family, address):
    with socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        server.bind(address)
        server.listen()


def probe_network(ports):
    nowhere = REFUSED | {errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL,
                         errno.EAFNOSUPPORT}
    for port in ports + [22, 53, 80, 443, 1883, 8080]:
        attempt(f"connect-loopback-{port}", lambda: connect(socket.AF_INET, ("127.0.0.1", port)), nowhere)
        attempt(f"connect-loopback6-{port}", lambda: connect(socket.AF_INET6, ("::1", port)), nowhere)
    for family, address in ((socket.AF_INET, "1.1.1.1"), (socket.AF_INET, "10.0.0.1"),
                            (socket.AF_INET, "169.254.169.254"), (socket.AF_INET6, "2606:4700:4700::1111")):
        attempt(f"connect-{address}", lambda: connect(family, (address, 80)), nowhere)
        attempt(f"send-{address}", lambda: send(family, (address, 53)), nowhere)
    lines = read("/proc/self/net/dev").decode().splitlines()[2:]
    names = {line.split(":")[0].strip() for line in lines}
    # sit0 and the like come into every new network namespace, without an address and down.
    tunnels = {"sit0", "tunl0", "ip6tnl0", "gre0", "gretap0", "erspan0", "ip6gre0", "ip_vti0", "ip6_vti0"}
    expect("interfaces", names <= tunnels | {"lo"}, f"it has {sorted(names)}")


def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as client:
        client.settimeout(3)
        client.connect(address)


def send(family, address):
    with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as client:
        client.sendto(b"x", address)


def probe_unix(paths, names):
    nowhere = REFUSED | {errno.ENOENT, errno.ECONNREFUSED}
    for path in paths + ["/run/openstarry/control.sock", "/run/dbus/system_bus_socket", "/run/systemd/notify",
                         "/var/run/docker.sock"]:
        for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
            attempt(f"unix-{path}-{kind.name}", lambda: connect_unix(path, kind), nowhere)
    for name in names + ["/tmp/.X11-unix/X0"]:
        attempt(f"unix-abstract-{name}", lambda: connect_unix("\0" + name, socket.SOCK_STREAM), nowhere)


def connect_unix(address, kind):
    with socket.socket(socket.AF_UNIX, kind | socket.SOCK_CLOEXEC) as client:
        client.connect(address)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hidden", action="append", default=[], help="a file or folder outside; several are possible")
    parser.add_argument("--plugin", action="append", default=[], help="the folder of a plugin that the agent has")
    parser.add_argument("--socket", action="append", default=[], help="the path of a Unix socket that listens outside")
    parser.add_argument("--abstract", action="append", default=[], help="the name of an abstract one")
    parser.add_argument("--port", action="append", default=[], type=int, help="a TCP port that listens outside")
    parser.add_argument("--proxy", type=int, help="the port of the proxy, for an agent with network_allow_hosts")
    parser.add_argument("--process", action="append", default=[], type=int, help="the id of a process outside")
    parser.add_argument("--environment", action="append", default=[], help="the name of a further expected variable")
    options = parser.parse_args()
    if os.geteuid() == 0 or os.getppid() not in (0, 1):
        print("probe: start it as an agent in the sandbox; it refuses to run elsewhere", file=sys.stderr)
        sys.exit(64)
    if COLUMN is None:
        sys.exit(f"probe: no numbers of system calls are known for {platform.machine()}: add them to NUMBERS")
    ENVIRONMENT.update(options.environment)
    abi = landlock()
    probe_start()
    probe_identity()
    probe_mounts()
    probe_proc()
    probe_devices()
    probe_folders(options)
    probe_tmp(abi)
    probe_calls()
    probe_namespaces()
    probe_architectures()
    probe_signals(abi, options.process)
    probe_sockets(options.proxy)
    probe_network(options.port)
    if options.proxy:
        probe_proxy(options.proxy, abi)
    probe_unix(options.socket, options.abstract)
    probe_set_user_id()
    print(f"Landlock ABI {abi}, {broken} broken", flush=True)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
