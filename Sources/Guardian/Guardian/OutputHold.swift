/// The lease of an output, in the form that survives the daemon's death.
package struct OutputHold: Equatable, Sendable {
  /// The commanded level, 0 to 1.
  package var level: Double
  /// When the lease ends, in nanoseconds of the monotonic clock.
  package var deadline: UInt64
  /// When the output left its safe state, in nanoseconds of the monotonic clock.
  package var since: UInt64
  /// Whether `max_on` made the lease shorter than requested.
  package var isCutByMaxOn: Bool
  /// The holder's name in UTF-8, truncated to `longestHolder` bytes.
  package var holder: [UInt8]

  /// Takes the holder's name as it is; `HolderPage` truncates it.
  package init(level: Double, deadline: UInt64, since: UInt64, isCutByMaxOn: Bool, holder: [UInt8]) {
    self.level = level
    self.deadline = deadline
    self.since = since
    self.isCutByMaxOn = isCutByMaxOn
    self.holder = holder
  }

  /// The longest name of a holder, in bytes.
  package static let longestHolder = 92
}

/// The guardian's action on an output of a dead daemon.
package enum GuardianVerdict: Equatable, Sendable {
  /// Carry out its steps now.
  case act
  /// Leave it as it is until this time, in nanoseconds of the monotonic clock, and then make it safe.
  case keep(until: UInt64)

  /// Applies the policy of an output.
  ///
  /// `on_exit: hold` needs a lease in force: an output without one belongs in its safe state, and after the daemon's
  /// death no lease can be renewed. A lease never outlasts `max_on`, so that limit holds without the daemon too.
  /// - Parameters:
  ///   - hold: the lease on the shared page; nil without one.
  ///   - now: in nanoseconds of the monotonic clock.
  package static func of(_ policy: GuardianRecord.Policy, _ hold: OutputHold?, now: UInt64) -> GuardianVerdict {
    guard policy == .hold, let hold, hold.deadline > now else { return .act }
    return .keep(until: hold.deadline)
  }
}
