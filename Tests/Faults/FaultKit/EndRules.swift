import Agent
import Model

/// Checks the state after an orderly shutdown.
package struct EndRules {
  private let invariants: Invariants
  private let now: Instant

  package init(_ invariants: Invariants, at now: Instant) {
    self.invariants = invariants
    self.now = now
  }

  package func check(hasEnded: Bool) {
    invariants.expect(hasEnded, "orderly end", at: now, "the daemon does not end when it is told to")
  }

  package func check(timers: Int) {
    invariants.expect(timers == 0, "timers left", at: now, "\(timers) timers are left after the end")
  }

  package func check(_ agent: AgentID, _ state: LifecycleState, queued: Int) {
    invariants.expect(
      (state == .idle || state == .quarantined) && queued == 0, "agents left", at: now,
      "\(agent) is \(state) after the end, and \(queued) events wait")
  }

  /// - Parameter isSettled: whether the hardware has confirmed its level.
  package func check(_ device: DeviceID, _ settings: ActuatorSettings, level: Double, isSettled: Bool) {
    guard settings.onExit == .safe, isSettled else { return }
    invariants.expect(level == settings.safe, "safe at the end", at: now, "\(device) is at \(level) after the end")
  }
}

/// Objects that must be deallocated after a daemon's death. A remaining one is a leak in the daemon or in the campaign.
package final class Remains {
  private var objects: [(name: String, object: () -> AnyObject?)] = []

  package init() {}

  package func watch(_ name: String, _ object: AnyObject) {
    objects.append((name, { [weak object] in object }))
  }

  package func check(_ invariants: Invariants, at now: Instant) {
    for (name, object) in objects {
      invariants.expect(object() == nil, "objects left", at: now, "\(name) is still there")
    }
  }
}
