/// `verify` of an output: the sensor that has to notice when it is switched.
package struct EffectSettings: Sendable, Hashable {
  /// The sensor or input that notices it.
  package var sensor: DeviceID
  /// How long it may take, counted from the hardware's confirmation.
  package var within: Duration
  /// What is true while the output is away from its safe state: an expression in CEL with `value` and `level`.
  package var expect: RuleDeclaration.Condition
  /// What is true in its safe state; nil for the opposite of `expect`.
  package var expectSafe: RuleDeclaration.Condition?
  /// What happens when there is no effect.
  package var otherwise: Otherwise
  /// The location of the sensor's name.
  package var location: Location

  /// The times that it may take.
  package static let times: ClosedRange<Duration> = .milliseconds(10) ... .seconds(3600)

  /// By default it only reports.
  package init(
    sensor: DeviceID, within: Duration, expect: RuleDeclaration.Condition,
    expectSafe: RuleDeclaration.Condition? = nil, otherwise: Otherwise = .report,
    location: Location = Location(file: "")
  ) {
    self.sensor = sensor
    self.within = within
    self.expect = expect
    self.expectSafe = expectSafe
    self.otherwise = otherwise
    self.location = location
  }

  /// What happens when there is no effect.
  package enum Otherwise: String, Sendable, CaseIterable {
    /// It is published, and shown until somebody acknowledges it.
    case report
    /// The output goes to its safe state, too.
    case safe
  }
}
