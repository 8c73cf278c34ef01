import Model

/// The right to hold an actuator away from its safe state.
public struct Lease: Sendable, Hashable {
  /// Who has it.
  public var holder: String
  /// When it ends unless it is renewed.
  public var deadline: Instant
  /// Whether `max_on` made it shorter than was asked for.
  public var isCutByMaxOn: Bool
  /// What led to it: the cause of what happens when it ends.
  public var cause: Cause?

  /// Puts a lease together.
  public init(holder: String, deadline: Instant, isCutByMaxOn: Bool, cause: Cause?) {
    self.holder = holder
    self.deadline = deadline
    self.isCutByMaxOn = isCutByMaxOn
    self.cause = cause
  }
}
