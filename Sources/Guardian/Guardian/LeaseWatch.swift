/// Decides when the guardian of a living daemon checks the leases, and which of them are overdue because the daemon
/// hangs.
///
/// Both sides keep one: the daemon's decides when to send `GuardianMessage.watch`, the guardian's when to check. The
/// guardian always checks once after the deadline that it was sent last, and then sees leases with later deadlines
/// without another packet. All times are nanoseconds of the monotonic clock, which stands still while the machine is
/// suspended (clock_gettime(2), `CLOCK_MONOTONIC`).
package struct LeaseWatch: Equatable, Sendable {
  /// How long after its deadline the daemon may still end a lease, in nanoseconds. A busy loop runs its timers some
  /// milliseconds late; one that is 250 ms late is stuck.
  package static let grace: UInt64 = 250_000_000

  /// The deadline that was sent last; nil when there is none or it has been checked.
  package private(set) var told: UInt64?

  /// Watches no lease yet.
  package init() {}

  /// When the guardian checks a lease with this deadline.
  package static func look(_ deadline: UInt64) -> UInt64 {
    let (time, isTooLate) = deadline.addingReportingOverflow(grace)
    return isTooLate ? .max : time
  }

  /// Whether a lease with this deadline is overdue, so that the guardian ends it.
  package static func isOverdue(_ deadline: UInt64, now: UInt64) -> Bool { look(deadline) <= now }

  /// The daemon's side: notes a lease that has been written to the page.
  /// - Parameter now: read after the page was written.
  /// - Returns: whether to tell the guardian; false while it has yet to check an earlier deadline.
  package mutating func mustTell(_ deadline: UInt64, now: UInt64) -> Bool {
    if let told, told <= deadline, !Self.isOverdue(told, now: now) { return false }
    told = deadline
    return true
  }

  /// The guardian's side: notes a deadline that the daemon has sent, in place of the one before.
  package mutating func hear(_ deadline: UInt64) { told = deadline }

  /// The guardian's side: schedules the check after this one.
  /// - Parameters:
  ///   - now: the time of this check, or earlier.
  ///   - earliest: the earliest deadline of all leases that have not been overruled; nil when there is none.
  /// - Returns: when to check next; nil for never.
  package mutating func next(after now: UInt64, earliest: UInt64?) -> UInt64? {
    if let told, Self.isOverdue(told, now: now) { self.told = nil }
    guard let earliest else { return told.map(Self.look) }
    return Self.look(min(earliest, told ?? earliest))
  }
}
