import Launcher
import Model

/// A probe: a program in an agent's sandbox that tries to exceed one limit.
package enum LimitProbe: String, Sendable, CaseIterable {
  case isolation, memory, cpu, processes, descriptors, file, log, time, kill

  /// The arguments of the launcher's program.
  var arguments: [String] {
    switch self {
    case .isolation: ["--probe", "isolation", "0"]
    case .memory: ["--probe", "memory", "\(Self.memoryTried)"]
    case .cpu: ["--probe", "cpu", "1000"]
    case .processes: ["--probe", "processes", "\(Self.tasksTried)"]
    case .descriptors: ["--probe", "descriptors", "\(Self.descriptorsTried)"]
    case .file: ["--probe", "file", "\(Self.fileTried)"]
    case .log: ["--probe", "log", "0"]
    case .time: ["--probe", "silence", "0"]
    case .kill: ["--probe", "deaf", "0"]
    }
  }

  /// When it is ended.
  var limit: Duration {
    switch self {
    case .log: .seconds(1)
    case .time: .milliseconds(500)
    default: .seconds(10)
    }
  }

  /// Its limits: small, so that a probe without any does little harm.
  var limits: LaunchLimits {
    var limits = LaunchLimits()
    limits.memory = Self.memoryLimit << 20
    limits.cpu = self == .cpu ? Self.cpuLimit * 1000 : 50_000
    limits.tasks = Self.tasksLimit
    limits.descriptors = Self.descriptorsLimit
    limits.fileSize = Self.fileLimit << 10
    return limits
  }

  /// MiB.
  static let memoryLimit: UInt64 = 24
  static let memoryTried: UInt64 = 64
  /// Per cent of one core.
  static let cpuLimit: UInt64 = 20
  static let tasksLimit: UInt32 = 16
  static let tasksTried: UInt64 = 64
  static let descriptorsLimit: UInt32 = 32
  static let descriptorsTried: UInt64 = 128
  /// KiB.
  static let fileLimit: UInt64 = 1024
  static let fileTried: UInt64 = 4096
}

/// What a probe did.
package struct ProbeTrace: Sendable, Equatable {
  /// Its lines, at most 64.
  package var lines: [String] = []
  /// The bytes of its log that were read.
  package var bytes = 0
  /// From its start until nothing of it was left.
  package var elapsed = Duration.zero
  /// From the order to end it until nothing of it was left; nil when it ended by itself.
  package var ending: Duration?
  /// The most CPU time in nanoseconds that was measured while it ran; only of the probe `cpu`.
  package var measured: UInt64 = 0
  /// Whether it still ran some time after SIGTERM.
  package var outlivedSignal = false
  /// Whether all its processes are gone: nobody holds its log open.
  package var isGone = false
  /// How it ended; nil when it was not started or lost.
  package var end: LaunchEnd?
  /// Why it was not started or lost.
  package var problem: String?

  /// A probe that has done nothing yet.
  package init() {}

  /// The number of its last line `NAME NUMBER`.
  func value(_ name: String) -> UInt64? {
    lines.last { $0.hasPrefix("\(name) ") }.flatMap { UInt64($0.dropFirst(name.utf8.count + 1)) }
  }

  /// The rest of its lines that begin with a name.
  func values(_ name: String) -> [String] {
    lines.filter { $0.hasPrefix("\(name) ") }.map { String($0.dropFirst(name.utf8.count + 1)) }
  }
}

/// What a probe has shown about one limit.
package struct ProbeResult: Sendable, Equatable {
  /// How a limit is held.
  package enum Outcome: String, Sendable {
    case held
    /// It is measured, and the daemon acts afterwards.
    case afterwards
    case notHeld = "not_held"
    /// Nothing is known.
    case notRun = "not_run"
  }

  /// The limit.
  package var limit: String
  /// How it is held.
  package var outcome: Outcome
  /// What was tried and what happened.
  package var text: String

  /// A result.
  package init(_ limit: String, _ outcome: Outcome, _ text: String) {
    self.limit = limit
    self.outcome = outcome
    self.text = text
  }

  /// For the control protocol.
  package var fields: Fields {
    ["limit": .string(limit), "outcome": .string(outcome.rawValue), "text": .string(text)]
  }
}
