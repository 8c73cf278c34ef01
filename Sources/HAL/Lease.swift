import Model

/// The right to hold an actuator away from its safe state.
struct Lease {
  /// Who has it.
  var holder: String
  /// When it ends unless it is renewed.
  var deadline: Instant
  /// Whether `max_on` made it shorter than was asked for.
  var isCutByMaxOn: Bool
  /// What led to it: the cause of what happens when it ends.
  var cause: Cause?
}
