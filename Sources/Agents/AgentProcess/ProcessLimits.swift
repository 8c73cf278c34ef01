import Launcher
import Model

/// Time limits of process agents, and the limits of agents without a budget.
package struct ProcessLimits: Sendable {
  /// How long a program may take until it says that it is ready.
  package var start = Duration.seconds(10)
  /// How long an activation may take without a budget; a stuck agent must not hold its queue for ever.
  package var activation = Duration.seconds(300)
  /// Memory in bytes without a budget.
  package var memory = 256 << 20
  /// Processes and threads.
  package var tasks: UInt32 = 64
  /// Open descriptors of each process.
  package var descriptors: UInt32 = 256
  /// Bytes of each file that it writes, without a folder of its own.
  package var fileSize: UInt64 = 64 << 20
  /// How often a working agent's use is measured.
  package var sampling = Duration.seconds(1)

  /// The defaults.
  package init() {}

  /// The defaults for containers: podman takes a third of a second on a large machine.
  package static var container: ProcessLimits {
    var limits = ProcessLimits()
    limits.start = .seconds(30)
    return limits
  }

  /// The effective budget of an agent.
  func inForce(_ manifest: Manifest) -> Budget {
    var budget = manifest.budget
    budget.memory = budget.memory ?? memory
    return budget
  }

  /// The limits of one agent.
  func limits(of manifest: Manifest, _ budget: Budget) -> LaunchLimits {
    var limits = LaunchLimits()
    limits.memory = UInt64(budget.memory ?? memory)
    limits.cpu = budget.cpu.map { UInt64($0 * 100_000) } ?? 0
    limits.tasks = tasks
    limits.descriptors = descriptors
    limits.fileSize = manifest.permissions.data.map { UInt64(max($0, Sandbox.temporary)) } ?? fileSize
    return limits
  }

  /// How long an activation of an agent may take, without its waits for models.
  func activation(of manifest: Manifest) -> Duration { manifest.budget.activation ?? activation }
}
