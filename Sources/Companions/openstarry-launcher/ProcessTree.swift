import CLinux

#if !hasFeature(Embedded)
  import Companion
  import Launcher
#endif

/// The processes that a program has started, from /proc (proc_pid_stat(5), proc_pid_status(5)).
enum ProcessTree {
  /// The program itself: bubblewrap's child is the first process of the sandbox, and the program is that one's child.
  static func program(below sandbox: Int32) -> Int32? {
    guard let first = children(of: sandbox).first else { return nil }
    return children(of: first).first
  }

  /// Whether a container runs in a sandbox: `ContainerStage` has a single child, which has a PID namespace of its own.
  static func hasContainer(in sandbox: Int32) -> Bool {
    guard let stage = program(below: sandbox) else { return false }
    let children = children(of: stage)
    guard children.count == 1, let status = SmallFiles.read(path(children[0]) + [UInt8]("/status")) else {
      return false
    }
    // A process has a number in each namespace: ours, the sandbox's, the container's.
    for line in status.split(separator: 0x0A) where line.starts(with: [UInt8]("NSpid:")) {
      return [UInt8](line).numbers.count > 2
    }
    return false
  }

  /// What a process and all its descendants use.
  /// - Parameter limit: the memory that they may have, in bytes; 0 for no limit. What they share counts once for each, which
  ///   takes the least time. If that would be beyond the limit, it is divided among them (PSS).
  static func usage(of process: Int32, limit: UInt64) -> LaunchUsage {
    var usage = LaunchUsage()
    var all: [Int32] = []
    var waiting = [process]
    // A fork bomb must not keep the launcher busy.
    var left = 512
    while let next = waiting.popLast(), left > 0 {
      left -= 1
      add(next, &usage)
      all.append(next)
      waiting += children(of: next)
    }
    if limit > 0, usage.memory > limit {
      usage.memory = 0
      for process in all { usage.memory += proportionalMemory(of: process) }
    }
    return usage
  }

  private static func children(of process: Int32) -> [Int32] {
    let folder = path(process) + [UInt8]("/task/") + [UInt8](digits: UInt64(process)) + [UInt8]("/children")
    guard let text = SmallFiles.read(folder) else { return [] }
    return text.numbers.map { Int32(truncatingIfNeeded: $0) }
  }

  private static func add(_ process: Int32, _ usage: inout LaunchUsage) {
    // The fields after the name, which may contain anything but ends with the last parenthesis.
    guard let stat = SmallFiles.read(path(process) + [UInt8]("/stat")), let end = stat.lastIndex(of: 0x29) else {
      return
    }
    let fields = stat[(end + 1)...].split(separator: 0x20)
    guard fields.count > 17 else { return }
    func field(_ number: Int) -> UInt64 { [UInt8](fields[number - 3]).numbers.first ?? 0 }
    // 14 to 17: utime, stime, and those of children that have ended; in ticks of 10 ms (USER_HZ).
    usage.cpu += (field(14) + field(15) + field(16) + field(17)) * 10_000_000
    usage.tasks += UInt32(truncatingIfNeeded: field(20))
    usage.memory += memory(of: process)
  }

  /// Its part of the pages that only processes like it have, not of files (proc_pid_smaps_rollup(5)).
  private static func proportionalMemory(of process: Int32) -> UInt64 {
    guard let text = SmallFiles.read(path(process) + [UInt8]("/smaps_rollup")),
      let anonymous = text.number(after: "Pss_Anon:"), let shared = text.number(after: "Pss_Shmem:")
    else { return memory(of: process) }
    return (anonymous + shared + (text.number(after: "SwapPss:") ?? 0)) * 1024
  }

  private static func memory(of process: Int32) -> UInt64 {
    guard let status = SmallFiles.read(path(process) + [UInt8]("/status")) else { return 0 }
    let kibibytes =
      // Each at the begin of a line: the process chooses its name, in which the kernel escapes ends of lines.
      (status.number(after: "\nRssAnon:") ?? 0) + (status.number(after: "\nRssShmem:") ?? 0)
      + (status.number(after: "\nVmSwap:") ?? 0)
    return kibibytes * 1024
  }

  private static func path(_ process: Int32) -> [UInt8] { [UInt8]("/proc/") + [UInt8](digits: UInt64(process)) }
}
