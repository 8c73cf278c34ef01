import Glibc
import Linux

// What is written: only to a group that systemd has delegated (`Delegate=yes`), and below it.
extension ControlGroup {
  /// What the kernel is to hold a group to; nil is no limit.
  public struct Limits: Sendable, Hashable {
    /// Bytes beyond which the kernel kills (`memory.max`).
    public var memory: UInt64?
    /// Bytes beyond which the kernel slows the group down and takes memory from it (`memory.high`).
    public var memoryBrake: UInt64?
    /// Share of one core (`cpu.max`).
    public var cpu: Double?
    /// Processes and threads (`pids.max`).
    public var tasks: Int?

    /// No limits but these.
    public init(memory: UInt64? = nil, memoryBrake: UInt64? = nil, cpu: Double? = nil, tasks: Int? = nil) {
      self.memory = memory
      self.memoryBrake = memoryBrake
      self.cpu = cpu
      self.tasks = tasks
    }
  }

  /// A group below this one, made where it is not there yet, as after a daemon that has died.
  /// - Parameter child: one name, without a slash.
  public func makeChild(_ child: String) throws(CgroupError) -> ControlGroup {
    let place = "\(folder)/\(child)"
    do throws(SystemError) { try Files.makeFolder(place) } catch { throw .refused(error) }
    return ControlGroup(name: name == "/" ? "/\(child)" : "\(name)/\(child)", folder: place, top: top, root: root)
  }

  /// Has the groups below this one get a controller (`cgroup.subtree_control`). One at a time, as the kernel takes all of
  /// them or none. A group that has processes of its own cannot hand anything down.
  public func handDown(_ controller: String) throws(CgroupError) {
    try write("cgroup.subtree_control", "+\(controller)")
  }

  /// Sets limits; those that are nil are taken away.
  /// - Throws: `absent` for a limit whose controller the group does not have; the limits before it are set.
  public func hold(_ limits: Limits) throws(CgroupError) {
    let period: Double = 100_000
    try set("memory", "memory.max", limits.memory.map { "\($0)" })
    try set("memory", "memory.high", limits.memoryBrake.map { "\($0)" })
    try set("cpu", "cpu.max", limits.cpu.map { "\(Int(max(1000, $0 * period))) \(Int(period))" })
    try set("pids", "pids.max", limits.tasks.map { "\($0)" })
  }

  /// Moves a process into the group; its children are born there (`cgroup.procs`).
  public func take(_ process: Int32) throws(CgroupError) { try write("cgroup.procs", "\(process)") }

  /// Kills every process in the group and below it, at once (`cgroup.kill`, Linux 5.14).
  public func kill() throws(CgroupError) { try write("cgroup.kill", "1") }

  /// Stops every process in the group and below it, or lets them go on (`cgroup.freeze`).
  public func freeze(_ isOn: Bool) throws(CgroupError) { try write("cgroup.freeze", isOn ? "1" : "0") }

  /// Removes the group, which has no processes and no groups below it any more.
  /// - Throws: EBUSY while it has.
  public func remove() throws(CgroupError) {
    Files.removeFolder(folder)
    if Files.isFolder(folder) { throw .refused(SystemError("rmdir", folder, errno: EBUSY)) }
  }

  private func set(_ controller: String, _ file: String, _ value: String?) throws(CgroupError) {
    if !Files.exists("\(folder)/\(file)") {
      // No limit is what a group without the controller has.
      if value == nil { return }
      throw .absent(absence(of: controller) ?? .notHandedDown(controller, by: name))
    }
    try write(file, value ?? "max")
  }

  /// Writes in one go, as the kernel wants it.
  private func write(_ file: String, _ text: String) throws(CgroupError) {
    let path = "\(folder)/\(file)"
    do throws(SystemError) {
      let descriptor = try System.open(path, O_WRONLY)
      do throws(SystemError) { try System.writeAll(descriptor.number, Array(text.utf8)) } catch {
        throw SystemError("write '\(text)' to", path, errno: error.errno)
      }
    } catch {
      throw .refused(error)
    }
  }
}
