import Linux

/// A control group, version 2 (Documentation/admin-guide/cgroup-v2.rst of the kernel): the one that this process is in,
/// or one below it that was made for others.
///
/// Nothing is kept open: each call reads a few short files.
public struct ControlGroup: Sendable, Hashable {
  /// As the kernel names it: `/system.slice/openstarryd.service`.
  public let name: String
  /// The folder of its files.
  let folder: String
  /// Where the hierarchy is mounted: the topmost folder that can be seen.
  let top: String
  let root: String

  /// Finds the group of this process.
  /// - Parameter root: a folder that stands for `/`, in tests.
  /// - Throws: `absent`, where there is none to be seen; it may be the root group, which tells little.
  public static func ofThisProcess(root: String = "") throws(CgroupError) -> ControlGroup {
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

  // MARK: What is used

  /// Processor time (`cpu.stat`); told with or without the controller.
  public struct CPUUse: Sendable, Hashable {
    /// Of all processes that are or were in the group and those below it, in microseconds.
    public var microseconds: UInt64
    /// How often the kernel has held the group back for `cpu.max`, and how long in microseconds; nil without the
    /// controller.
    public var throttled: (times: UInt64, microseconds: UInt64)? {
      throttledTimes.map { ($0, throttledMicroseconds) }
    }
    var throttledTimes: UInt64?
    var throttledMicroseconds: UInt64 = 0
  }

  /// Memory, in bytes; needs the controller.
  public struct MemoryUse: Sendable, Hashable {
    /// All that is charged to the group (`memory.current`).
    public var current: UInt64
    /// Files' pages that were not used lately (`inactive_file` of `memory.stat`). The kernel drops them before anybody
    /// has to go without: a group that has read or written much would seem to use far more than it needs.
    public var reclaimable: UInt64
    /// How many of its processes the kernel has killed since the group was made, since there was no more memory
    /// (`oom_kill` of `memory.events`).
    public var kills: UInt64

    /// What it needs: without what can be dropped at once.
    public var needed: UInt64 { current > reclaimable ? current - reclaimable : 0 }
  }

  /// What processor time the group has used.
  public func cpu() throws(CgroupError) -> CPUUse {
    let stat = try file("cpu.stat")
    guard let used = KernelText.value("usage_usec", in: stat) else { throw .malformed(file: "\(folder)/cpu.stat") }
    return CPUUse(
      microseconds: used, throttledTimes: KernelText.value("nr_throttled", in: stat),
      throttledMicroseconds: KernelText.value("throttled_usec", in: stat) ?? 0)
  }

  /// What memory the group uses.
  /// - Throws: `absent` without the controller.
  public func memory() throws(CgroupError) -> MemoryUse {
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

  /// How many processes and threads are in the group and below it (`pids.current`); nil without the controller.
  public var tasks: UInt64? { (try? file("pids.current")).flatMap { KernelText.limit($0) ?? nil } }

  /// The processes that are in the group itself (`cgroup.procs`).
  public func processes() throws(CgroupError) -> [Int32] {
    KernelText.words(try file("cgroup.procs")[...]).compactMap { Int32($0) }
  }

  // MARK: What the kernel holds it to

  /// The least of the limits of the group and of those above it, in bytes (`memory.max`); nil where there is none.
  /// Beyond it the kernel kills.
  public var memoryLimit: UInt64? { least("memory.max") { KernelText.limit($0) } }

  /// The same of `memory.high`, beyond which the kernel slows the group down and takes memory from it.
  public var memoryBrake: UInt64? { least("memory.high") { KernelText.limit($0) } }

  /// The same of `cpu.max`, as a share of one core.
  public var cpuLimit: Double? { least("cpu.max") { KernelText.share($0) } }

  /// Why a controller does not work for the group; nil when it does.
  public func absence(of controller: String) -> ControllerAbsence? {
    // Every group but the root has this file.
    if !Files.exists("\(folder)/cgroup.events") { return .root }
    if lists("cgroup.controllers", in: folder, controller) { return nil }
    if lists("cgroup.controllers", in: top, controller) {
      // From the top down: the first that keeps it to itself.
      let keeper = upwards.reversed().first { !lists("cgroup.subtree_control", in: $0, controller) }
      return .notHandedDown(controller, by: keeper.map(shown) ?? "/")
    }
    let mounts = KernelText.mounts((try? Self.read("\(root)/proc/self/mountinfo", limit: 1 << 20)) ?? [])
    if mounts.contains(where: { $0.controllers?.contains(controller) ?? false }) {
      return .versionOneHas(controller)
    }
    let verdicts = KernelText.verdicts(on: controller, in: (try? Self.read("\(root)/proc/cmdline")) ?? [])
    if verdicts.last == false { return .disabled(controller, afterEnabling: verdicts.contains(true)) }
    return Files.exists("\(top)/cgroup.events")
      ? .notHandedDown(controller, by: "outside of this container") : .notBuilt(controller)
  }

  // MARK: Files

  /// The folders of the group and of those above it, as far as they can be seen.
  private var upwards: [String] {
    var (folders, next) = ([folder], folder)
    while next != top, next.hasPrefix("\(top)/") {
      next = Files.folder(of: next)
      folders.append(next)
    }
    return folders
  }

  private func shown(_ folder: String) -> String { folder == top ? "/" : String(folder.dropFirst(top.count)) }

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

  /// `name` as seen from `root`; nil when it is not below it.
  private static func path(_ name: String, below root: String) -> String? {
    if name.split(separator: "/").contains("..") { return nil }
    if root == "/" { return name == "/" ? "" : name }
    return name == root || name.hasPrefix("\(root)/") ? String(name.dropFirst(root.count)) : nil
  }
}
