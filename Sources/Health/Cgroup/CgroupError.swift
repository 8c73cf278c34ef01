import Linux

/// Why a control group cannot be read.
package enum CgroupError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The group or the controller is not available.
  case absent(ControllerAbsence)
  /// A file cannot be read.
  case unreadable(SystemError)
  /// A file does not have the format of the kernel's documentation.
  case malformed(file: String)

  /// For example `/sys/fs/cgroup/x/cpu.stat has an unexpected format`.
  package var description: String {
    switch self {
    case .absent(let why): "\(why)"
    case .unreadable(let error): "\(error)"
    case .malformed(let file): "\(file) has an unexpected format"
    }
  }
}

/// Why a controller is not available to this process; the description says how to change that.
package enum ControllerAbsence: Sendable, Hashable, CustomStringConvertible {
  /// No control groups are mounted.
  case notMounted
  /// Only version 1 is mounted.
  case versionOneOnly
  /// Both versions are mounted, and version 1 has the controller.
  case versionOneHas(String)
  /// The process's group is outside of the mounted hierarchy.
  case hidden(group: String)
  /// The process is in the root group, which has no limits and no meters.
  case root
  /// The kernel's command line disables the controller; `afterEnabling` if it enables it before that.
  case disabled(String, afterEnabling: Bool)
  /// The kernel was built without the controller.
  case notBuilt(String)
  /// A group above does not pass the controller on to its children.
  case notEnabled(String, by: String)

  /// Whether the controller is missing for every process on this machine.
  package var isOfKernel: Bool {
    switch self {
    case .disabled, .notBuilt: true
    default: false
    }
  }

  /// The reason and the remedy.
  package var description: String {
    switch self {
    case .notMounted: "no control groups are mounted at /sys/fs/cgroup (type cgroup2)"
    case .versionOneOnly:
      "only version 1 of control groups is mounted; systemd.unified_cgroup_hierarchy=1 on the kernel's command line "
        + "enables version 2"
    case .versionOneHas(let controller):
      "version 1 of control groups has the \(controller) controller; systemd.unified_cgroup_hierarchy=1 on the "
        + "kernel's command line moves it to version 2"
    case .hidden(let group): "the control group \(group) is not visible from here"
    case .root: "the daemon is in the root control group, which has no limits: run it as a service"
    case .disabled(let controller, let afterEnabling):
      "the kernel's command line has cgroup_disable=\(controller)"
        + (afterEnabling
          ? " after cgroup_enable=\(controller), and the last one counts: the firmware adds it, update the firmware"
          : "; on a Raspberry Pi add cgroup_enable=\(controller) to cmdline.txt and reboot")
    case .notBuilt(let controller): "this kernel has no \(controller) controller"
    case .notEnabled(let controller, let group):
      "the control group \(group) does not pass on the \(controller) controller (cgroup.subtree_control)"
    }
  }
}
