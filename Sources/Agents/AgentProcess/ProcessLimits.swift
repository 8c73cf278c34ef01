import Launcher
import Model

/// Time limits of process agents, and the limits of agents without a budget.
public struct ProcessLimits: Sendable {
  /// How long a program may take until it says that it is ready.
  public var start = Duration.seconds(10)
  /// How long an activation may take without a budget; a stuck agent must not hold its queue for ever.
  public var activation = Duration.seconds(300)
  /// Memory in bytes without a budget.
  public var memory = 256 << 20
  /// Processes and threads.
  public var tasks: UInt32 = 64
  /// Open descriptors of each process.
  public var descriptors: UInt32 = 256
  /// Bytes of each file that it writes.
  public var fileSize: UInt64 = 64 << 20
  /// How often a working agent's use is measured.
  public var sampling = Duration.seconds(1)

  /// The defaults.
  public init() {}

  /// The limits of one agent.
  func limits(of manifest: Manifest, _ budget: Budget) -> LaunchLimits {
    var limits = LaunchLimits()
    limits.memory = UInt64(budget.memory ?? memory)
    limits.cpu = budget.cpu.map { UInt64($0 * 100_000) } ?? 0
    limits.tasks = tasks
    limits.descriptors = descriptors
    limits.fileSize = fileSize
    return limits
  }
}
