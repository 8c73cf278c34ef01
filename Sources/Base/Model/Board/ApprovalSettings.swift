/// Which commands to an actuator wait for a person, and how long: `approval`, `approval_time` and `approve_with` in the
/// board file. Commands that lead to the safe state never do.
package struct ApprovalSettings: Sendable, Hashable {
  /// Which commands need it.
  package enum Scope: Sendable, Hashable {
    /// All.
    case required
    /// Those to a level above this one, 0 to 1.
    case above(Double)
    /// Those for which a condition is true or unknown.
    case condition(RuleDeclaration.Condition)
  }

  /// Which commands need it.
  package var scope: Scope
  /// How long a command waits before it expires.
  package var time: Duration
  /// The input with which somebody at the board approves; nil for none.
  package var input: DeviceID?

  /// How long a command waits if the board file says nothing else.
  package static let defaultTime = Duration.seconds(120)

  /// - Parameters:
  ///   - time: how long a command waits before it expires.
  ///   - input: the input with which somebody at the board approves.
  package init(_ scope: Scope, time: Duration = defaultTime, input: DeviceID? = nil) {
    self.scope = scope
    self.time = time
    self.input = input
  }
}
