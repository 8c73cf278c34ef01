/// The states of an agent. `Lifecycle` has the transitions.
package enum LifecycleState: String, Sendable, Hashable, CaseIterable {
  /// Registered, without an instance.
  case idle
  /// The driver is creating an instance.
  case starting
  /// The instance waits for events.
  case ready
  /// The instance handles an event.
  case active
  /// The instance finishes its current event within the grace time and accepts no other.
  case draining
  /// The instance is being stopped immediately.
  case stopping
  /// The agent failed and waits for its restart.
  case backoff
  /// The agent failed too often, or ended the daemon; only a person can start it again.
  case quarantined
}
