#if !hasFeature(Embedded)
  import Companion
#endif

/// The protocol between daemon and launcher, one message per packet (unix(7), SOCK_SEQPACKET).
///
/// A header has the mark `OL`, layout, kind and length; the fields follow, integers little-endian. Later layouts only
/// append fields and add kinds; readers ignore what they do not know.
package enum LauncherMessage: Equatable, Sendable {
  // From the daemon.

  /// Start a program. Descriptors: its socket (3), its log (1 and 2), the seccomp filter (4, optional), and the socket
  /// through which it passes its listening socket out (the next number, optional).
  case start(LaunchPlan)
  /// Send a signal to the program itself, inside its sandbox.
  case signal(id: UInt32, number: Int32)
  /// End the program and everything it has started, now.
  case kill(id: UInt32)
  /// Answer `usage`.
  case measure(id: UInt32)

  // From the launcher.

  /// The launcher is up.
  case ready(LauncherFacts)
  /// The program runs; `pid` is that of its sandbox.
  case started(id: UInt32, pid: Int32)
  /// The program could not be started. `ended` does not follow.
  case refused(id: UInt32, step: LaunchStep, errno: Int32)
  /// What a running program uses.
  case usage(id: UInt32, LaunchUsage)
  /// The program and everything it has started are gone.
  case ended(id: UInt32, LaunchEnd)

  /// The longest message, in bytes. A kernel's default send buffer takes three of them (net.core.wmem_default).
  package static let longest = 65_536
}

/// A program to start.
package struct LaunchPlan: Equatable, Sendable {
  /// Chosen by the daemon; not in use.
  package var id: UInt32
  /// The name of its control group: letters, digits, `-`, `_`.
  package var name: [UInt8]
  /// The program's path, and its arguments from the first on.
  package var words: [[UInt8]]
  /// `NAME=value` each.
  package var environment: [[UInt8]]
  /// Limits; 0 is none.
  package var limits: LaunchLimits
  /// What it starts.
  package var kind: Kind
  /// The path of a folder that is made before the start, and whose contents `usage` counts; empty for none.
  package var data: [UInt8]

  /// What a plan starts.
  package enum Kind: UInt8, Sendable {
    /// A program in its sandbox.
    case program = 0
    /// podman, which takes more than the limits of the container that it starts.
    case container = 1
    /// The stage of a container that an engine holds and limits. The fourth word is the folder in which the stage
    /// makes one of its own, named after its process id.
    case engine = 2
  }

  /// A plan without limits.
  package init(
    id: UInt32, name: [UInt8], words: [[UInt8]], environment: [[UInt8]] = [], limits: LaunchLimits = LaunchLimits(),
    kind: Kind = .program, data: [UInt8] = []
  ) {
    self.id = id
    self.name = name
    self.words = words
    self.environment = environment
    self.limits = limits
    self.kind = kind
    self.data = data
  }
}

/// The limits of a program and everything it starts; 0 is none.
package struct LaunchLimits: Equatable, Sendable {
  /// Bytes of memory (`memory.max`; without that controller RLIMIT_DATA of each process).
  package var memory: UInt64 = 0
  /// CPU time in each 100 ms, in microseconds (`cpu.max`).
  package var cpu: UInt64 = 0
  /// Processes and threads (`pids.max`). Without that controller the sandbox's last step sets RLIMIT_NPROC, which counts
  /// for each user namespace only when it is set inside.
  package var tasks: UInt32 = 0
  /// Open descriptors of each process (RLIMIT_NOFILE).
  package var descriptors: UInt32 = 0
  /// Bytes of each file (RLIMIT_FSIZE).
  package var fileSize: UInt64 = 0

  /// No limits.
  package init() {}

  /// The limits of a container's start, with room for podman, its threads and its haste.
  package var forStart: LaunchLimits {
    var limits = self
    if memory > 0 { limits.memory = memory &+ 96 << 20 }
    limits.cpu = 0
    if tasks > 0 { limits.tasks = tasks &+ 192 }
    return limits
  }
}

/// What the launcher found on this machine.
package struct LauncherFacts: Equatable, Sendable {
  /// The user of the launcher and of all agents.
  package var uid: UInt32
  /// The controllers that it can set limits with; without `groups` it has no control groups at all.
  package var controllers: Controllers
  /// The version of Landlock (landlock(7)); 0 for none.
  package var landlock: UInt32

  /// Facts.
  package init(uid: UInt32, controllers: Controllers, landlock: UInt32) {
    self.uid = uid
    self.controllers = controllers
    self.landlock = landlock
  }

  /// Control groups that the launcher may write to.
  package struct Controllers: OptionSet, Equatable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    /// It can make control groups, and so end all processes of one at once.
    package static let groups = Controllers(rawValue: 1)
    /// `memory.max`
    package static let memory = Controllers(rawValue: 2)
    /// `cpu.max`
    package static let cpu = Controllers(rawValue: 4)
    /// `pids.max`
    package static let pids = Controllers(rawValue: 8)
  }
}

/// The step of a start that failed.
package enum LaunchStep: UInt8, Sendable {
  /// Its control group could not be made, or a limit not be set.
  case group = 1
  /// The program could not be executed.
  case execute = 2
  /// The plan was not usable, or there are too many programs.
  case plan = 3
  /// Its folder could not be made.
  case data = 4
}

/// What a program and everything it has started use.
package struct LaunchUsage: Equatable, Sendable {
  /// CPU time in nanoseconds, since its start.
  package var cpu: UInt64
  /// Memory now, in bytes.
  package var memory: UInt64
  /// Processes and threads now.
  package var tasks: UInt32
  /// Bytes in its folder. Those of a tree that is too large or too deep to be counted are UInt64.max.
  package var data: UInt64

  /// A measurement.
  package init(cpu: UInt64 = 0, memory: UInt64 = 0, tasks: UInt32 = 0, data: UInt64 = 0) {
    self.cpu = cpu
    self.memory = memory
    self.tasks = tasks
    self.data = data
  }
}

/// How a program ended.
package struct LaunchEnd: Equatable, Sendable {
  /// The exit code; 128 plus the signal's number when a signal ended it, as bubblewrap reports it.
  package var code: Int32
  /// Whether the kernel killed one of its processes because its control group was out of memory.
  package var isOutOfMemory: Bool
  /// CPU time in nanoseconds.
  package var cpu: UInt64
  /// The most memory that one of its processes had, in bytes.
  package var peak: UInt64
  /// Whether the engine that holds its container is away, so that it could not be started, or had to end.
  package var isEngineAway = false

  /// An end.
  package init(code: Int32, isOutOfMemory: Bool = false, cpu: UInt64 = 0, peak: UInt64 = 0) {
    self.code = code
    self.isOutOfMemory = isOutOfMemory
    self.cpu = cpu
    self.peak = peak
  }
}
