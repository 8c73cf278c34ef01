import Glibc
import Linux

// Changes, which are possible only in a group that systemd has delegated (`Delegate=yes`), and below it.
extension ControlGroup {
  /// The limits of a group; nil is no limit.
  public struct Limits: Sendable, Hashable {
    /// Bytes of memory beyond which the kernel kills processes (`memory.max`).
    public var memory: UInt64?
    /// Bytes of memory beyond which the kernel throttles the group and reclaims its memory (`memory.high`).
    public var memoryHigh: UInt64?
    /// CPU time as a fraction of one core (`cpu.max`).
    public var cpu: Double?
    /// The number of processes and threads (`pids.max`).
    public var tasks: Int?

    /// Limits; those left out do not apply.
    public init(memory: UInt64? = nil, memoryHigh: UInt64? = nil, cpu: Double? = nil, tasks: Int? = nil) {
      self.memory = memory
      self.memoryHigh = memoryHigh
      self.cpu = cpu
      self.tasks = tasks
    }
  }

  /// Makes a group below this one, or reuses one that a dead daemon has left.
  /// - Parameter child: the name, without a slash.
  public func makeChild(_ child: String) throws(CgroupError) -> ControlGroup {
    let place = "\(folder)/\(child)"
    do throws(SystemError) { try Files.makeFolder(place) } catch { throw .refused(error) }
    return ControlGroup(name: name == "/" ? "/\(child)" : "\(name)/\(child)", folder: place, top: top, root: root)
  }

  /// Passes a controller on to the groups below this one (`cgroup.subtree_control`). One at a time, as the kernel
  /// accepts all of a write or nothing. Fails for a group with processes of its own.
  public func enableForChildren(_ controller: String) throws(CgroupError) {
    try write("cgroup.subtree_control", "+\(controller)")
  }

  /// Sets the limits and removes those that are nil.
  /// - Throws: `absent` for a limit whose controller the group does not have; earlier limits are set by then.
  public func setLimits(_ limits: Limits) throws(CgroupError) {
    let period: Double = 100_000
    try set("memory", "memory.max", limits.memory.map { "\($0)" })
    try set("memory", "memory.high", limits.memoryHigh.map { "\($0)" })
    try set("cpu", "cpu.max", limits.cpu.map { "\(Int(max(1000, $0 * period))) \(Int(period))" })
    try set("pids", "pids.max", limits.tasks.map { "\($0)" })
  }

  /// Moves a process into the group (`cgroup.procs`); its future children start there.
  public func add(_ process: Int32) throws(CgroupError) { try write("cgroup.procs", "\(process)") }

  /// Kills all processes in the group and below it (`cgroup.kill`, Linux 5.14).
  public func kill() throws(CgroupError) { try write("cgroup.kill", "1") }

  /// Freezes or thaws all processes in the group and below it (`cgroup.freeze`).
  public func freeze(_ isOn: Bool) throws(CgroupError) { try write("cgroup.freeze", isOn ? "1" : "0") }

  /// Removes the group.
  /// - Throws: EBUSY while the group has processes or groups below it.
  public func remove() throws(CgroupError) {
    Files.removeFolder(folder)
    if Files.isFolder(folder) { throw .refused(SystemError("rmdir", folder, errno: EBUSY)) }
  }

  private func set(_ controller: String, _ file: String, _ value: String?) throws(CgroupError) {
    if !Files.exists("\(folder)/\(file)") {
      // Without the controller there is no limit to remove.
      if value == nil { return }
      throw .absent(absence(of: controller) ?? .notEnabled(controller, by: name))
    }
    try write(file, value ?? "max")
  }

  /// Writes the text with one write(2), as the kernel requires.
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
