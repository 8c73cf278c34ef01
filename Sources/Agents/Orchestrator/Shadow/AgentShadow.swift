import HAL
import Model

/// What an agent imagines that is a shadow: it takes those of its calls that would change something.
///
/// All other calls of an agent read, or concern only itself: its durable values, timers, log and questions to models.
final class AgentShadow {
  private let agent: AgentID
  private let name: String
  private let board: ShadowBoard
  private let shadows: Shadows

  /// The record of an earlier version of the agent ends.
  init(_ manifest: Manifest, _ shadows: Shadows) {
    agent = manifest.id
    name = "agent/\(manifest.id)"
    self.shadows = shadows
    board = shadows.begin(manifest)
  }

  /// Imagines a command.
  /// - Returns: a receipt as if it had been carried out, with the id of the event that tells of it.
  func control(
    _ id: DeviceID, _ command: ActuatorCommand, lease: Duration?, as principal: Principal, cause: Cause?
  ) throws(HALError) -> Receipt {
    try board.carryOut(id, command, lease: lease, as: principal, cause: cause)
  }

  /// Records an event that it would have emitted: rules could act on it.
  /// - Returns: the id of the event that tells of it.
  func emit(_ type: String, _ payload: Fields, cause: Cause?) -> ULID {
    let fields = payload.map { ", \($0.key): \($0.value.text(limit: 60))" }.joined()
    return shadows.note("emit", "emit(\(type)\(fields))", by: name, cause: cause).id
  }

  /// Its instance has ended, and with it the leases.
  func end(_ cause: Cause?) { board.releaseAll(holder: name, cause: cause) }

  /// It is unregistered or replaced.
  func forget() { shadows.forget(agent, board) }
}
