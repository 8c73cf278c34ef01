import Linux

/// Why a control group tells nothing, or cannot be changed.
public enum CgroupError: Error, Sendable, Hashable, CustomStringConvertible {
  /// There is no such group or controller here.
  case absent(ControllerAbsence)
  /// A file that should be there cannot be read.
  case unreadable(SystemError)
  /// The kernel does not take what was written, or the group is not ours to change.
  case refused(SystemError)
  /// A file says something that the kernel's documentation does not.
  case malformed(file: String)

  /// `/sys/fs/cgroup/x/cpu.stat is not what Linux writes`.
  public var description: String {
    switch self {
    case .absent(let why): "\(why)"
    case .unreadable(let error), .refused(let error): "\(error)"
    case .malformed(let file): "\(file) is not what Linux writes"
    }
  }
}

/// Why a controller does not work for this process, in words that a person can act upon.
public enum ControllerAbsence: Sendable, Hashable, CustomStringConvertible {
  /// No control groups are mounted.
  case notMounted
  /// Only version 1 is mounted.
  case versionOneOnly
  /// Version 1 has the controller, and version 2, beside it, cannot have it.
  case versionOneHas(String)
  /// The process's group lies outside of what is mounted here.
  case hidden(group: String)
  /// The process is in the root group, which has no limits and counts nothing of its own.
  case root
  /// The kernel's command line has switched the controller off; `afterEnabling` where it had switched it on before.
  case disabled(String, afterEnabling: Bool)
  /// The kernel has no such controller.
  case notBuilt(String)
  /// The group above does not pass the controller on.
  case notHandedDown(String, by: String)

  /// Whether nothing at all on this machine can hold a process to a limit of that kind.
  public var isOfKernel: Bool {
    switch self {
    case .disabled, .notBuilt: true
    default: false
    }
  }

  /// What is missing, and what to do.
  public var description: String {
    switch self {
    case .notMounted: "no control groups are mounted at /sys/fs/cgroup (type cgroup2)"
    case .versionOneOnly:
      "only version 1 of control groups is mounted; systemd.unified_cgroup_hierarchy=1 on the kernel's command line "
        + "brings version 2"
    case .versionOneHas(let controller):
      "version 1 of control groups has the \(controller) controller; systemd.unified_cgroup_hierarchy=1 on the kernel's "
        + "command line gives it to version 2"
    case .hidden(let group): "the control group \(group) cannot be seen from here"
    case .root: "the daemon is in the root control group, which has no limits: run it as a service"
    case .disabled(let controller, let afterEnabling):
      "the kernel's command line has cgroup_disable=\(controller)"
        + (afterEnabling
          ? " after cgroup_enable=\(controller), and the last one counts: the firmware adds it, update the firmware"
          : "; on a Raspberry Pi add cgroup_enable=\(controller) to cmdline.txt and start the board again")
    case .notBuilt(let controller): "this kernel has no \(controller) controller"
    case .notHandedDown(let controller, let group):
      "the control group \(group) does not pass the \(controller) controller on (cgroup.subtree_control)"
    }
  }
}
