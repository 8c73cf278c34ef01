/// Where an agent is in its life. Which state follows which is in `Lifecycle`.
public enum LifecycleState: String, Sendable, Hashable, CaseIterable {
  /// Registered; runs nothing.
  case idle
  /// The driver is making an instance.
  case starting
  /// An instance waits for events.
  case ready
  /// An instance handles an event.
  case active
  /// Asked to end: finishes what it does, takes nothing new.
  case draining
  /// Being ended without waiting.
  case stopping
  /// Failed; waits before it is started again.
  case backoff
  /// Failed too often; only a person starts it again.
  case quarantined
}
