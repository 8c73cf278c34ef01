/// That somebody holds an output away from its safe state: what the daemon's death must not make forgotten.
public struct OutputHold: Equatable, Sendable {
  /// What it was told, 0 to 1.
  public var level: Double
  /// When the lease ends, on the monotonic clock, in nanoseconds.
  public var deadline: UInt64
  /// Since when it is away from its safe state.
  public var since: UInt64
  /// Whether `max_on` made the lease shorter than was asked for.
  public var isCutByMaxOn: Bool
  /// Who has the lease, cut to what fits.
  public var holder: [UInt8]

  /// Puts a hold together.
  public init(level: Double, deadline: UInt64, since: UInt64, isCutByMaxOn: Bool, holder: [UInt8]) {
    self.level = level
    self.deadline = deadline
    self.since = since
    self.isCutByMaxOn = isCutByMaxOn
    self.holder = holder
  }

  /// The longest name of a holder that is kept, in bytes.
  public static let longestHolder = 92
}

/// What is done with an output of a daemon that has died.
public enum GuardianVerdict: Equatable, Sendable {
  /// Its steps are carried out now.
  case act
  /// It is left as it is until this time, and then made safe.
  case keep(until: UInt64)

  /// Decides.
  ///
  /// `hold` is kept only where a lease is alive: what nobody holds belongs in its safe state, and nobody is left who
  /// could renew a lease. So `max_on` stands without the daemon too, since a lease never outlasts it.
  /// - Parameters:
  ///   - hold: who held it, as the page says; nil for nobody.
  ///   - now: on the monotonic clock, in nanoseconds.
  public static func of(_ policy: GuardianRecord.Policy, _ hold: OutputHold?, now: UInt64) -> GuardianVerdict {
    guard policy == .hold, let hold, hold.deadline > now else { return .act }
    return .keep(until: hold.deadline)
  }
}
