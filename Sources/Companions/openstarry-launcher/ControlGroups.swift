import CLinux

#if !hasFeature(Embedded)
  import Companion
  import Launcher
#endif

/// The control groups (version 2) below the launcher's own, one for each program. Without delegated ones (systemd's
/// `Delegate=`) there are none, and limits are those of setrlimit(2).
struct ControlGroups {
  private(set) var controllers: LauncherFacts.Controllers = []
  /// The folder of the launcher's own group as it was at the start.
  private var top: [UInt8] = []

  /// Looks for the launcher's group, moves the launcher into a group of its own below it, as a group with processes
  /// cannot pass controllers on, and enables the controllers one by one.
  /// - Parameter root: the root folder, in tests.
  init(root: [UInt8] = []) {
    guard let group = Self.ownGroup(root) else { return }
    top = group
    let own = top + [UInt8]("/launcher")
    let made = SmallFiles.makeFolder(own)
    guard made == 0 || made == EEXIST else { return }
    guard SmallFiles.write(own + [UInt8]("/cgroup.procs"), [UInt8]("0")) == 0 else {
      _ = SmallFiles.removeFolder(own)
      return
    }
    controllers = .groups
    enable("+memory", .memory)
    enable("+cpu", .cpu)
    enable("+pids", .pids)
  }

  private mutating func enable(_ text: StaticString, _ controller: LauncherFacts.Controllers) {
    if SmallFiles.write(top + [UInt8]("/cgroup.subtree_control"), [UInt8](text)) == 0 { controllers.insert(controller) }
  }

  /// The folder of this process's group in the hierarchy of version 2, if it is not the root: the root's children belong
  /// to the system.
  private static func ownGroup(_ root: [UInt8]) -> [UInt8]? {
    guard let lines = SmallFiles.read(root + [UInt8]("/proc/self/cgroup")) else { return nil }
    var path: [UInt8] = []
    for line in lines.split(separator: 0x0A) where line.count > 4 {
      let line = [UInt8](line)
      if line[0] == 0x30, line[1] == 0x3A, line[2] == 0x3A { path = [UInt8](line[3...]) }
    }
    guard !path.isEmpty else { return nil }
    for mount: StaticString in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
      let folder = root + [UInt8](mount) + path
      if SmallFiles.read(folder + [UInt8]("/cgroup.events")) != nil { return folder }
    }
    return nil
  }

  /// Makes the group of a program and sets its limits.
  /// - Returns: the folder; or the errno of the step that failed. nil without control groups, and for an engine, which has
  ///   groups of its own.
  func make(_ plan: LaunchPlan) -> (folder: [UInt8], errno: Int32)? {
    guard controllers.contains(.groups), plan.kind != .engine else { return nil }
    let folder = top + [UInt8]("/agent-") + plan.name
    var made = SmallFiles.makeFolder(folder)
    if made == EEXIST {
      // A launcher that was killed has left it, with its counters.
      Self.kill(folder)
      _ = SmallFiles.removeFolder(folder)
      made = SmallFiles.makeFolder(folder)
    }
    guard made == 0 || made == EEXIST else { return ([], made) }
    let error = set(plan.kind == .container ? plan.limits.forStart : plan.limits, on: folder)
    guard error == 0 else {
      _ = SmallFiles.removeFolder(folder)
      return ([], error)
    }
    return (folder, 0)
  }

  /// Sets the limits of a group.
  /// - Returns: 0, or the errno of the first that could not be set.
  func set(_ limits: LaunchLimits, on folder: [UInt8]) -> Int32 {
    var error: Int32 = 0
    func set(_ file: StaticString, _ text: [UInt8]) {
      if error == 0 { error = SmallFiles.write(folder + [UInt8](file), text) }
    }
    if controllers.contains(.memory), limits.memory > 0 {
      set("/memory.max", [UInt8](digits: limits.memory))
      // Swapping would only delay the end, at the expense of the board. Absent without swap accounting.
      _ = SmallFiles.write(folder + [UInt8]("/memory.swap.max"), [UInt8]("0"))
      // The kernel kills all processes of the agent, or none (memory.oom.group).
      _ = SmallFiles.write(folder + [UInt8]("/memory.oom.group"), [UInt8]("1"))
    }
    if controllers.contains(.cpu), limits.cpu > 0 {
      set("/cpu.max", [UInt8](digits: max(1000, limits.cpu)) + [UInt8](" 100000"))
    }
    if controllers.contains(.pids), limits.tasks > 0 {
      set("/pids.max", [UInt8](digits: UInt64(limits.tasks)))
    }
    return error
  }

  /// Kills all processes of a group (`cgroup.kill`, Linux 5.14).
  static func kill(_ folder: [UInt8]) { _ = SmallFiles.write(folder + [UInt8]("/cgroup.kill"), [UInt8]("1")) }

  /// Whether the kernel killed a process of the group because it was out of memory.
  static func isOutOfMemory(_ folder: [UInt8]) -> Bool {
    SmallFiles.read(folder + [UInt8]("/memory.events"))?.number(after: "oom_kill ") ?? 0 > 0
  }
}
