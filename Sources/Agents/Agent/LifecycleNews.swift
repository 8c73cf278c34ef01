import Model

/// What is published of an agent's life.
public enum LifecycleNews: Sendable, Hashable {
  /// An instance is there; how often it was started again.
  case started(restarts: Int)
  /// It failed.
  case failed(AgentFailure)
  /// It is started again after this long; number of the restart within the policy's window.
  case backoff(Duration, attempt: Int)
  /// It is quarantined for a failure.
  case quarantined(AgentFailure)
  /// It is quarantined because it was started again too often within the policy's window.
  case restartedTooOften(ExitReason, restarts: Int, window: Duration)
  /// Its instance has ended, and no other is started by itself.
  case stopped(ExitReason)

  /// The event that tells it of `agent`.
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
