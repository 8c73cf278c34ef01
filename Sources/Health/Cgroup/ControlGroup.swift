import Linux

/// A control group, version 2 (Documentation/admin-guide/cgroup-v2.rst of the kernel): the group of this process, or
/// one below it for other processes.
///
/// Keeps no files open: each call reads a few short files.
package struct ControlGroup: Sendable, Hashable {
  /// The kernel's name, e.g. `/system.slice/openstarryd.service`.
  package let name: String
  /// The folder of the group's files.
  let folder: String
  /// The mount point of the hierarchy: the topmost visible folder.
  let top: String
  let root: String

  /// Finds the group of this process.
  /// - Parameter root: a prefix for all paths, for tests.
  /// - Returns: the group; it may be the root group, which has few files.
  /// - Throws: `absent` when no group of version 2 is visible.
  package static func ofThisProcess(root: String = "") throws(CgroupError) -> ControlGroup {
    let mounts = KernelText.mounts(try read("\(root)/proc/self/mountinfo", limit: 1 << 20))
    let known = mounts.filter { $0.controllers == nil }
    guard !known.isEmpty, let name = KernelText.group(try read("\(root)/proc/self/cgroup")) else {
      throw .absent(mounts.isEmpty ? .notMounted : .versionOneOnly)
    }
    for mount in known {
      guard let below = path(name, below: mount.root) else { continue }
      let group = ControlGroup(name: name, folder: root + mount.point + below, top: root + mount.point, root: root)
      if Files.isFolder(group.folder) { return group }
    }
    throw .absent(.hidden(group: name))
  }

  // MARK: Usage

  /// CPU time (`cpu.stat`); available with or without the controller.
  package struct CPUUse: Sendable, Hashable {
    /// The CPU time of all past and present processes in the group and below it, in microseconds.
    package var microseconds: UInt64
    /// How often and for how long, in microseconds, the kernel has throttled the group for `cpu.max`; nil without the
    /// controller.
    package var throttled: (times: UInt64, microseconds: UInt64)? {
      throttledTimes.map { ($0, throttledMicroseconds) }
    }
    var throttledTimes: UInt64?
    var throttledMicroseconds: UInt64 = 0
  }

  /// Memory in bytes; needs the controller.
  package struct MemoryUse: Sendable, Hashable {
    /// All memory charged to the group (`memory.current`).
    package var current: UInt64
    /// Pages of files that were not used lately (`inactive_file` of `memory.stat`). The kernel drops them before memory
    /// becomes short, so they must not count: after much file I/O a group would seem to need far more than it does.
    package var reclaimable: UInt64
    /// How many of its processes the kernel has killed for lack of memory since the group was made (`oom_kill` of
    /// `memory.events`).
    package var kills: UInt64

    /// The memory that the group needs: `current` without `reclaimable`.
    package var needed: UInt64 { current > reclaimable ? current - reclaimable : 0 }
  }

  /// The CPU time that the group has used.
  package func cpu() throws(CgroupError) -> CPUUse {
    let stat = try file("cpu.stat")
    guard let used = KernelText.value("usage_usec", in: stat) else { throw .malformed(file: "\(folder)/cpu.stat") }
    return CPUUse(
      microseconds: used, throttledTimes: KernelText.value("nr_throttled", in: stat),
      throttledMicroseconds: KernelText.value("throttled_usec", in: stat) ?? 0)
  }

  /// The memory that the group uses.
  /// - Throws: `absent` without the controller.
  package func memory() throws(CgroupError) -> MemoryUse {
    if let absence = absence(of: "memory") { throw .absent(absence) }
    guard case .some(.some(let current)) = KernelText.limit(try file("memory.current")) else {
      throw .malformed(file: "\(folder)/memory.current")
    }
    guard let reclaimable = KernelText.value("inactive_file", in: try file("memory.stat")) else {
      throw .malformed(file: "\(folder)/memory.stat")
    }
    return MemoryUse(
      current: current, reclaimable: reclaimable,
      kills: KernelText.value("oom_kill", in: try file("memory.events")) ?? 0)
  }

  /// The number of processes and threads in the group and below it (`pids.current`); nil without the controller.
  package var tasks: UInt64? { (try? file("pids.current")).flatMap { KernelText.limit($0) ?? nil } }

  /// The process ids in the group itself (`cgroup.procs`).
  package func processes() throws(CgroupError) -> [Int32] {
    KernelText.words(try file("cgroup.procs")[...]).compactMap { Int32($0) }
  }

  // MARK: Limits

  /// The lowest `memory.max` of the group and the groups above it, in bytes; nil without a limit. Beyond it the kernel
  /// kills processes.
  package var memoryLimit: UInt64? { least("memory.max") { KernelText.limit($0) } }

  /// The lowest `memory.high` of the group and the groups above it, in bytes; nil without a limit. Beyond it the kernel
  /// throttles the group and reclaims its memory.
  package var memoryHigh: UInt64? { least("memory.high") { KernelText.limit($0) } }

  /// The lowest `cpu.max` of the group and the groups above it, as a fraction of one core; nil without a limit.
  package var cpuLimit: Double? { least("cpu.max") { KernelText.share($0) } }

  /// Why a controller is not available to the group; nil when it is.
  package func absence(of controller: String) -> ControllerAbsence? {
    // Every group except the root has this file.
    if !Files.exists("\(folder)/cgroup.events") { return .root }
    if lists("cgroup.controllers", in: folder, controller) { return nil }
    if lists("cgroup.controllers", in: top, controller) {
      // From the top down, the first group that does not pass it on.
      let keeper = upwards.reversed().first { !lists("cgroup.subtree_control", in: $0, controller) }
      return .notEnabled(controller, by: keeper.map(shown) ?? "/")
    }
    let mounts = KernelText.mounts((try? Self.read("\(root)/proc/self/mountinfo", limit: 1 << 20)) ?? [])
    if mounts.contains(where: { $0.controllers?.contains(controller) ?? false }) {
      return .versionOneHas(controller)
    }
    let verdicts = KernelText.verdicts(on: controller, in: (try? Self.read("\(root)/proc/cmdline")) ?? [])
    if verdicts.last == false { return .disabled(controller, afterEnabling: verdicts.contains(true)) }
    return Files.exists("\(top)/cgroup.events")
      ? .notEnabled(controller, by: "outside of this container") : .notBuilt(controller)
  }

  // MARK: Files

  /// The folders of the group and of all visible groups above it.
  private var upwards: [String] {
    var (folders, next) = ([folder], folder)
    while next != top, Files.contains(top, next) {
      next = Files.folder(of: next)
      folders.append(next)
    }
    return folders
  }

  private func shown(_ folder: String) -> String { folder == top ? "/" : "/\(Files.rest(of: folder, in: top) ?? "")" }

  private func lists(_ name: String, in folder: String, _ controller: String) -> Bool {
    KernelText.words((try? Self.read("\(folder)/\(name)"))?[...] ?? []).contains(controller)
  }

  private func least<Limit: Comparable>(_ name: String, _ parse: ([UInt8]) -> Limit??) -> Limit? {
    upwards.compactMap { folder in (try? Self.read("\(folder)/\(name)")).flatMap { parse($0) ?? nil } }.min()
  }

  private func file(_ name: String) throws(CgroupError) -> [UInt8] { try Self.read("\(folder)/\(name)") }

  private static func read(_ path: String, limit: Int = 16 << 10) throws(CgroupError) -> [UInt8] {
    do { return try Files.read(path, limit: limit) } catch { throw .unreadable(error) }
  }

  /// The path of `name` relative to `root`; nil when it is not below `root`.
  private static func path(_ name: String, below root: String) -> String? {
    if Files.parts(of: name).contains("..") { return nil }
    return Files.rest(of: name, in: root).map { $0.isEmpty ? "" : "/\($0)" }
  }
}
