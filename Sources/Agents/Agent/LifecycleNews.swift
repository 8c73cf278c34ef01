import Model

/// A lifecycle change that is published as an event.
package enum LifecycleNews: Sendable, Hashable {
  /// An instance is ready; `restarts` counts the restarts by policy since the daemon started.
  case started(restarts: Int)
  /// The agent failed.
  case failed(AgentFailure)
  /// The agent restarts after this delay; `attempt` counts the restarts within the policy's window, from 1.
  case backoff(Duration, attempt: Int)
  /// The agent is quarantined for a failure.
  case quarantined(AgentFailure)
  /// The agent is quarantined because it was restarted too often within the policy's window.
  case restartedTooOften(ExitReason, restarts: Int, window: Duration)
  /// The instance has ended, and the agent does not restart by itself.
  case stopped(ExitReason)

  /// Whether somebody has stopped the agent, or only a person may start it again, so that its timers end.
  package var endsTimers: Bool {
    switch self {
    case .started, .failed, .backoff: false
    case .quarantined, .restartedTooOften: true
    case .stopped(let reason): reason == .killed || reason == .shutdown
    }
  }

  /// The catalogued event for this change of `agent`.
  package func event(of agent: AgentID) -> DaemonEvent {
    switch self {
    case .started(let restarts): AgentEvents.started(agent, restarts: restarts)
    case .failed(let failure):
      AgentEvents.failed(agent, reason: failure.reason.rawValue, message: failure.message)
    case .backoff(let delay, let attempt): AgentEvents.backoff(agent, delay: delay, attempt: attempt)
    case .quarantined(let failure):
      AgentEvents.quarantined(agent, reason: failure.reason.rawValue, message: failure.message)
    case .restartedTooOften(let reason, let restarts, let window):
      AgentEvents.quarantined(agent, reason: reason.rawValue, restarts: restarts, window: window)
    case .stopped(let reason): AgentEvents.stopped(agent, reason: reason.rawValue)
    }
  }
}
