/// When the guardian of a daemon that lives looks at the leases, and which it ends: those that the daemon should have
/// ended and has not, since it does not answer.
///
/// Both sides keep one. The daemon's says when `GuardianMessage.watch` is due; the guardian's says when it looks. The
/// guardian looks once for what it was told last, whatever it has seen before; so a hold with a later deadline than that
/// is seen without another packet. All times are of the monotonic clock, in nanoseconds: while the machine is suspended,
/// neither leases nor this go on (clock_gettime(2), `CLOCK_MONOTONIC`).
public struct LeaseWatch: Equatable, Sendable {
  /// How long after its deadline a lease is still the daemon's to end, in nanoseconds. A busy loop runs its timers some
  /// milliseconds late; who is a quarter of a second late is stuck.
  public static let grace: UInt64 = 250_000_000

  /// The deadline that was told last, and has not been looked at.
  public private(set) var told: UInt64?

  /// A watch for nothing.
  public init() {}

  /// When a hold with this deadline is looked at.
  public static func look(_ deadline: UInt64) -> UInt64 {
    let (time, isTooLate) = deadline.addingReportingOverflow(grace)
    return isTooLate ? .max : time
  }

  /// Whether a hold with this deadline is the guardian's to end.
  public static func isOverdue(_ deadline: UInt64, now: UInt64) -> Bool { look(deadline) <= now }

  /// The daemon's side: takes note of a hold that the page already has.
  /// - Parameter now: read after the page was written.
  /// - Returns: whether the guardian has to be told. Not while it is yet to look at an earlier deadline.
  public mutating func mustTell(_ deadline: UInt64, now: UInt64) -> Bool {
    if let told, told <= deadline, !Self.isOverdue(told, now: now) { return false }
    told = deadline
    return true
  }

  /// The guardian's side: takes note of what it was told, in place of what it was told before.
  public mutating func hear(_ deadline: UInt64) { told = deadline }

  /// The guardian's side, after a look.
  /// - Parameters:
  ///   - now: when it looked, or earlier.
  ///   - earliest: of the deadlines of all that is held; nil when nothing is.
  /// - Returns: when to look next; nil for not at all.
  public mutating func next(after now: UInt64, earliest: UInt64?) -> UInt64? {
    if let told, Self.isOverdue(told, now: now) { self.told = nil }
    guard let earliest else { return told.map(Self.look) }
    return Self.look(min(earliest, told ?? earliest))
  }
}
