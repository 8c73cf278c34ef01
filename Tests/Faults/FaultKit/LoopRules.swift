import Agent
import Model

/// Checks a daemon's loop, and the agents on it, between any two of its actions.
package struct LoopRules {
  /// The maximum numbers of timers, and of deferred actions in one turn.
  static let timers = 200
  static let actions = 1000

  private var emitted: [String: [Instant]] = [:]

  package init() {}

  package func check(timers: Int, putOff: Int, _ invariants: Invariants, at now: Instant) {
    invariants.expect(timers <= Self.timers, "bounded timers", at: now, "\(timers) timers wait")
    invariants.expect(putOff <= Self.actions, "bounded turn", at: now, "\(putOff) actions wait in one turn")
  }

  /// An event is dispatched.
  package func dispatched(_ event: Event, depthLimit: Int, _ invariants: Invariants, at now: Instant) {
    invariants.expect(event.depth <= depthLimit, "depth", at: now, "\(event.type) has depth \(event.depth)")
  }

  /// An agent has emitted an event, within its budget.
  /// - Parameter budget: events per second. The budget's window moves in steps, so that twice as many may fall into one
  ///   second.
  package mutating func emitted(by agent: String, budget: Int, _ invariants: Invariants, at now: Instant) {
    let recent = emitted[agent, default: []].filter { now - $0 < .seconds(1) } + [now]
    emitted[agent] = recent
    invariants.expect(
      recent.count <= budget * 2, "budget", at: now, "\(agent) emitted \(recent.count) events in a second")
  }

  /// An activation has ended with this peak memory, in bytes.
  package func used(_ memory: Int, of budget: Int, by agent: AgentID, _ invariants: Invariants, at now: Instant) {
    invariants.expect(memory <= budget, "memory", at: now, "\(agent) had \(memory) bytes of \(budget)")
  }

  /// Quarantined agents do not run, and in safe mode no configured agent does.
  /// - Parameter state: nil for an agent that is not registered.
  package func check(
    _ agent: AgentID, _ state: LifecycleState?, isQuarantined: Bool, isSafeMode: Bool, _ invariants: Invariants,
    at now: Instant
  ) {
    if isSafeMode {
      invariants.expect(state == nil, "safe mode", at: now, "\(agent) is there in safe mode")
    } else if isQuarantined {
      invariants.expect(state == .quarantined, "three strikes", at: now, "\(agent) runs after three strikes")
    }
  }
}
