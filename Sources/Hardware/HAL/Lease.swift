import Model

/// The right to hold an actuator away from its safe state.
package struct Lease: Sendable, Hashable {
  /// Its holder: `agent/climate`, `client/alice`, `rule/hot`.
  package var holder: String
  /// When it ends unless it is renewed.
  package var deadline: Instant
  /// Whether `max_on` made it shorter than requested.
  package var isCutByMaxOn: Bool
  /// The event that led to it, which becomes the cause of its end; nil when unknown.
  package var cause: Cause?

  /// - Parameter deadline: on the monotonic clock.
  package init(holder: String, deadline: Instant, isCutByMaxOn: Bool, cause: Cause?) {
    self.holder = holder
    self.deadline = deadline
    self.isCutByMaxOn = isCutByMaxOn
    self.cause = cause
  }
}
